-- What worker-inventory calls. Arrays run in parallel, one element an order or a movement.

-- Locks the rows of these orders, making those that do not exist, and returns them: all in id order, so that two batches
-- wait for each other instead of deadlocking. Two statements, since the second has to see what another batch committed
-- while the first waited for it.
CREATE OR REPLACE FUNCTION inventory.lock_reservations(p_order_ids uuid[])
RETURNS TABLE (order_id uuid, state text, lines text, reason text, sku text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO inventory.reservation (order_id)
    SELECT t.order_id FROM unnest(p_order_ids) AS t (order_id)
    ORDER BY t.order_id
    ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT r.order_id, r.state::text, r.lines::text, r.reason, r.sku
    FROM inventory.reservation AS r
    WHERE r.order_id = ANY (p_order_ids)
    ORDER BY r.order_id
    FOR UPDATE;
END $$;

-- Locks the stock of these SKUs (which may repeat) in SKU order and returns it; unknown ones are left out. After
-- lock_reservations, never before: orders first, then SKUs, is the order of locks that no two batches can cross.
CREATE OR REPLACE FUNCTION inventory.lock_stock(p_skus text[]) RETURNS TABLE (sku text, on_hand bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.sku, s.on_hand
    FROM inventory.stock AS s
    WHERE s.sku = ANY (p_skus)
    ORDER BY s.sku
    FOR UPDATE;
END $$;

-- Writes what was decided about locked reservations, adds the movements that follow from it to the ledger, and moves each
-- SKU's stock by its sum of them: stock and ledger cannot come to differ.
CREATE OR REPLACE FUNCTION inventory.save_reservations(
    p_order_ids uuid[], p_states text[], p_lines text[], p_reasons text[], p_rejected_skus text[],
    p_moved_order_ids uuid[], p_moved_skus text[], p_moved_kinds text[], p_moved_quantities bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_moved   int;
    v_updated int;
BEGIN
    UPDATE inventory.reservation AS r
    SET state = t.state::inventory.reservation_state, lines = t.lines::json, reason = t.reason, sku = t.sku,
        decided_at = clock_timestamp()
    FROM unnest(p_order_ids, p_states, p_lines, p_reasons, p_rejected_skus) AS t (order_id, state, lines, reason, sku)
    WHERE r.order_id = t.order_id;

    INSERT INTO inventory.movement (order_id, sku, kind, quantity)
    SELECT t.order_id, t.sku, t.kind::inventory.movement_kind, t.quantity
    FROM unnest(p_moved_order_ids, p_moved_skus, p_moved_kinds, p_moved_quantities) AS t (order_id, sku, kind, quantity);

    WITH moved AS (
        SELECT t.sku,
               coalesce(sum(t.quantity) FILTER (WHERE t.kind = 'reserved'), 0)::bigint AS reserved,
               coalesce(sum(t.quantity) FILTER (WHERE t.kind = 'released'), 0)::bigint AS released,
               coalesce(sum(t.quantity) FILTER (WHERE t.kind = 'shipped'), 0)::bigint AS shipped
        FROM unnest(p_moved_skus, p_moved_kinds, p_moved_quantities) AS t (sku, kind, quantity)
        GROUP BY t.sku
    ), updated AS (
        UPDATE inventory.stock AS s
        SET on_hand = s.on_hand - m.reserved + m.released,
            reserved = s.reserved + m.reserved - m.released - m.shipped,
            shipped = s.shipped + m.shipped
        FROM moved AS m
        WHERE s.sku = m.sku
        RETURNING s.sku
    )
    SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM updated) INTO v_moved, v_updated;
    IF v_updated <> v_moved THEN
        RAISE EXCEPTION '% of % SKUs with movements have no stock row', v_moved - v_updated, v_moved;
    END IF;
END $$;

-- ---- what orderctl calls, as the administrator ----

-- Stock of one SKU, or of all (NULL) in their order.
CREATE OR REPLACE FUNCTION inventory.show_stock(p_sku text, p_limit int)
RETURNS TABLE (sku text, on_hand bigint, reserved bigint, shipped bigint)
LANGUAGE sql STABLE AS $$
    SELECT s.sku, s.on_hand, s.reserved, s.shipped
    FROM inventory.stock AS s
    WHERE p_sku IS NULL OR s.sku = p_sku
    ORDER BY s.sku LIMIT p_limit
$$;

-- Sets what is free to reserve, by a movement of the difference: the ledger tells of corrections as of everything else.
-- SKUs must not repeat. Stock is locked in SKU order, as by lock_stock; what orders have reserved is not touched.
CREATE OR REPLACE FUNCTION inventory.set_stock(p_skus text[], p_on_hand bigint[])
RETURNS TABLE (sku text, on_hand_before bigint, on_hand bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO inventory.stock (sku, on_hand)
    SELECT t.sku, 0 FROM unnest(p_skus) AS t (sku) ORDER BY t.sku COLLATE "C"
    ON CONFLICT DO NOTHING;
    PERFORM inventory.lock_stock(p_skus);

    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT s.sku, s.on_hand AS had, t.on_hand
        FROM unnest(p_skus, p_on_hand) AS t (sku, on_hand) JOIN inventory.stock AS s ON s.sku = t.sku
    ), moved AS (
        INSERT INTO inventory.movement (sku, kind, quantity)
        SELECT w.sku, 'received', w.on_hand - w.had FROM wanted AS w WHERE w.on_hand <> w.had
    ), set_to AS (
        UPDATE inventory.stock AS s SET on_hand = w.on_hand FROM wanted AS w WHERE s.sku = w.sku AND w.on_hand <> w.had
    )
    SELECT w.sku, w.had, w.on_hand FROM wanted AS w ORDER BY w.sku;
END $$;
