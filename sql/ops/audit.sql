-- The audit: what holds after any fault, once everything is at rest. One function an invariant, broken_<name>(), whose rows are
-- the things that break it; ops.invariants() lists them. Each reads whole tables once and joins them by hash. The window of
-- inbox rows is the shortest time that a service remembers events for.

-- The invariants, in the order of the report.
CREATE OR REPLACE FUNCTION ops.invariants() RETURNS TABLE (name text, title text)
LANGUAGE sql IMMUTABLE AS $$
    VALUES
    ('orders_whole', 'every order has its progress, of the same customer, and its first step; neither is there without an order'),
    ('orders_once', 'one key, one order'),
    ('orders_total', 'an order''s total is the sum of its lines, rounded line by line'),
    ('orders_end', 'every order is COMPLETED or CANCELLED'),
    ('timeline_path', 'an order''s steps are one path without gaps that ends where it stands'),
    ('timeline_moves', 'every step is an allowed one'),
    ('charges_completed', 'COMPLETED: charged once, the whole amount, nothing refunded'),
    ('charges_cancelled', 'CANCELLED: nothing charged, or all of it refunded'),
    ('money_total', 'in each currency charged less refunded is the sum of COMPLETED orders'),
    ('ledger', 'the books have of each charge what its state says, in its currency, and every order''s postings sum to zero'),
    ('shipments', 'COMPLETED is shipped, CANCELLED never is'),
    ('reservations', 'COMPLETED: its stock is shipped; CANCELLED: none is held'),
    ('movements_reserved', 'what was reserved for an order is what it ordered'),
    ('movements_settled', 'what was reserved is released or shipped, once, as the reservation says'),
    ('stock_total', 'on hand + reserved + shipped = received, for each SKU'),
    ('stock_ledger', 'reserved and shipped of each SKU are the sums of its movements'),
    ('stock_negative', 'nothing is below zero'),
    ('notified_once', 'each outcome was told to the customer once'),
    ('services_know_orders', 'no service knows an order that does not exist'),
    ('events_applied', 'each event of the last day that moved an order was applied by every service that takes it'),
    ('outboxes_empty', 'nothing waits to be sent'),
    ('effects_done', 'no call to the world outside is still to be made, or was given up'),
    ('deadletters_none', 'no event was set aside')
$$;

CREATE OR REPLACE FUNCTION ops.broken_orders_whole() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s', coalesce(o.order_id, p.order_id, t.order_id),
                  concat_ws(', ', CASE WHEN o.order_id IS NULL THEN 'no order' END, CASE WHEN p.order_id IS NULL THEN 'no progress' END,
                            CASE WHEN t.order_id IS NULL THEN 'no first step' END,
                            CASE WHEN p.order_id = o.order_id AND p.customer_id IS DISTINCT FROM o.customer_id
                                 THEN 'another customer' END))
    FROM orders.orders AS o
    FULL JOIN orders.progress AS p ON p.order_id = o.order_id
    FULL JOIN (SELECT f.order_id FROM orders.timeline AS f WHERE f.version = 1) AS t ON t.order_id = coalesce(o.order_id, p.order_id)
    WHERE o.order_id IS NULL OR p.order_id IS NULL OR t.order_id IS NULL OR p.customer_id IS DISTINCT FROM o.customer_id
$$;

CREATE OR REPLACE FUNCTION ops.broken_orders_once() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('key %s: orders %s', o.key_digest, string_agg(o.order_id::text, ', '))
    FROM orders.orders AS o GROUP BY o.key_digest HAVING count(*) > 1
$$;

-- Unit prices are stored with exactly the decimals of the currency: their scale tells them.
CREATE OR REPLACE FUNCTION ops.broken_orders_total() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: total %s, its lines make %s', o.order_id, o.total_minor, l.total)
    FROM orders.orders AS o CROSS JOIN LATERAL (
        SELECT sum(floor(i.quantity * i.price * 10::numeric ^ scale(i.price) + 0.5))::numeric AS total
        FROM (SELECT (e.value ->> 'quantity')::numeric AS quantity, (e.value ->> 'unitPrice')::numeric AS price
              FROM json_array_elements(o.items) AS e) AS i) AS l
    WHERE l.total IS DISTINCT FROM o.total_minor
