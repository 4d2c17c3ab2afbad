-- migrate:up

CREATE TYPE payment.charge_state AS ENUM ('new', 'authorized', 'declined', 'cancelled', 'refunded');

-- One row an order, made by whichever of its events comes first; workers/services/payment_charge.h tells the states.
-- Written twice or three times, so there is room on each page for about half of the updates to stay on theirs (HOT). More
-- room was not faster and cost more disk than the index saved (20,000 orders: fillfactor 60 624 pages in all, 25 779).
CREATE TABLE payment.charge (
    order_id       uuid PRIMARY KEY,
    state          payment.charge_state NOT NULL DEFAULT 'new',
    currency       text CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor   bigint NOT NULL DEFAULT 0 CHECK (amount_minor >= 0),
    refunded_minor bigint NOT NULL DEFAULT 0,
    lines          json,                    -- json, not jsonb: sent on as it was written
    reason         text,
    decided_at     timestamptz(3),
    CHECK ((currency IS NULL) = (state IN ('new', 'cancelled'))),
    CHECK (refunded_minor = CASE state WHEN 'refunded' THEN amount_minor ELSE 0 END),
    CHECK ((lines IS NOT NULL) = (state IN ('authorized', 'refunded'))),
    CHECK ((reason IS NOT NULL) = (state = 'declined'))
) WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off
);

-- migrate:down
