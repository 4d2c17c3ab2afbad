-- ---- customers: what is kept of one, and forgetting it ----

-- Everything that is kept of a customer, as one JSON value; NULL where there is nothing.
CREATE OR REPLACE FUNCTION ops.customer_export(p_customer uuid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_email  text := (SELECT c.email FROM notification.contact AS c WHERE c.customer_id = p_customer);
    v_orders json;
BEGIN
    SELECT json_agg(json_build_object(
               'orderId', o.order_id, 'createdAt', orders.uuid_v7_time(o.order_id), 'status', p.status,
               'failureReason', p.failure_reason, 'failedSku', p.failed_sku, 'currency', o.currency,
               'totalMinor', o.total_minor, 'items', o.items, 'shippingAddress', o.address,
               'timeline', (SELECT json_agg(json_build_object('at', t.at, 'to', t.to_status, 'reason', t.reason)
                                            ORDER BY t.version)
                            FROM orders.timeline AS t WHERE t.order_id = o.order_id),
               'services', (SELECT json_agg(json_build_object('service', s.service, 'state', s.state, 'detail', s.detail))
                            FROM ops.order_services(o.order_id) AS s)) ORDER BY o.order_id)
        INTO v_orders
    FROM orders.orders AS o JOIN orders.progress AS p ON p.order_id = o.order_id
    WHERE o.customer_id = p_customer;

    IF v_email IS NULL AND v_orders IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN json_build_object('customerId', p_customer, 'email', v_email, 'orders', coalesce(v_orders, '[]'))::text;
END $$;

-- An address that still is one for clients. The country stays: taxes go by it, and it names nobody.
CREATE OR REPLACE FUNCTION ops.erased_address(p_address jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('country', p_address -> 'country', 'city', 'erased', 'addressLine1', 'erased')
$$;

-- The payload of an event or a call, with the order in place of its customer.
CREATE OR REPLACE FUNCTION ops.erased_payload(p_payload jsonb, p_order_id uuid) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_payload
        || CASE WHEN p_payload ? 'customerId' THEN jsonb_build_object('customerId', p_order_id) ELSE '{}' END
        || CASE WHEN p_payload ? 'shippingAddress'
                THEN jsonb_build_object('shippingAddress', ops.erased_address(p_payload -> 'shippingAddress')) ELSE '{}' END
$$;

-- The same for bytes as they were received; what cannot be read is not kept.
CREATE OR REPLACE FUNCTION ops.erased_bytes(p_payload bytea, p_order_id uuid) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN convert_to(ops.erased_payload(convert_from(p_payload, 'UTF8')::jsonb, p_order_id)::text, 'UTF8');
EXCEPTION WHEN data_exception THEN
    RETURN ''::bytea;
END $$;

-- Forgets a customer: the address of mails, and with every order its customer, which becomes the order's own id, and its
-- shipping address; also in events, calls and dead letters that wait. What was ordered, what was paid and when stays: the books.
-- Orders under way need the address, so nothing is done while there is one. Without p_for_real everything is done, counted and
-- taken back. Returns how many of each kind, 'orders under way' first.
CREATE OR REPLACE FUNCTION ops.customer_erase(p_customer uuid, p_for_real boolean) RETURNS TABLE (what text, count bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_orders   uuid[];
    v_open     bigint;
    v_kinds    text[] := ARRAY['orders', 'contacts', 'events waiting', 'calls waiting', 'dead letters'];
    v_counts   bigint[] := array_fill(0::bigint, ARRAY[5]);
    v_customer bytea := convert_to(p_customer::text, 'UTF8');
    v_service  text;
    v_count    bigint;
BEGIN
    SELECT array_agg(o.order_id ORDER BY o.order_id), count(*) FILTER (WHERE p.outcome IS NULL) INTO v_orders, v_open
    FROM orders.orders AS o JOIN orders.progress AS p ON p.order_id = o.order_id
    WHERE o.customer_id = p_customer;

    IF v_open = 0 THEN
        BEGIN
            UPDATE orders.orders AS o
            SET customer_id = o.order_id, address = ops.erased_address(o.address::jsonb)::json
            WHERE o.order_id = ANY (v_orders);
            GET DIAGNOSTICS v_count = ROW_COUNT;
            v_counts[1] := v_count;
            UPDATE orders.progress AS p SET customer_id = p.order_id WHERE p.order_id = ANY (v_orders);

            v_counts[2] := notification.remove_contact(p_customer)::int::bigint;

            FOR v_service IN SELECT s.service FROM ops.services() AS s LOOP
                EXECUTE format('UPDATE %I.outbox AS o SET payload = ops.erased_payload(o.payload::jsonb, o.aggregateid)::json'
                               ' WHERE o.aggregateid = ANY ($1)', v_service) USING v_orders;
                GET DIAGNOSTICS v_count = ROW_COUNT;
                v_counts[3] := v_counts[3] + v_count;

                EXECUTE format('UPDATE %I.effect AS e SET payload = ops.erased_payload(e.payload::jsonb, e.order_id)::json'
                               ' WHERE e.order_id = ANY ($1)', v_service) USING v_orders;
                GET DIAGNOSTICS v_count = ROW_COUNT;
                v_counts[4] := v_counts[4] + v_count;

                EXECUTE format('UPDATE %I.deadletter AS d SET payload = ops.erased_bytes(d.payload, d.order_id)'
                               ' WHERE d.order_id = ANY ($1) OR position($2 IN d.payload) > 0', v_service)
                    USING v_orders, v_customer;
                GET DIAGNOSTICS v_count = ROW_COUNT;
                v_counts[5] := v_counts[5] + v_count;
            END LOOP;

            IF NOT p_for_real THEN
                RAISE EXCEPTION USING ERRCODE = 'OLDRY';
            END IF;
        EXCEPTION WHEN SQLSTATE 'OLDRY' THEN
            NULL; -- the rows are as they were, the counts are kept
        END;
    END IF;

    RETURN QUERY SELECT 'orders under way', v_open;
    RETURN QUERY SELECT t.kind, t.count FROM unnest(v_kinds, v_counts) AS t (kind, count);
END $$;
