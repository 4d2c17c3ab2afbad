-- The orders schema as functions: what order-api and worker-order call. Arrays run in parallel.

-- Creates orders with their progress, first timeline row and order.created event. outcome: 0 created; 1 the key belongs to
-- an order committed earlier, or earlier in the arrays; 2 busy, another transaction holds the key uncommitted. With 0 and 1
-- come the values of the order that has the key.
-- Nobody waits here for another's key: waiting in an unordered batch deadlocks (keys a,b and b,a), and one open key would
-- stall all others of the batch. The second statement has a snapshot of its own, so it sees the orders that made the first
-- one skip a key.
CREATE OR REPLACE FUNCTION orders.create_orders(
    p_order_ids uuid[], p_key_digests uuid[], p_body_digests uuid[], p_customer_ids uuid[], p_currencies text[],
    p_totals bigint[], p_items text[], p_addresses text[], p_event_ids uuid[], p_event_payloads text[], p_traceparents text[])
RETURNS TABLE (ord int, outcome int, order_id uuid, body_digest uuid, currency text, total_minor bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_created uuid[];
BEGIN
    WITH input AS MATERIALIZED (
        SELECT t.*, orders.uuid_v7_time(t.order_id) AS created_at
        FROM unnest(p_order_ids, p_key_digests, p_body_digests, p_customer_ids, p_currencies, p_totals, p_items, p_addresses,
                    p_event_ids, p_event_payloads, p_traceparents)
             WITH ORDINALITY AS t (order_id, key_digest, body_digest, customer_id, currency, total_minor, items, address,
                                   event_id, event_payload, traceparent, ord)
    ), created AS (
        INSERT INTO orders.orders (order_id, key_digest, body_digest, customer_id, currency, total_minor, items, address)
        SELECT i.order_id, i.key_digest, i.body_digest, i.customer_id, i.currency, i.total_minor, i.items::json, i.address::json
        FROM input AS i
        WHERE pg_try_advisory_xact_lock(uuid_hash_extended(i.key_digest, 0))
        ORDER BY i.key_digest, i.ord
        ON CONFLICT (key_digest) DO NOTHING
        RETURNING order_id
    ), progress AS (
        INSERT INTO orders.progress (order_id, customer_id, status, version, updated_at)
        SELECT i.order_id, i.customer_id, 'PENDING', 1, i.created_at
        FROM input AS i JOIN created AS c ON c.order_id = i.order_id
    ), timeline AS (
        INSERT INTO orders.timeline (order_id, version, at, to_status, event_id, trace_id)
        SELECT i.order_id, 1, i.created_at, 'PENDING', i.event_id, decode(substr(i.traceparent, 4, 32), 'hex')
        FROM input AS i JOIN created AS c ON c.order_id = i.order_id
    ), outbox AS (
        INSERT INTO orders.outbox (id, aggregatetype, aggregateid, type, payload, traceparent)
        SELECT i.event_id, 'orders', i.order_id, 'order.created', i.event_payload::json, i.traceparent
        FROM input AS i JOIN created AS c ON c.order_id = i.order_id
    )
    SELECT array_agg(c.order_id) INTO v_created FROM created AS c;

    RETURN QUERY
    SELECT t.ord::int, CASE WHEN o.order_id IS NULL THEN 2
                            WHEN o.order_id = t.order_id AND o.order_id = ANY (v_created) THEN 0
                            ELSE 1 END,
           o.order_id, o.body_digest, o.currency, o.total_minor
    FROM unnest(p_order_ids, p_key_digests) WITH ORDINALITY AS t (order_id, key_digest, ord)
    LEFT JOIN orders.orders AS o ON o.key_digest = t.key_digest
    ORDER BY t.ord;
END $$;

-- The secret that signs what Redis remembers.
CREATE OR REPLACE FUNCTION orders.read_secret() RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT value FROM orders.secret
$$;

-- Orders whole, in no particular order; ids that name none have no row.
CREATE OR REPLACE FUNCTION orders.read_views(p_ids uuid[])
RETURNS TABLE (order_id uuid, customer_id uuid, currency text, total_minor bigint, items text, address text, status text,
               version int, updated_ms bigint, failure_reason text, failed_sku text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT o.order_id, o.customer_id, o.currency, o.total_minor, o.items::text, o.address::text, p.status::text,
           p.version, orders.unix_ms(p.updated_at), p.failure_reason, p.failed_sku
    FROM orders.orders AS o JOIN orders.progress AS p ON p.order_id = o.order_id
    WHERE o.order_id = ANY (p_ids);
END $$;

-- FROM and WHERE of a list or a count, with $1 customer, $2 status, $3 from, $4 before, $5 after. Each combination walks one
-- index in id order: of all orders, of one customer's, of those that ended so, or of those under way; of the last two also one
-- customer's. Text, so that each is planned for its own filters and the values at hand, but for the customer, whom a SELECT
-- hides from the planner: of one with a large part of all orders it would rather walk everybody's, past all that are not theirs.
CREATE OR REPLACE FUNCTION orders.list_clause(p_customer uuid, p_status text, p_from uuid, p_before uuid, p_after uuid)
RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_status IS NULL THEN ' FROM orders.orders AS o' ELSE ' FROM orders.progress AS o' END
        || ' WHERE true'
        || CASE WHEN p_status IS NULL THEN ''
                WHEN p_status IN ('COMPLETED', 'CANCELLED') THEN ' AND o.outcome = $2'
                ELSE ' AND o.outcome IS NULL AND o.status = $2' END
        || CASE WHEN p_customer IS NULL THEN '' ELSE ' AND o.customer_id = (SELECT $1::uuid)' END
        || CASE WHEN p_from IS NULL THEN '' ELSE ' AND o.order_id >= $3' END
        || CASE WHEN p_before IS NULL THEN '' ELSE ' AND o.order_id < $4' END
        || CASE WHEN p_after IS NULL THEN '' ELSE ' AND o.order_id < $5' END
$$;

-- A page of orders, newest first: filters that are NULL don't filter; p_after is the last id of the page before. The ids of
-- the page are found first, and only those orders are read.
CREATE OR REPLACE FUNCTION orders.list_views(
    p_customer uuid, p_status text, p_from uuid, p_before uuid, p_after uuid, p_offset int, p_limit int)
RETURNS TABLE (order_id uuid, customer_id uuid, currency text, total_minor bigint, items text, address text, status text,
               version int, updated_ms bigint, failure_reason text, failed_sku text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    v_page uuid[];
BEGIN
    EXECUTE 'SELECT array_agg(page.order_id) FROM (SELECT o.order_id'
            || orders.list_clause(p_customer, p_status, p_from, p_before, p_after)
            || ' ORDER BY o.order_id DESC OFFSET $6 LIMIT $7) AS page'
        INTO v_page
        USING p_customer, p_status::orders.order_status, p_from, p_before, p_after, p_offset, p_limit;

    RETURN QUERY SELECT r.* FROM orders.read_views(v_page) AS r ORDER BY r.order_id DESC;
END $$;

-- How many orders a list has, counted no further than 10001.
CREATE OR REPLACE FUNCTION orders.count_orders(p_customer uuid, p_status text, p_from uuid, p_before uuid) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM (SELECT'
            || orders.list_clause(p_customer, p_status, p_from, p_before, NULL)
            || ' LIMIT 10001) AS counted'
        INTO v_count
        USING p_customer, p_status::orders.order_status, p_from, p_before;
    RETURN v_count;
END $$;

-- Every move of an order, oldest first.
CREATE OR REPLACE FUNCTION orders.read_timeline(p_id uuid)
RETURNS TABLE (at_ms bigint, from_status text, to_status text, reason text, event_id uuid, trace_id text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT orders.unix_ms(t.at), t.from_status::text, t.to_status::text, t.reason, t.event_id, encode(t.trace_id, 'hex')
    FROM orders.timeline AS t
    WHERE t.order_id = p_id
    ORDER BY t.version;
END $$;

-- Locks orders in id order until the transaction ends, and tells where they stand; repeated ids have one row.
CREATE OR REPLACE FUNCTION orders.lock_orders(p_ids uuid[]) RETURNS TABLE (order_id uuid, status text, version int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.order_id, p.status::text, p.version
    FROM orders.progress AS p
    WHERE p.order_id = ANY (p_ids)
    ORDER BY p.order_id
    FOR UPDATE;
END $$;

-- Writes moves of locked orders; those of one order in their order, versions rising by one from the stored one. The
-- timeline's constraints hold each move to the table of allowed ones.
CREATE OR REPLACE FUNCTION orders.move_orders(
    p_order_ids uuid[], p_versions int[], p_from text[], p_to text[], p_reasons text[], p_failed_skus text[],
    p_event_ids uuid[], p_trace_ids text[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_now    timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_orders int;
    v_moved  int;
BEGIN
    INSERT INTO orders.timeline (order_id, version, at, from_status, to_status, reason, event_id, trace_id)
    SELECT t.order_id, t.version, v_now, t.from_status::orders.order_status, t.to_status::orders.order_status,
           t.reason, t.event_id, decode(t.trace_id, 'hex')
    FROM unnest(p_order_ids, p_versions, p_from, p_to, p_reasons, p_event_ids, p_trace_ids)
         AS t (order_id, version, from_status, to_status, reason, event_id, trace_id)
    ORDER BY t.order_id, t.version;

    WITH last AS (
        SELECT DISTINCT ON (t.order_id) t.order_id, t.version, t.to_status::orders.order_status AS status, t.reason,
               t.failed_sku, t.version - count(*) OVER of_order AS was_version,
               first_value(t.from_status) OVER (of_order ORDER BY t.version)::orders.order_status AS was_status
        FROM unnest(p_order_ids, p_versions, p_from, p_to, p_reasons, p_failed_skus)
             AS t (order_id, version, from_status, to_status, reason, failed_sku)
        WINDOW of_order AS (PARTITION BY t.order_id)
        ORDER BY t.order_id, t.version DESC
    ), moved AS (
        UPDATE orders.progress AS p
        SET status = l.status, version = l.version, updated_at = v_now, failure_reason = l.reason,
            failed_sku = l.failed_sku, outcome = CASE WHEN l.status IN ('COMPLETED', 'CANCELLED') THEN l.status END
        FROM last AS l
        WHERE p.order_id = l.order_id AND p.version = l.was_version AND p.status = l.was_status
        RETURNING p.order_id
    )
    SELECT (SELECT count(*) FROM last), (SELECT count(*) FROM moved) INTO v_orders, v_moved;

    IF v_moved <> v_orders THEN
        RAISE EXCEPTION '% of % moves do not follow the stored version: the order was not locked',
                        v_orders - v_moved, v_orders;
    END IF;
END $$;

-- Orders that stay too long where they are, locked until the transaction ends, in id order. overdue: for longer than
-- p_cancel_after_ms; whoever asks cancels those as timed out, but never in FULFILLMENT, where a shipment may be under way. All
-- that are not to be cancelled count as nudged from now on. Only one caller at a time finds any; rows that someone is moving
-- are passed over. An order that is stuck was created before its stage began, so the walk over the orders under way ends at
-- the ids of that time.
CREATE OR REPLACE FUNCTION orders.stuck_orders(p_nudge_after_ms bigint, p_cancel_after_ms bigint, p_limit int)
RETURNS TABLE (order_id uuid, status text, version int, overdue boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_nudge   timestamptz := v_now - p_nudge_after_ms * interval '1 ms';
    v_cancel  timestamptz := v_now - p_cancel_after_ms * interval '1 ms';
    v_newest  uuid        := orders.uuid_v7_floor(greatest(v_nudge, v_cancel));
BEGIN
    IF NOT pg_try_advisory_xact_lock('orders.progress'::regclass::oid::int, 1) THEN
        RETURN;
    END IF;

    RETURN QUERY
    WITH stuck AS (
        SELECT p.order_id, p.status, p.version, p.updated_at < v_cancel AS overdue
        FROM orders.progress AS p
        WHERE p.outcome IS NULL AND p.order_id < v_newest
          AND (greatest(p.updated_at, p.nudged_at) < v_nudge
               OR (p.status <> 'FULFILLMENT' AND p.updated_at < v_cancel))
        ORDER BY p.order_id
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ), nudged AS (
        UPDATE orders.progress AS p SET nudged_at = v_now
        FROM stuck AS s
        WHERE p.order_id = s.order_id AND (s.status = 'FULFILLMENT' OR NOT s.overdue)
    )
    SELECT s.order_id, s.status::text, s.version, s.overdue FROM stuck AS s ORDER BY s.order_id;
END $$;

-- The orders under way by stage, and for how long the one has been there that has been there longest; of more than p_limit
-- the oldest p_limit are looked at.
CREATE OR REPLACE FUNCTION orders.open_orders(p_limit int) RETURNS TABLE (status text, orders bigint, oldest_ms bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := orders.unix_ms(clock_timestamp());
BEGIN
    RETURN QUERY
    SELECT o.status::text, count(*), greatest(0, v_now - min(orders.unix_ms(o.updated_at)))
    FROM (SELECT p.status, p.updated_at FROM orders.progress AS p
          WHERE p.outcome IS NULL
          ORDER BY p.order_id
          LIMIT p_limit) AS o
    GROUP BY o.status;
END $$;
