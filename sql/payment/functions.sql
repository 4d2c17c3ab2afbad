-- What worker-payment calls. Arrays run in parallel, one element an order.

-- Locks the rows of these orders, making those that do not exist, and returns them: all in id order, so that two batches
-- wait for each other instead of deadlocking. Two statements, since the second has to see what another batch committed
-- while the first waited for it.
CREATE OR REPLACE FUNCTION payment.lock_charges(p_order_ids uuid[])
RETURNS TABLE (order_id uuid, state text, currency text, amount_minor bigint, refunded_minor bigint, lines text, reason text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO payment.charge (order_id)
    SELECT t.order_id FROM unnest(p_order_ids) AS t (order_id)
    ORDER BY t.order_id
    ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT c.order_id, c.state::text, c.currency, c.amount_minor, c.refunded_minor, c.lines::text, c.reason
    FROM payment.charge AS c
    WHERE c.order_id = ANY (p_order_ids)
    ORDER BY c.order_id
    FOR UPDATE;
END $$;

-- Writes what was decided about charges that lock_charges has locked.
CREATE OR REPLACE FUNCTION payment.save_charges(
    p_order_ids uuid[], p_states text[], p_currencies text[], p_amounts bigint[], p_refunds bigint[], p_lines text[],
    p_reasons text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payment.charge AS c
    SET state = t.state::payment.charge_state, currency = t.currency, amount_minor = t.amount_minor,
        refunded_minor = t.refunded_minor, lines = t.lines::json, reason = t.reason, decided_at = clock_timestamp()
    FROM unnest(p_order_ids, p_states, p_currencies, p_amounts, p_refunds, p_lines, p_reasons)
         AS t (order_id, state, currency, amount_minor, refunded_minor, lines, reason)
    WHERE c.order_id = t.order_id;
END $$;