$$;

CREATE OR REPLACE FUNCTION ops.broken_orders_end() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s', p.order_id, p.status)
    FROM orders.progress AS p WHERE p.status NOT IN ('COMPLETED', 'CANCELLED')
$$;

CREATE OR REPLACE FUNCTION ops.broken_timeline_path() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    WITH steps AS (
        SELECT t.order_id, t.version, t.from_status, t.to_status,
               lag(t.version) OVER of_order AS before_version, lag(t.to_status) OVER of_order AS before_status,
               lead(t.version) OVER of_order IS NULL AS is_last
        FROM orders.timeline AS t
        WINDOW of_order AS (PARTITION BY t.order_id ORDER BY t.version)
    )
    SELECT format('order %s: step %s', s.order_id, s.version)
    FROM steps AS s LEFT JOIN orders.progress AS p ON p.order_id = s.order_id
    WHERE s.version <> coalesce(s.before_version, 0) + 1 OR s.from_status IS DISTINCT FROM s.before_status
       OR (s.is_last AND p.order_id IS NOT NULL AND (p.status, p.version) IS DISTINCT FROM (s.to_status, s.version))
$$;

-- The moves of common/model/order_state.c.
CREATE OR REPLACE FUNCTION ops.broken_timeline_moves() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: step %s from %s to %s (%s)', t.order_id, t.version, t.from_status, t.to_status, t.reason)
    FROM orders.timeline AS t
    WHERE NOT CASE
        WHEN t.from_status IS NULL THEN t.to_status = 'PENDING'
        WHEN t.to_status = 'CANCELLED' THEN coalesce(CASE t.reason
            WHEN 'fulfillment_refused' THEN t.from_status = 'FULFILLMENT'
            ELSE t.from_status IN ('PENDING', 'PAYMENT', 'INVENTORY') END, false)
        ELSE (t.from_status, t.to_status) IN (('PENDING', 'PAYMENT'), ('PAYMENT', 'INVENTORY'), ('INVENTORY', 'FULFILLMENT'),
                                              ('FULFILLMENT', 'COMPLETED')) END
$$;

CREATE OR REPLACE FUNCTION ops.broken_charges_completed() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s %s %s, ordered for %s %s', o.order_id, coalesce(c.state::text, 'no charge'), c.amount_minor,
                  c.currency, o.total_minor, o.currency)
    FROM orders.progress AS p JOIN orders.orders AS o ON o.order_id = p.order_id
    LEFT JOIN payment.charge AS c ON c.order_id = p.order_id
    WHERE p.status = 'COMPLETED' AND (c.state, c.amount_minor, c.currency, c.refunded_minor)
                                     IS DISTINCT FROM ('authorized'::payment.charge_state, o.total_minor, o.currency, 0::bigint)
$$;

CREATE OR REPLACE FUNCTION ops.broken_charges_cancelled() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: charge %s', p.order_id, c.state)
    FROM orders.progress AS p JOIN payment.charge AS c ON c.order_id = p.order_id
    WHERE p.status = 'CANCELLED' AND NOT (c.state IN ('declined', 'cancelled')
                                          OR (c.state = 'refunded' AND c.refunded_minor = c.amount_minor))
$$;

CREATE OR REPLACE FUNCTION ops.broken_money_total() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('%s: %s kept, %s sold', currency, coalesce(c.kept, 0), coalesce(o.sold, 0))
    FROM (SELECT c.currency, sum(c.amount_minor - c.refunded_minor) AS kept
          FROM payment.charge AS c WHERE c.state IN ('authorized', 'refunded') GROUP BY c.currency) AS c
    FULL JOIN (SELECT o.currency, sum(o.total_minor) AS sold
               FROM orders.orders AS o JOIN orders.progress AS p ON p.order_id = o.order_id
               WHERE p.status = 'COMPLETED' GROUP BY o.currency) AS o USING (currency)
    WHERE coalesce(c.kept, 0) <> coalesce(o.sold, 0)
