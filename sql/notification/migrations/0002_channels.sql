-- migrate:up

-- Where customers can be reached; filled by operators (orderctl contact), only read by the service.
CREATE TABLE notification.contact (
    customer_id uuid PRIMARY KEY,
    email       text NOT NULL,
    set_at      timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

-- waiting: a mail on its way to the server; skipped: nobody knows where to; failed: given up, until an operator retries.
CREATE TYPE notification.message_state AS ENUM ('waiting', 'sent', 'skipped', 'failed');

ALTER TABLE notification.message
    ADD COLUMN state notification.message_state NOT NULL DEFAULT 'sent',
    ALTER COLUMN sent_at DROP NOT NULL; -- NULL: not sent

-- Who else is told, by HTTP. A row outlives its webhook, without the secret: deliveries may still be on their way.
CREATE TABLE notification.webhook (
    webhook_id uuid PRIMARY KEY,
    url        text NOT NULL,
    types      text[] NOT NULL,             -- of the events it wants
    secret     bytea,                       -- of the signature
    added_at   timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    removed_at timestamptz(3),
    CHECK (secret IS NOT NULL OR removed_at IS NOT NULL)
);

-- What became of the latest deliveries, a bounded number a webhook: save_deliveries.
CREATE TABLE notification.webhook_delivery (
    webhook_id  uuid NOT NULL,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    event_id    uuid NOT NULL,
    order_id    uuid NOT NULL,
    type        text NOT NULL,
    delivered   boolean NOT NULL,           -- false: given up
    attempts    int NOT NULL,
    detail      text NOT NULL,              -- what the receiver answered, or why there was no answer
    at          timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (webhook_id, seq)
);

-- migrate:down
