-- What worker-notification calls. Arrays run in parallel, one element an order or a message.

-- Locks the rows of these orders, making those that do not exist, and returns them: all in id order, so that two batches
-- wait for each other instead of deadlocking. Two statements, since the second has to see what another batch committed
-- while the first waited for it.
CREATE OR REPLACE FUNCTION notification.lock_conversations(p_order_ids uuid[]) RETURNS TABLE (order_id uuid, state text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO notification.conversation (order_id)
    SELECT t.order_id FROM unnest(p_order_ids) AS t (order_id)
    ORDER BY t.order_id
    ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT c.order_id, c.state::text
    FROM notification.conversation AS c
    WHERE c.order_id = ANY (p_order_ids)
    ORDER BY c.order_id
    FOR UPDATE;
END $$;

-- Writes where locked conversations have got to, and the messages that took them there.
CREATE OR REPLACE FUNCTION notification.save_conversations(
    p_order_ids uuid[], p_states text[], p_message_order_ids uuid[], p_message_kinds text[], p_message_channels text[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE notification.conversation AS c
    SET state = t.state::notification.conversation_state
    FROM unnest(p_order_ids, p_states) AS t (order_id, state)
    WHERE c.order_id = t.order_id;

    INSERT INTO notification.message (order_id, kind, channel)
    SELECT t.order_id, t.kind::notification.message_kind, t.channel
    FROM unnest(p_message_order_ids, p_message_kinds, p_message_channels) AS t (order_id, kind, channel);
END $$;