$$;

-- Captured is what went to revenue, NULL: nothing did; refunded, what came out of it again. A charge that is stalled was never
-- known to be taken. Of one whose compensation failed the call that was given up tells: a charge that nobody knows the end of, or
-- a refund of what was taken.
CREATE OR REPLACE FUNCTION ops.broken_ledger() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    WITH books AS (
        SELECT order_id, min(coalesce(t.currency, 'none')) AS currency, max(coalesce(t.currency, 'none')) AS other_currency,
               coalesce(sum(p.amount_minor), 0) AS total,
               coalesce(sum(p.amount_minor) FILTER (WHERE p.account = 'clearing'), 0) AS clearing,
               sum(p.amount_minor) FILTER (WHERE p.account = 'revenue' AND kind = 'captured') AS captured,
               -sum(p.amount_minor) FILTER (WHERE p.account = 'revenue' AND kind = 'refunded') AS refunded
        FROM payment.ledger_transaction AS t FULL JOIN payment.ledger_posting AS p USING (order_id, kind)
        GROUP BY order_id
    ), charges AS (
        SELECT c.order_id, c.state, c.currency, c.amount_minor,
               CASE WHEN c.state IN ('authorized', 'refunding', 'refunded') THEN c.amount_minor
                    WHEN c.state = 'compensation_failed'
                         AND NOT EXISTS (SELECT FROM payment.effect AS e WHERE e.order_id = c.order_id AND e.kind = 'charge')
                    THEN c.amount_minor END AS captured,
               CASE WHEN c.state = 'refunded' THEN c.amount_minor END AS refunded
        FROM payment.charge AS c
    )
    SELECT format('order %s: charge %s of %s %s; in the books %s captured, %s refunded, in %s; clearing holds %s, postings sum to %s',
                  coalesce(c.order_id, b.order_id), coalesce(c.state::text, 'none'), coalesce(c.amount_minor, 0), c.currency,
                  coalesce(b.captured, 0), coalesce(b.refunded, 0), concat_ws(' and ', b.currency, nullif(b.other_currency, b.currency)),
                  coalesce(b.clearing, 0), coalesce(b.total, 0))
    FROM charges AS c FULL JOIN books AS b ON b.order_id = c.order_id
    WHERE (b.captured, b.refunded) IS DISTINCT FROM (c.captured::numeric, c.refunded::numeric)
       OR b.total <> 0 OR b.clearing <> 0
       OR (b.order_id IS NOT NULL AND (b.currency, b.other_currency) IS DISTINCT FROM (c.currency, c.currency))
$$;

CREATE OR REPLACE FUNCTION ops.broken_shipments() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s, shipment %s', p.order_id, p.status, coalesce(s.state::text, 'none'))
    FROM orders.progress AS p LEFT JOIN fulfillment.shipment AS s ON s.order_id = p.order_id
    WHERE (p.status = 'COMPLETED' AND s.state IS DISTINCT FROM 'shipped') OR (p.status = 'CANCELLED' AND s.state = 'shipped')
$$;

CREATE OR REPLACE FUNCTION ops.broken_reservations() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s, reservation %s', p.order_id, p.status, coalesce(r.state::text, 'none'))
    FROM orders.progress AS p LEFT JOIN inventory.reservation AS r ON r.order_id = p.order_id
    WHERE (p.status = 'COMPLETED' AND r.state IS DISTINCT FROM 'shipped')
       OR (p.status = 'CANCELLED' AND r.state IN ('new', 'reserved', 'shipped'))
$$;

