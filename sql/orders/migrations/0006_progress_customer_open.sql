-- migrate:up transaction:false

-- One customer's orders under way; like the index before.
CREATE INDEX CONCURRENTLY progress_customer_open ON orders.progress (customer_id, order_id) WHERE outcome IS NULL;

-- migrate:down
