-- migrate:up

CREATE TYPE payment.charge_state AS ENUM ('new', 'authorized', 'declined', 'cancelled', 'refunded');

-- One row an order, made by whichever of its events comes first; workers/services/payment_charge.h tells the states.
-- Room on each page: a charge is written twice or three times, and no index needs to hear of it (HOT).
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