-- Lines may name a SKU more than once; the ledger has one movement a SKU. Quantities count thousandths.
CREATE OR REPLACE FUNCTION ops.broken_movements_reserved() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s reserved %s, ordered %s', order_id, sku, coalesce(m.quantity, 0), coalesce(i.quantity, 0))
    FROM (SELECT m.order_id, m.sku, sum(m.quantity) AS quantity
          FROM inventory.movement AS m WHERE m.kind = 'reserved' GROUP BY m.order_id, m.sku) AS m
    FULL JOIN (SELECT r.order_id, (e.value ->> 'sku') COLLATE "C" AS sku, sum((e.value ->> 'quantity')::numeric * 1000) AS quantity
               FROM inventory.reservation AS r JOIN orders.orders AS o ON o.order_id = r.order_id
               CROSS JOIN json_array_elements(o.items) AS e
               WHERE r.state IN ('reserved', 'released', 'shipped') GROUP BY r.order_id, 2) AS i USING (order_id, sku)
    WHERE m.quantity IS DISTINCT FROM i.quantity
$$;

CREATE OR REPLACE FUNCTION ops.broken_movements_settled() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s reserved %s, released %s, shipped %s, reservation %s', m.order_id, m.sku, m.reserved, m.released,
                  m.shipped, coalesce(r.state::text, 'none'))
    FROM (SELECT m.order_id, m.sku,
                 coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'reserved'), 0) AS reserved,
                 coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'released'), 0) AS released,
                 coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'shipped'), 0) AS shipped
          FROM inventory.movement AS m WHERE m.order_id IS NOT NULL GROUP BY m.order_id, m.sku) AS m
    LEFT JOIN inventory.reservation AS r ON r.order_id = m.order_id
    WHERE CASE r.state WHEN 'reserved' THEN (m.released, m.shipped) <> (0, 0)
                       WHEN 'released' THEN (m.released, m.shipped) <> (m.reserved, 0)
                       WHEN 'shipped' THEN (m.released, m.shipped) <> (0, m.reserved)
                       ELSE true END
$$;

CREATE OR REPLACE FUNCTION ops.broken_stock_total() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('%s: %s on hand + %s reserved + %s shipped, %s received', sku, s.on_hand, s.reserved, s.shipped,
                  coalesce(m.received, 0))
    FROM inventory.stock AS s
    FULL JOIN (SELECT m.sku, sum(m.quantity) AS received FROM inventory.movement AS m WHERE m.kind = 'received' GROUP BY m.sku) AS m
         USING (sku)
    WHERE s.on_hand + s.reserved + s.shipped IS DISTINCT FROM coalesce(m.received, 0)
$$;

CREATE OR REPLACE FUNCTION ops.broken_stock_ledger() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('%s: reserved %s, by its movements %s; shipped %s, by its movements %s', sku, s.reserved,
                  coalesce(m.reserved, 0), s.shipped, coalesce(m.shipped, 0))
    FROM inventory.stock AS s
    FULL JOIN (SELECT m.sku,
                      coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'reserved'), 0)
                      - coalesce(sum(m.quantity) FILTER (WHERE m.kind IN ('released', 'shipped')), 0) AS reserved,
                      coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'shipped'), 0) AS shipped
               FROM inventory.movement AS m WHERE m.kind <> 'received' GROUP BY m.sku) AS m USING (sku)
    WHERE s.reserved IS DISTINCT FROM coalesce(m.reserved, 0) OR s.shipped IS DISTINCT FROM coalesce(m.shipped, 0)
$$;

CREATE OR REPLACE FUNCTION ops.broken_stock_negative() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('%s: %s on hand, %s reserved, %s shipped', s.sku, s.on_hand, s.reserved, s.shipped)
    FROM inventory.stock AS s WHERE s.on_hand < 0 OR s.reserved < 0 OR s.shipped < 0
$$;

