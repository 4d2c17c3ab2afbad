-- migrate:up

-- Calls to the world outside that are still to be made, or made again: written in the transaction that wants them, removed
-- in the one that records their outcome. due_at is also the lease: whoever takes a row moves it beyond the end of the call,
-- so what a crash has left behind comes up again by itself. leases tells a holder whether the row is still its own.
CREATE TABLE @schema@.effect (
    id          uuid PRIMARY KEY,           -- the same at every repeat: the other side knows a call again by it
    kind        text NOT NULL,
    order_id    uuid NOT NULL,
    payload     json NOT NULL,
    traceparent text NOT NULL,
    due_at      timestamptz NOT NULL,       -- whole: rounded to (3), what is due at once could be due half a millisecond later
    leases      bigint NOT NULL DEFAULT 0,
    attempts    int NOT NULL DEFAULT 0,     -- since it was added, or since an operator asked for more
    gave_up_at  timestamptz(3),             -- no more calls until an operator asks for them
    error       text,                       -- of the last call
    added_at    timestamptz(3) NOT NULL DEFAULT clock_timestamp()
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off
);
CREATE INDEX effect_due ON @schema@.effect (kind, due_at) WHERE gave_up_at IS NULL;
CREATE INDEX effect_gave_up ON @schema@.effect (kind, gave_up_at) WHERE gave_up_at IS NOT NULL;

-- migrate:down
