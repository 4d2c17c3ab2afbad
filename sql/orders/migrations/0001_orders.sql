-- migrate:up

CREATE TYPE orders.order_status AS ENUM ('PENDING', 'PAYMENT', 'INVENTORY', 'FULFILLMENT', 'COMPLETED', 'CANCELLED');

-- An order as it was accepted; never changed. The id is a UUIDv7, so it alone is creation time, list order and cursor.
-- The key digest names (client, Idempotency-Key): its unique index is what makes a create happen once.
-- No foreign keys point here: rows of the three tables are made together, by create_orders alone, and nothing deletes them.
CREATE TABLE orders.orders (
    order_id    uuid PRIMARY KEY,
    key_digest  uuid NOT NULL UNIQUE,
    body_digest uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency    text NOT NULL CHECK (length(currency) = 3),
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    items       json NOT NULL,              -- json, not jsonb: returned as it was written
    address     json NOT NULL
);
CREATE INDEX orders_customer ON orders.orders (customer_id, order_id);

-- Where an order stands: narrow, and with room on each page, so that a move rewrites the row beside itself and touches no
-- index (HOT). That is why status is in no index: outcome repeats it once it is final, NULL until then.
CREATE TABLE orders.progress (
    order_id       uuid PRIMARY KEY,
    status         orders.order_status NOT NULL,
    outcome        orders.order_status,
    version        int NOT NULL,
    updated_at     timestamptz(3) NOT NULL,
    nudged_at      timestamptz(3),
    failure_reason text,
    CHECK (outcome IS NOT DISTINCT FROM CASE WHEN status IN ('COMPLETED', 'CANCELLED') THEN status END),
    CHECK ((failure_reason IS NOT NULL) = (status = 'CANCELLED'))
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.02,
    vacuum_truncate = off
);
-- Lists by final status; and the orders under way, few whatever the size of the table: lists of them, and the stuck ones.
CREATE INDEX progress_outcome ON orders.progress (outcome, order_id) WHERE outcome IS NOT NULL;
CREATE INDEX progress_open ON orders.progress (order_id) WHERE outcome IS NULL;

-- Every move of every order; the allowed ones are those of common/model/order_state.c.
CREATE TABLE orders.timeline (
    order_id    uuid NOT NULL,
    version     int NOT NULL,
    at          timestamptz(3) NOT NULL,
    from_status orders.order_status,        -- NULL: the order was accepted
    to_status   orders.order_status NOT NULL,
    reason      text,
    event_id    uuid NOT NULL,
    trace_id    bytea,
    PRIMARY KEY (order_id, version),
    CHECK ((version = 1) = (from_status IS NULL)),
    CHECK (CASE WHEN from_status IS NULL THEN to_status = 'PENDING'
                WHEN to_status = 'CANCELLED' THEN from_status < 'COMPLETED' AND reason IS NOT NULL
                ELSE (from_status, to_status) IN (('PENDING', 'PAYMENT'), ('PAYMENT', 'INVENTORY'),
                                                  ('INVENTORY', 'FULFILLMENT'), ('FULFILLMENT', 'COMPLETED')) END)
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000);

-- Signs what Redis remembers. One row, made here, known to no file.
CREATE TABLE orders.secret (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    value    bytea NOT NULL
);
INSERT INTO orders.secret (value)
SELECT sha256(string_agg(uuid_send(gen_random_uuid()), ''::bytea)) FROM generate_series(1, 4);

-- migrate:down