CREATE OR REPLACE FUNCTION ops.broken_notified_once() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: %s, told %s', p.order_id, p.status, coalesce(string_agg(m.kind::text, ', '), 'nothing'))
    FROM orders.progress AS p
    LEFT JOIN notification.message AS m ON m.order_id = p.order_id AND m.kind::text IN ('completed', 'cancelled')
    WHERE p.status IN ('COMPLETED', 'CANCELLED')
    GROUP BY p.order_id, p.status
    HAVING count(m.kind) <> 1 OR min(m.kind::text) <> lower(p.status::text)
$$;

CREATE OR REPLACE FUNCTION ops.broken_services_know_orders() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT format('order %s: known to %s', k.order_id, string_agg(DISTINCT k.service, ', '))
    FROM (SELECT c.order_id, 'payment' AS service FROM payment.charge AS c
          UNION ALL SELECT r.order_id, 'inventory' FROM inventory.reservation AS r
          UNION ALL SELECT s.order_id, 'fulfillment' FROM fulfillment.shipment AS s
          UNION ALL SELECT n.order_id, 'notification' FROM notification.conversation AS n) AS k
    LEFT JOIN orders.orders AS o ON o.order_id = k.order_id
    WHERE o.order_id IS NULL
    GROUP BY k.order_id
$$;

-- The timeline names the event of each step; who takes an event is told by openapi/asyncapi.yaml. Steps that the API or the clock
-- made bear ids of their own, which nobody receives. A step up to FULFILLMENT that passed INVENTORY with the same event was made
-- by inventory.reserved, which inventory itself does not take.
CREATE OR REPLACE FUNCTION ops.broken_events_applied() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    WITH steps AS (
        SELECT t.order_id, t.version, t.to_status, t.reason, t.event_id,
               lead(t.event_id) OVER (PARTITION BY t.order_id ORDER BY t.version) AS next_event_id
        FROM orders.timeline AS t
    ), expected AS (
        SELECT s.order_id, s.event_id, takes.service
        FROM steps AS s CROSS JOIN LATERAL (
            SELECT 'orders' AS service WHERE s.reason IS NULL OR s.reason NOT IN ('cancelled_by_customer', 'timed_out')
            UNION ALL SELECT unnest('{payment,notification}'::text[]) WHERE s.to_status = 'PENDING'
            UNION ALL SELECT 'inventory' WHERE s.to_status = 'INVENTORY' AND s.next_event_id <> s.event_id) AS takes
        WHERE s.event_id >= orders.uuid_v7_floor(now() - interval '1 day')
    ), applied AS (
        SELECT 'orders' AS service, i.event_id FROM orders.inbox AS i
        UNION ALL SELECT 'payment', i.event_id FROM payment.inbox AS i
        UNION ALL SELECT 'inventory', i.event_id FROM inventory.inbox AS i
        UNION ALL SELECT 'notification', i.event_id FROM notification.inbox AS i
    )
    SELECT DISTINCT format('order %s: event %s is not in the inbox of %s', e.order_id, e.event_id, e.service)
    FROM expected AS e LEFT JOIN applied AS a ON a.event_id = e.event_id AND a.service = e.service
    WHERE a.event_id IS NULL
$$;

CREATE OR REPLACE FUNCTION ops.broken_outboxes_empty() RETURNS SETOF text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_service text;
BEGIN
    FOR v_service IN SELECT s.service FROM ops.services() AS s LOOP
        RETURN QUERY EXECUTE format('SELECT format(''%%s: %%s %%s of order %%s'', %1$L, o.type, o.id, o.aggregateid)'
                                    ' FROM %1$I.outbox AS o ORDER BY o.seq', v_service);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION ops.broken_effects_done() RETURNS SETOF text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_service text;
BEGIN
    FOR v_service IN SELECT s.service FROM ops.services() AS s LOOP
        RETURN QUERY EXECUTE format('SELECT format(''%%s: %%s %%s of order %%s%%s'', %1$L, e.kind, e.id, e.order_id,'
                                    ' CASE WHEN e.gave_up_at IS NOT NULL THEN '', given up'' END)'
                                    ' FROM %1$I.effect AS e ORDER BY e.added_at', v_service);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION ops.broken_deadletters_none() RETURNS SETOF text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_service text;
