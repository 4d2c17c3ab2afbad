-- migrate:up

CREATE TYPE fulfillment.shipment_state AS ENUM ('new', 'shipped', 'rejected');

-- One row an order, made by whichever of its events comes first; workers/services/fulfillment_shipment.h tells the states.
-- No address: the carrier has it, and nobody asks for it again.
CREATE TABLE fulfillment.shipment (
    order_id        uuid PRIMARY KEY,
    state           fulfillment.shipment_state NOT NULL DEFAULT 'new',
    shipment_id     uuid,
    carrier         text,
    tracking_number text,
    reason          text,                   -- of a refusal
    decided_at      timestamptz(3),
    CHECK (num_nonnulls(shipment_id, carrier, tracking_number) = CASE state WHEN 'shipped' THEN 3 ELSE 0 END),
    CHECK ((reason IS NOT NULL) = (state = 'rejected'))
) WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off
);

-- migrate:down
