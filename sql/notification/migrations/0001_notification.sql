-- migrate:up

CREATE TYPE notification.conversation_state AS ENUM ('new', 'confirmed', 'completed', 'cancelled');

-- One row an order: what its customer was told last; workers/services/notification_conversation.h tells the states.
CREATE TABLE notification.conversation (
    order_id uuid PRIMARY KEY,
    state    notification.conversation_state NOT NULL DEFAULT 'new'
) WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off
);

CREATE TYPE notification.message_kind AS ENUM ('confirmation', 'completed', 'cancelled');

-- Each message that was sent; the primary key is the last word on "each kind once an order".
CREATE TABLE notification.message (
    order_id uuid NOT NULL,
    kind     notification.message_kind NOT NULL,
    channel  text NOT NULL,
    sent_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (order_id, kind)
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000);

-- migrate:down