BEGIN
    FOR v_service IN SELECT s.service FROM ops.services() AS s LOOP
        RETURN QUERY EXECUTE format('SELECT format(''%%s #%%s: %%s of order %%s: %%s'', %1$L, d.id, d.type, d.order_id, d.reason)'
                                    ' FROM %1$I.deadletter AS d ORDER BY d.id', v_service);
    END LOOP;
END $$;

-- One invariant: how many things break it, and the first few of them.
CREATE OR REPLACE FUNCTION ops.audit_one(p_name text, OUT broken bigint, OUT first text, OUT second text, OUT third text)
LANGUAGE plpgsql STABLE SET work_mem = '64MB' SET jit = off AS $$
DECLARE
    v_things text[];
BEGIN
    EXECUTE format('SELECT count(*), array_agg(b.thing) FILTER (WHERE b.ord <= 3)'
                   ' FROM ops.%I() WITH ORDINALITY AS b (thing, ord)', 'broken_' || p_name)
        INTO broken, v_things;
    first := v_things[1];
    second := v_things[2];
    third := v_things[3];
END $$;

-- Holds the payment provider's books against ours, per order what was captured and what was given back. Arrays run in parallel,
-- one element an entry of theirs: an order's id as they spell it, 'charge' or 'refund', and what moved. Orders from before
-- p_since_ms (unix milliseconds, by the time in their ids) are left out on both sides; what bears no id of ours never is.
CREATE OR REPLACE FUNCTION ops.audit_provider(p_order_ids text[], p_kinds text[], p_currencies text[], p_amounts bigint[],
                                              p_since_ms bigint, OUT broken bigint, OUT first text, OUT second text, OUT third text)
LANGUAGE plpgsql STABLE SET work_mem = '64MB' SET jit = off AS $$
DECLARE
    v_since uuid := orders.uuid_v7_floor(to_timestamp(p_since_ms / 1000.0));
    v_things text[];
BEGIN
    WITH theirs AS (
        SELECT coalesce(i.id::text, e.order_id) AS order_id, e.kind, e.currency, sum(e.amount_minor) AS amount
        FROM unnest(p_order_ids, p_kinds, p_currencies, p_amounts) AS e (order_id, kind, currency, amount_minor)
        CROSS JOIN LATERAL (SELECT CASE WHEN e.order_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                        THEN e.order_id::uuid END AS id) AS i
        WHERE i.id IS NULL OR i.id >= v_since
        GROUP BY 1, 2, 3
    ), ours AS (
        SELECT t.order_id::text AS order_id, CASE t.kind WHEN 'captured' THEN 'charge' ELSE 'refund' END AS kind, t.currency,
               coalesce(sum(p.amount_minor), 0) AS amount
        FROM payment.ledger_transaction AS t
        LEFT JOIN payment.ledger_posting AS p ON p.order_id = t.order_id AND p.kind = t.kind
            AND p.account = CASE t.kind WHEN 'captured' THEN 'revenue' ELSE 'customer' END::payment.ledger_account
        WHERE t.kind IN ('captured', 'refunded') AND t.order_id >= v_since
        GROUP BY 1, 2, 3
    ), differing AS (
        SELECT order_id, kind, format('order %s: %s of %s in our books, %s in the provider''s', order_id, kind,
                                      coalesce(o.amount || ' ' || currency, 'nothing'),
                                      coalesce(t.amount || ' ' || currency, 'nothing')) AS thing
        FROM ours AS o FULL JOIN theirs AS t USING (order_id, kind, currency)
        WHERE o.amount IS DISTINCT FROM t.amount
    )
    SELECT count(*), (array_agg(d.thing ORDER BY d.order_id, d.kind, d.thing))[:3] INTO broken, v_things FROM differing AS d;
    first := v_things[1];
    second := v_things[2];
    third := v_things[3];
