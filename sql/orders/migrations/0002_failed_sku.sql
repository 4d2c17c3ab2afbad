-- migrate:up

-- The SKU that an order out of stock could not have. The functions that programs from before this call stay in the database as
-- they are: read_orders, list_orders, and move_orders without SKUs.
ALTER TABLE orders.progress ADD COLUMN failed_sku text;
ALTER TABLE orders.progress ADD CHECK (failed_sku IS NULL OR failure_reason = 'out_of_stock') NOT VALID;

-- migrate:down
