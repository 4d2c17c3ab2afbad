-- migrate:up transaction:false

-- Customers of the orders from before. Some at a time, so that no order waits for all; locked in the order in which everyone
-- locks them. It may be broken off and done again. One statement, as what commits has to be.
DO $$
DECLARE
    v_after uuid := '00000000-0000-0000-0000-000000000000';
    v_part  uuid[];
BEGIN
    LOOP
        SELECT array_agg(t.order_id) INTO v_part
        FROM (SELECT p.order_id FROM orders.progress AS p
              WHERE p.order_id > v_after AND p.customer_id IS NULL
              ORDER BY p.order_id
              LIMIT 2000
              FOR UPDATE) AS t;
        EXIT WHEN v_part IS NULL;

        UPDATE orders.progress AS p SET customer_id = o.customer_id
        FROM unnest(v_part) AS t (order_id) JOIN orders.orders AS o ON o.order_id = t.order_id
        WHERE p.order_id = t.order_id;
        COMMIT;
        v_after := v_part[array_upper(v_part, 1)];
    END LOOP;
END $$;

-- migrate:down
