-- migrate:up transaction:false

-- One customer's orders that ended so. Alone in its file, for CONCURRENTLY lets nobody wait and wants no transaction. If it is
-- broken off, drop what is left of the index and migrate again.
CREATE INDEX CONCURRENTLY progress_customer_ended ON orders.progress (customer_id, outcome, order_id) WHERE outcome IS NOT NULL;

-- migrate:down
