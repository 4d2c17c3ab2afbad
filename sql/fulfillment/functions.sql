-- What worker-fulfillment calls. Arrays run in parallel, one element an order.

-- Locks the rows of these orders, making those that do not exist, and returns them: all in id order, so that two batches
-- wait for each other instead of deadlocking. Two statements, since the second has to see what another batch committed
-- while the first waited for it.
CREATE OR REPLACE FUNCTION fulfillment.lock_shipments(p_order_ids uuid[])
RETURNS TABLE (order_id uuid, state text, shipment_id uuid, carrier text, tracking_number text, reason text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO fulfillment.shipment (order_id)
    SELECT t.order_id FROM unnest(p_order_ids) AS t (order_id)
    ORDER BY t.order_id
    ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT s.order_id, s.state::text, s.shipment_id, s.carrier, s.tracking_number, s.reason
    FROM fulfillment.shipment AS s
    WHERE s.order_id = ANY (p_order_ids)
    ORDER BY s.order_id
    FOR UPDATE;
END $$;

-- Writes what was decided about shipments that lock_shipments has locked.
CREATE OR REPLACE FUNCTION fulfillment.save_shipments(
    p_order_ids uuid[], p_states text[], p_shipment_ids uuid[], p_carriers text[], p_tracking_numbers text[],
    p_reasons text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE fulfillment.shipment AS s
    SET state = t.state::fulfillment.shipment_state, shipment_id = t.shipment_id, carrier = t.carrier,
        tracking_number = t.tracking_number, reason = t.reason, decided_at = clock_timestamp()
    FROM unnest(p_order_ids, p_states, p_shipment_ids, p_carriers, p_tracking_numbers, p_reasons)
         AS t (order_id, state, shipment_id, carrier, tracking_number, reason)
    WHERE s.order_id = t.order_id;
END $$;
