-- migrate:up

-- Events that wait for the relay. Column names are those of Debezium's outbox event router, so that it could take the
-- relay's place. seq is the relay's order: of insertion, not of commit, so nobody ever reads "beyond the last seq".
-- Rows live for milliseconds: vacuum comes by count alone and unthrottled, and never asks for the exclusive lock that
-- giving back empty pages takes.
CREATE TABLE @schema@.outbox (
    seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            uuid NOT NULL,            -- the event: ce_id, the same on every re-send
    aggregatetype text NOT NULL,            -- the topic
    aggregateid   uuid NOT NULL,            -- the order: the message's key
    type          text NOT NULL,
    payload       json NOT NULL,            -- json, not jsonb: sent as it was written
    traceparent   text NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 100000,
    vacuum_truncate = off,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 5000,
    toast.autovacuum_vacuum_cost_delay = 0,
    toast.vacuum_truncate = off
);

-- Events this service has applied. Ids are UUIDv7, so the index grows at one end and a purge by age is a range.
-- Insert-only: regular small vacuums freeze what came in, instead of one great one later.
CREATE TABLE @schema@.inbox (
    event_id uuid PRIMARY KEY
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 200000,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);

-- Events set aside: received ones that can't be applied (outbound false), and own ones that can't be sent (true).
CREATE TABLE @schema@.deadletter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outbound    boolean NOT NULL,
    held        boolean NOT NULL,           -- not at fault itself: waits behind another of its order
    event_id    uuid,                       -- these are NULL where the message could not be read that far
    order_id    uuid,
    type        text,
    topic       text NOT NULL,
    partition   int,                        -- NULL: never sent
    log_offset  bigint,
    key         bytea,                      -- as received, whatever it was
    payload     bytea,
    traceparent text,
    reason      text NOT NULL,
    added_at    timestamptz(3) NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX deadletter_event ON @schema@.deadletter (event_id, outbound) WHERE event_id IS NOT NULL;
CREATE UNIQUE INDEX deadletter_place ON @schema@.deadletter (topic, partition, log_offset) WHERE event_id IS NULL;
CREATE INDEX deadletter_order ON @schema@.deadletter (order_id) WHERE NOT outbound;

-- migrate:down
