-- What orderctl calls, as the administrator: the only place that looks across schemas. No service's role may use it. It asks
-- the services' own tables and keeps nothing, so that it can be made anew at any time.

-- Every schema with an outbox is a service's, in the order in which they were made.
CREATE OR REPLACE FUNCTION ops.services() RETURNS TABLE (service text)
LANGUAGE sql STABLE AS $$
    SELECT n.nspname::text
    FROM pg_namespace AS n JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'outbox' AND c.relkind IN ('r', 'p')
    ORDER BY n.oid
$$;

-- Unix milliseconds, as C reads times.
CREATE OR REPLACE FUNCTION ops.unix_ms(p_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT floor(extract(epoch FROM p_at) * 1000)::bigint
$$;

-- Each outbox: events waiting, age of the first in line, own events among the dead letters, and who holds its lock (outbox_lead).
CREATE OR REPLACE FUNCTION ops.outbox_status()
RETURNS TABLE (service text, waiting bigint, oldest_ms bigint, set_aside bigint, relay text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    FOR service IN SELECT s.service FROM ops.services() AS s LOOP
        EXECUTE format('SELECT (SELECT count(*) FROM %1$I.outbox), %1$I.outbox_oldest_age_ms(),'
                       ' (SELECT count(*) FROM %1$I.deadletter WHERE outbound)', service)
            INTO waiting, oldest_ms, set_aside;
        relay := (SELECT string_agg(format('%s pid %s', coalesce(host(a.client_addr), 'local'), a.pid), ', ')
                  FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
                  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.objid = 0
                    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                    AND l.classid = format('%I.outbox', service)::regclass::oid);
        RETURN NEXT;
    END LOOP;
END $$;

-- What each service holds of an order: its state and when it was decided, and its dead letters of that order.
CREATE OR REPLACE FUNCTION ops.order_services(p_order_id uuid)
RETURNS TABLE (service text, state text, since_ms bigint, detail text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'payment', c.state::text, ops.unix_ms(c.decided_at), c.reason
    FROM payment.charge AS c WHERE c.order_id = p_order_id;

    RETURN QUERY
    SELECT 'inventory', r.state::text, ops.unix_ms(r.decided_at), concat_ws(' ', r.reason, r.sku)
    FROM inventory.reservation AS r WHERE r.order_id = p_order_id;

    RETURN QUERY
    SELECT 'fulfillment', s.state::text, ops.unix_ms(s.decided_at), concat_ws(' ', s.carrier, s.tracking_number, s.reason)
    FROM fulfillment.shipment AS s WHERE s.order_id = p_order_id;

    RETURN QUERY
    SELECT 'notification', m.kind::text, ops.unix_ms(m.sent_at), m.state || ' by ' || m.channel
    FROM notification.message AS m WHERE m.order_id = p_order_id ORDER BY m.sent_at;

    FOR service IN SELECT s.service FROM ops.services() AS s LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %1$L, ''dead letter'', ops.unix_ms(d.added_at), concat_ws('': '', ''#'' || d.id || '' '' || d.type, d.reason)'
            ' FROM %1$I.deadletter AS d WHERE d.order_id = $1 ORDER BY d.id', service) USING p_order_id;
    END LOOP;
END $$;

-- ---- dead letters: named service/id ----

-- Those of one service, or of all (NULL), in the order in which they were set aside; no more than p_limit.
CREATE OR REPLACE FUNCTION ops.dead_letters(p_service text, p_limit int)
RETURNS TABLE (letter text, added_ms bigint, direction text, held boolean, replaying boolean, attempts bigint, type text,
               order_id uuid, event_id uuid, reason text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_service text;
BEGIN
    FOR v_service IN SELECT s.service FROM ops.services() AS s WHERE p_service IS NULL OR s.service = p_service LOOP
        FOR letter, added_ms, direction, held, replaying, attempts, type, order_id, event_id, reason IN EXECUTE format(
            'SELECT %1$L || ''/'' || d.id, ops.unix_ms(d.added_at), CASE WHEN d.outbound THEN ''sent'' ELSE ''received'' END,'
            ' d.held, d.replay_at IS NOT NULL, d.attempts::bigint, d.type, d.order_id, d.event_id, d.reason'
            ' FROM %1$I.deadletter AS d ORDER BY d.id LIMIT $1', v_service) USING p_limit LOOP
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;

-- One of them, with all there is; no row where there is none.
CREATE OR REPLACE FUNCTION ops.dead_letter(p_service text, p_id bigint)
RETURNS TABLE (letter text, added_ms bigint, direction text, held boolean, replaying boolean, attempts bigint, type text,
               order_id uuid, event_id uuid, reason text, topic text, place text, traceparent text, payload text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ops.services() AS s WHERE s.service = p_service) THEN
        RETURN;
    END IF;
    -- whatever bytes came: those that are no text are shown in octal
    FOR letter, added_ms, direction, held, replaying, attempts, type, order_id, event_id, reason, topic, place, traceparent,
        payload IN EXECUTE format(
        'SELECT %1$L || ''/'' || d.id, ops.unix_ms(d.added_at), CASE WHEN d.outbound THEN ''sent'' ELSE ''received'' END,'
        ' d.held, d.replay_at IS NOT NULL, d.attempts::bigint, d.type, d.order_id, d.event_id, d.reason, d.topic,'
        ' d.partition || '':'' || d.log_offset, d.traceparent, encode(d.payload, ''escape'')'
        ' FROM %1$I.deadletter AS d WHERE d.id = $1', p_service) USING p_id LOOP
        RETURN NEXT;
    END LOOP;
END $$;

-- p_action of deadletter_replay and deadletter_discard for letters of several services (arrays run in parallel); returns how
-- many were meant. Empty arrays: all that are at fault themselves, of one service, or of every one where p_service is NULL.
CREATE OR REPLACE FUNCTION ops.dead_letters_do(p_action text, p_services text[], p_ids bigint[], p_service text) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_service text;
    v_ids bigint[];
    v_done int;
    v_all int := 0;
BEGIN
    IF p_action NOT IN ('replay', 'discard') THEN
        RAISE EXCEPTION 'ops.dead_letters_do: no action %', p_action;
    END IF;
    FOR v_service IN SELECT s.service FROM ops.services() AS s WHERE p_service IS NULL OR s.service = p_service LOOP
        IF cardinality(p_ids) = 0 THEN
            EXECUTE format('SELECT array_agg(d.id ORDER BY d.id) FROM %I.deadletter AS d WHERE NOT d.held', v_service)
                INTO v_ids;
        ELSE
            v_ids := ARRAY(SELECT t.id FROM unnest(p_services, p_ids) AS t (service, id) WHERE t.service = v_service
                           ORDER BY t.id);
        END IF;
        CONTINUE WHEN coalesce(cardinality(v_ids), 0) = 0;
        EXECUTE format('SELECT %I.%I($1)', v_service, 'deadletter_' || p_action) INTO v_done USING v_ids;
        v_all := v_all + v_done;
    END LOOP;
    RETURN v_all;
END $$;
