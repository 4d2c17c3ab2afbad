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

-- The same, with what becomes of each message: 'sent' at once, 'waiting' for its mail, or 'skipped'. (Takes the place of
-- save_conversations, which programs of the release before call.)
CREATE OR REPLACE FUNCTION notification.record_conversations(
    p_order_ids uuid[], p_states text[], p_message_order_ids uuid[], p_message_kinds text[], p_message_channels text[],
    p_message_states text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE notification.conversation AS c
    SET state = t.state::notification.conversation_state
    FROM unnest(p_order_ids, p_states) AS t (order_id, state)
    WHERE c.order_id = t.order_id;

    INSERT INTO notification.message (order_id, kind, channel, state, sent_at)
    SELECT t.order_id, t.kind::notification.message_kind, t.channel, t.state::notification.message_state,
           CASE WHEN t.state = 'sent' THEN clock_timestamp() END
    FROM unnest(p_message_order_ids, p_message_kinds, p_message_channels, p_message_states)
         AS t (order_id, kind, channel, state);
END $$;

-- What became of mails: 'sent' or 'failed'. Arrays run in parallel, in the order of the orders' ids.
CREATE OR REPLACE FUNCTION notification.settle_messages(p_order_ids uuid[], p_kinds text[], p_states text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE notification.message AS m
    SET state = t.state::notification.message_state, sent_at = CASE WHEN t.state = 'sent' THEN clock_timestamp() END
    FROM unnest(p_order_ids, p_kinds, p_states) AS t (order_id, kind, state)
    WHERE m.order_id = t.order_id AND m.kind = t.kind::notification.message_kind;
END $$;

-- ---- contacts ----

-- The addresses of those customers that have one.
CREATE OR REPLACE FUNCTION notification.find_contacts(p_customer_ids uuid[]) RETURNS TABLE (customer_id uuid, email text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.customer_id, c.email FROM notification.contact AS c WHERE c.customer_id = ANY (p_customer_ids)
    ORDER BY c.customer_id;
END $$;

-- For operators. Mails to that customer that wait, or were given up, go to the new address.
CREATE OR REPLACE FUNCTION notification.set_contact(p_customer_id uuid, p_email text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notification.contact AS c (customer_id, email) VALUES (p_customer_id, p_email)
    ON CONFLICT (customer_id) DO UPDATE SET email = excluded.email, set_at = clock_timestamp();

    UPDATE notification.effect AS e
    SET payload = jsonb_set(e.payload::jsonb, '{to}', to_jsonb(p_email))::json
    WHERE e.kind = 'mail' AND e.payload ->> 'customerId' = p_customer_id::text;
END $$;

-- For operators. Mails to that customer that wait, or were given up, are not sent any more. False: there was no contact.
CREATE OR REPLACE FUNCTION notification.remove_contact(p_customer_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    WITH dropped AS (
        DELETE FROM notification.effect AS e
        WHERE e.kind = 'mail' AND e.payload ->> 'customerId' = p_customer_id::text
        RETURNING e.order_id, e.payload ->> 'kind' AS kind
    )
    UPDATE notification.message AS m SET state = 'skipped'
    FROM dropped AS d WHERE m.order_id = d.order_id AND m.kind = d.kind::notification.message_kind;

    DELETE FROM notification.contact WHERE customer_id = p_customer_id;
    RETURN FOUND;
END $$;

-- ---- webhooks ----

-- All there ever were: removed ones without url and secret. types: separated by blanks.
CREATE OR REPLACE FUNCTION notification.read_webhooks() RETURNS TABLE (webhook_id uuid, url text, types text, secret bytea)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT w.webhook_id, CASE WHEN w.removed_at IS NULL THEN w.url END, array_to_string(w.types, ' '), w.secret
    FROM notification.webhook AS w;
END $$;

-- Adds to the log of deliveries and keeps the latest p_keep of each webhook. Webhooks are taken in the order of their ids, so
-- that two workers wait for each other instead of deadlocking.
CREATE OR REPLACE FUNCTION notification.save_deliveries(
    p_webhook_ids uuid[], p_event_ids uuid[], p_order_ids uuid[], p_types text[], p_delivered boolean[], p_attempts int[],
    p_details text[], p_keep int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_webhook_id uuid;
BEGIN
    INSERT INTO notification.webhook_delivery (webhook_id, event_id, order_id, type, delivered, attempts, detail)
    SELECT t.webhook_id, t.event_id, t.order_id, t.type, t.delivered, t.attempts, t.detail
    FROM unnest(p_webhook_ids, p_event_ids, p_order_ids, p_types, p_delivered, p_attempts, p_details)
         AS t (webhook_id, event_id, order_id, type, delivered, attempts, detail);

    FOR v_webhook_id IN SELECT DISTINCT t.id FROM unnest(p_webhook_ids) AS t (id) ORDER BY t.id LOOP
        DELETE FROM notification.webhook_delivery AS d
        WHERE d.webhook_id = v_webhook_id
          AND d.seq <= (SELECT k.seq FROM notification.webhook_delivery AS k WHERE k.webhook_id = v_webhook_id
                        ORDER BY k.seq DESC OFFSET p_keep LIMIT 1);
    END LOOP;
END $$;

-- For operators.
CREATE OR REPLACE FUNCTION notification.add_webhook(p_webhook_id uuid, p_url text, p_types text[], p_secret_base64 text)
RETURNS void
LANGUAGE sql AS $$
    INSERT INTO notification.webhook (webhook_id, url, types, secret)
    VALUES (p_webhook_id, p_url, p_types, decode(p_secret_base64, 'base64'))
$$;

-- For operators: what is due to it is dropped. False: there is no such webhook.
CREATE OR REPLACE FUNCTION notification.remove_webhook(p_webhook_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE notification.webhook AS w SET removed_at = clock_timestamp(), secret = NULL
    WHERE w.webhook_id = p_webhook_id AND w.removed_at IS NULL;
    RETURN FOUND;
END $$;

-- For operators: webhooks in force, oldest first, each with the deliveries that wait and those given up that still can be
-- made again.
CREATE OR REPLACE FUNCTION notification.list_webhooks()
RETURNS TABLE (webhook_id uuid, url text, types text, added_ms bigint, waiting bigint, gave_up bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT w.webhook_id, w.url, array_to_string(w.types, ','), notification.unix_ms(w.added_at),
           count(e.id) FILTER (WHERE e.gave_up_at IS NULL), count(e.id) FILTER (WHERE e.gave_up_at IS NOT NULL)
    FROM notification.webhook AS w
    LEFT JOIN notification.effect AS e ON e.kind = 'webhook' AND e.payload ->> 'webhookId' = w.webhook_id::text
    WHERE w.removed_at IS NULL
    GROUP BY w.webhook_id
    ORDER BY w.webhook_id;
END $$;

-- For operators: the log of one webhook, the latest first.
CREATE OR REPLACE FUNCTION notification.list_deliveries(p_webhook_id uuid)
RETURNS TABLE (at_ms bigint, type text, order_id uuid, event_id uuid, delivered boolean, attempts bigint, detail text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT notification.unix_ms(d.at), d.type, d.order_id, d.event_id, d.delivered, d.attempts::bigint, d.detail
    FROM notification.webhook_delivery AS d
    WHERE d.webhook_id = p_webhook_id
    ORDER BY d.seq DESC;
END $$;

-- For operators: the address of one customer, no row where there is none.
CREATE OR REPLACE FUNCTION notification.show_contact(p_customer_id uuid)
RETURNS TABLE (customer_id uuid, email text, set_ms bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.customer_id, c.email, notification.unix_ms(c.set_at)
    FROM notification.contact AS c WHERE c.customer_id = p_customer_id;
END $$;