END $$;

-- Whether anything is still under way, and how much: orders without an end, events to be sent, calls to be made, letters to be
-- replayed.
CREATE OR REPLACE FUNCTION ops.under_way(OUT orders bigint, OUT events bigint, OUT effects bigint, OUT replays bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_service text;
    v_events bigint; v_effects bigint; v_replays bigint;
BEGIN
    SELECT count(*) INTO orders FROM orders.progress AS p WHERE p.outcome IS NULL;
    events := 0; effects := 0; replays := 0;
    FOR v_service IN SELECT s.service FROM ops.services() AS s LOOP
        EXECUTE format('SELECT (SELECT count(*) FROM %1$I.outbox), (SELECT count(*) FROM %1$I.effect WHERE gave_up_at IS NULL),'
                       ' (SELECT count(*) FROM %1$I.deadletter WHERE replay_at IS NOT NULL)', v_service)
            INTO v_events, v_effects, v_replays;
        events := events + v_events; effects := effects + v_effects; replays := replays + v_replays;
    END LOOP;
END $$;

-- What an audit has looked at.
CREATE OR REPLACE FUNCTION ops.audit_scope(OUT orders bigint, OUT completed bigint, OUT cancelled bigint)
LANGUAGE sql STABLE AS $$
    SELECT count(*), count(*) FILTER (WHERE p.status = 'COMPLETED'), count(*) FILTER (WHERE p.status = 'CANCELLED')
    FROM orders.progress AS p
$$;

-- Holds what clients were told against the orders. Arrays run in parallel, one element an order that a client wanted, under a
-- key and for a customer of its own: the ids that a 201 named for it (none: NULL), whether another id was named too, and its total.
-- verdict: lost (acknowledged, not there), duplicated (more than one order), mismatched (another total, or two ids for one
-- key), unknown (nobody acknowledged it, and it is there: the answer was lost).
CREATE OR REPLACE FUNCTION ops.audit_journal(p_numbers bigint[], p_customers uuid[], p_totals bigint[], p_order_ids uuid[],
                                             p_other_ids boolean[])
RETURNS TABLE (number bigint, verdict text, detail text)
LANGUAGE plpgsql STABLE SET work_mem = '64MB' SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH wanted AS (
        SELECT * FROM unnest(p_numbers, p_customers, p_totals, p_order_ids, p_other_ids)
                      AS t (number, customer_id, total_minor, order_id, other_id)
    ), found AS (
        SELECT w.number, count(o.order_id) AS orders, coalesce(bool_or(o.order_id = w.order_id), false) AS holds_told,
               coalesce(bool_or(o.total_minor <> w.total_minor), false) AS other_total, array_agg(o.order_id) AS order_ids
        FROM wanted AS w LEFT JOIN orders.orders AS o ON o.customer_id = w.customer_id
        GROUP BY w.number
    )
    SELECT w.number, v.verdict, v.detail
    FROM wanted AS w JOIN found AS f ON f.number = w.number
    CROSS JOIN LATERAL (
        SELECT 'lost' AS verdict, format('order %s was acknowledged and is not there', w.order_id) AS detail
        WHERE w.order_id IS NOT NULL AND NOT f.holds_told
        UNION ALL SELECT 'duplicated', format('orders %s', f.order_ids) WHERE f.orders > 1
        UNION ALL SELECT 'mismatched', format('order %s has another total than was sent, %s', f.order_ids, w.total_minor) WHERE f.other_total
        UNION ALL SELECT 'mismatched', format('its key was answered with order %s and another', w.order_id) WHERE w.other_id
        UNION ALL SELECT 'unknown', format('order %s', f.order_ids) WHERE w.order_id IS NULL AND f.orders > 0) AS v
    ORDER BY w.number;
END $$;
