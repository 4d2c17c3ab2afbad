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

-- Writes what was decided about charges that lock_charges has locked, and what of it belongs into the books: a charge that was
-- taken is authorized and captured, one given back is refunded. What is in the books already stays as it is. (Roles work
-- without hash joins, see sql/migrate; these join the batch with itself alone.)
CREATE OR REPLACE FUNCTION payment.save_charges(
    p_order_ids uuid[], p_states text[], p_currencies text[], p_amounts bigint[], p_refunds bigint[], p_lines text[],
    p_reasons text[]) RETURNS void
LANGUAGE plpgsql SET enable_hashjoin = on AS $$
BEGIN
    UPDATE payment.charge AS c
    SET state = t.state::payment.charge_state, currency = t.currency, amount_minor = t.amount_minor,
        refunded_minor = t.refunded_minor, lines = t.lines::json, reason = t.reason, decided_at = clock_timestamp()
    FROM unnest(p_order_ids, p_states, p_currencies, p_amounts, p_refunds, p_lines, p_reasons)
         AS t (order_id, state, currency, amount_minor, refunded_minor, lines, reason)
    WHERE c.order_id = t.order_id;

    WITH moves AS (
        SELECT t.order_id, k.kind::payment.ledger_kind AS kind, t.currency, t.amount_minor,
               k.giver::payment.ledger_account AS giver, k.taker::payment.ledger_account AS taker
        FROM unnest(p_order_ids, p_states, p_currencies, p_amounts) AS t (order_id, state, currency, amount_minor)
        JOIN (VALUES ('{authorized,refunding,refunded}'::text[], 'authorized', 'customer', 'clearing'),
                     ('{authorized,refunding,refunded}', 'captured', 'clearing', 'revenue'),
                     ('{refunded}', 'refunded', 'revenue', 'customer')) AS k (states, kind, giver, taker)
            ON t.state = ANY (k.states)
    ), added AS (
        INSERT INTO payment.ledger_transaction AS l (order_id, kind, currency)
        SELECT m.order_id, m.kind, m.currency FROM moves AS m ORDER BY m.order_id, m.kind
        ON CONFLICT DO NOTHING
        RETURNING l.order_id, l.kind
    )
    INSERT INTO payment.ledger_posting (order_id, kind, account, amount_minor)
    SELECT m.order_id, m.kind, s.account, s.amount_minor
    FROM added AS a
    JOIN moves AS m ON m.order_id = a.order_id AND m.kind = a.kind
    CROSS JOIN LATERAL (VALUES (m.giver, -m.amount_minor), (m.taker, m.amount_minor)) AS s (account, amount_minor);
END $$;

-- What every account holds, for operators: reads all of the books.
CREATE OR REPLACE FUNCTION payment.ledger_balances()
RETURNS TABLE (account text, currency text, balance_minor numeric)
LANGUAGE plpgsql STABLE SET enable_seqscan = on SET enable_hashjoin = on AS $$
BEGIN
    RETURN QUERY
    SELECT p.account::text, t.currency, sum(p.amount_minor)
    FROM payment.ledger_posting AS p
    JOIN payment.ledger_transaction AS t ON t.order_id = p.order_id AND t.kind = p.kind
    GROUP BY p.account, t.currency
    ORDER BY t.currency, p.account;
END $$;

-- Charges that wait for an operator, oldest order first: 'stalled', where nobody knows whether money was taken, and
-- 'compensation_failed', where money may be the customer's that was not given back. The call that was given up is beside it.
CREATE OR REPLACE FUNCTION payment.failed_compensations(p_limit int)
RETURNS TABLE (order_id uuid, state text, currency text, amount_minor bigint, effect_id uuid, kind text, error text,
               gave_up_ms bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT c.order_id, c.state::text, c.currency, c.amount_minor, e.id, e.kind, e.error, payment.unix_ms(e.gave_up_at)
    FROM payment.charge AS c
    LEFT JOIN payment.effect AS e ON e.order_id = c.order_id AND e.kind IN ('charge', 'refund') AND e.gave_up_at IS NOT NULL
    WHERE c.state IN ('stalled', 'compensation_failed')
    ORDER BY c.order_id
    LIMIT p_limit;
END $$;

-- Has the calls of these orders that were given up made again; none named: of all orders. Returns how many.
CREATE OR REPLACE FUNCTION payment.retry_compensations(p_order_ids uuid[]) RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
    RETURN payment.effect_retry(ARRAY(
        SELECT e.id FROM payment.effect AS e
        WHERE e.kind IN ('charge', 'refund') AND e.gave_up_at IS NOT NULL
          AND (cardinality(p_order_ids) = 0 OR e.order_id = ANY (p_order_ids))));
END $$;
