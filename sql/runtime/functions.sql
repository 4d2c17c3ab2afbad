-- What the relay and the consumer runtime call, once in each service's schema: sql/migrate puts its name in.
-- Arrays run in parallel, one element an event. Bodies name the schema, so they work under any search_path.

-- When a UUIDv7 was made.
CREATE OR REPLACE FUNCTION @schema@.uuid_v7_time(p_id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_timestamp(('x' || translate(left(p_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
$$;

-- The smallest UUIDv7 of that millisecond.
CREATE OR REPLACE FUNCTION @schema@.uuid_v7_floor(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

-- Unix milliseconds, as C reads times.
CREATE OR REPLACE FUNCTION @schema@.unix_ms(p_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT floor(extract(epoch FROM p_at) * 1000)::bigint
$$;

-- ---- inbox ----

-- Claims events for this transaction. verdict: 0 fresh, apply it; 1 duplicate, applied before or earlier in the arrays;
-- 2 held, an event of its order lies among the dead letters (p_never_held: not for this one). Claims are taken in id
-- order, so that two consumers with the same events wait for each other instead of deadlocking. The letters found are
-- locked: a replay of them ends before or waits, so nothing comes to lie behind a letter that is just leaving. (Roles work
-- without hash joins, see sql/migrate; this one joins the batch with itself alone.)
CREATE OR REPLACE FUNCTION @schema@.inbox_claim(p_event_ids uuid[], p_order_ids uuid[], p_never_held boolean[])
RETURNS TABLE (ord int, verdict int)
LANGUAGE plpgsql SET enable_hashjoin = on AS $$
#variable_conflict use_column
DECLARE
    v_held uuid[];
    v_late uuid := @schema@.uuid_v7_floor(now() - interval '1 day'); -- older ones are kept by their claim's time
BEGIN
    SELECT coalesce(array_agg(DISTINCT h.order_id), '{}') INTO v_held
    FROM (SELECT d.order_id FROM @schema@.deadletter AS d
          WHERE d.order_id = ANY (p_order_ids) AND NOT d.outbound ORDER BY d.id FOR SHARE) AS h;

    RETURN QUERY
    WITH batch AS (
        SELECT t.event_id, t.ord::int AS ord,
               NOT t.never_held AND t.order_id = ANY (v_held) AS held,
               row_number() OVER (PARTITION BY t.event_id ORDER BY t.ord) AS nth
        FROM unnest(p_event_ids, p_order_ids, p_never_held)
             WITH ORDINALITY AS t (event_id, order_id, never_held, ord)
    ), claimed AS (
        INSERT INTO @schema@.inbox (event_id, late_at)
        SELECT b.event_id, CASE WHEN b.event_id < v_late THEN now() END FROM batch AS b WHERE b.nth = 1 AND NOT b.held ORDER BY b.event_id
        ON CONFLICT DO NOTHING
        RETURNING event_id
    )
    SELECT b.ord, CASE WHEN c.event_id IS NOT NULL AND b.nth = 1 THEN 0
                       WHEN NOT b.held OR EXISTS (SELECT FROM @schema@.inbox AS i WHERE i.event_id = b.event_id) THEN 1
                       ELSE 2 END
    FROM batch AS b LEFT JOIN claimed AS c ON c.event_id = b.event_id
    ORDER BY b.ord;
END $$;

-- Forgets up to p_limit events older than p_retention_ms; returns how many. One session at a time does it, others get 0.
-- Events claimed late are kept from their claim on.
CREATE OR REPLACE FUNCTION @schema@.inbox_purge(p_retention_ms bigint, p_limit int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_before timestamptz := now() - p_retention_ms * interval '1 ms';
    v_gone int;
BEGIN
    IF NOT pg_try_advisory_xact_lock('@schema@.inbox'::regclass::oid::int, 0) THEN
        RETURN 0;
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true); -- the worst that a crash does is to purge again
    DELETE FROM @schema@.inbox
    WHERE event_id = ANY (ARRAY(
        SELECT i.event_id FROM @schema@.inbox AS i
        WHERE i.event_id < @schema@.uuid_v7_floor(v_before) AND (i.late_at IS NULL OR i.late_at < v_before)
        ORDER BY i.event_id
        LIMIT p_limit));
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    RETURN v_gone;
END $$;

-- What lies in the tables, for people: inbox rows as the planner estimates them (-1: not known yet), received letters at
-- fault and held, no further than 10,000 of both.
CREATE OR REPLACE FUNCTION @schema@.runtime_sizes(OUT inbox_rows bigint, OUT letters int, OUT letters_held int)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT c.reltuples::bigint INTO inbox_rows FROM pg_class AS c WHERE c.oid = '@schema@.inbox'::regclass;
    SELECT count(*) FILTER (WHERE NOT d.held), count(*) FILTER (WHERE d.held) INTO letters, letters_held
    FROM (SELECT l.held FROM @schema@.deadletter AS l WHERE NOT l.outbound ORDER BY l.id LIMIT 10000) AS d;
END $$;

-- ---- dead letters ----

-- Sets received events aside and takes back their claims, so that a replay applies them. One already there stays.
CREATE OR REPLACE FUNCTION @schema@.deadletter_set_aside(
    p_event_ids uuid[], p_order_ids uuid[], p_types text[], p_topics text[], p_partitions int[], p_offsets bigint[],
    p_keys bytea[], p_payloads bytea[], p_dataschemas text[], p_traceparents text[], p_reasons text[], p_held boolean[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO @schema@.deadletter (outbound, held, attempts, event_id, order_id, type, topic, partition, log_offset,
                                     key, payload, dataschema, traceparent, reason)
    SELECT false, t.held, CASE WHEN t.held THEN 0 ELSE 1 END, t.event_id, t.order_id, t.type, t.topic, t.partition,
           t.log_offset, t.key, t.payload, coalesce(t.dataschema, ''), t.traceparent, t.reason
    FROM unnest(p_event_ids, p_order_ids, p_types, p_topics, p_partitions, p_offsets,
                p_keys, p_payloads, p_dataschemas, p_traceparents, p_reasons, p_held)
         WITH ORDINALITY AS t (event_id, order_id, type, topic, partition, log_offset,
                               key, payload, dataschema, traceparent, reason, held, ord)
    ORDER BY t.ord
    ON CONFLICT DO NOTHING;

    DELETE FROM @schema@.inbox WHERE event_id = ANY (p_event_ids);
END $$;

-- The oldest received letters whose replay was asked for and that wait behind no other. Letters of one order come in the
-- order they were set aside. p_never_held: the type that waits behind nothing.
CREATE OR REPLACE FUNCTION @schema@.deadletter_due(p_limit int, p_never_held text)
RETURNS TABLE (id bigint, event_id uuid, type text, topic text, partition int, log_offset bigint, key bytea, payload bytea,
               dataschema text, traceparent text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT d.id, d.event_id, d.type, d.topic, d.partition, d.log_offset, d.key, d.payload, d.dataschema, d.traceparent
    FROM @schema@.deadletter AS d
    WHERE d.replay_at IS NOT NULL AND NOT d.outbound
      AND (d.type = p_never_held OR NOT EXISTS (
            SELECT FROM @schema@.deadletter AS e
            WHERE e.order_id = d.order_id AND NOT e.outbound AND e.id < d.id AND e.replay_at IS NULL))
    ORDER BY d.id
    LIMIT p_limit;
END $$;

-- Claims letters as inbox_claim claims events. 1 also where the letter is gone, replayed or discarded by another; 2 where an
-- earlier letter of its order is not among these.
CREATE OR REPLACE FUNCTION @schema@.deadletter_claim(p_ids bigint[], p_never_held boolean[])
RETURNS TABLE (ord int, verdict int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_late uuid := @schema@.uuid_v7_floor(now() - interval '1 day'); -- older ones are kept by their claim's time
BEGIN
    PERFORM FROM @schema@.deadletter AS d WHERE d.id = ANY (p_ids) ORDER BY d.id FOR UPDATE;

    RETURN QUERY
    WITH batch AS (
        SELECT t.ord::int AS ord, d.id, d.event_id, NOT t.never_held AND EXISTS (
                   SELECT FROM @schema@.deadletter AS e
                   WHERE e.order_id = d.order_id AND NOT e.outbound AND e.id < d.id AND e.id <> ALL (p_ids)) AS held
        FROM unnest(p_ids, p_never_held) WITH ORDINALITY AS t (id, never_held, ord)
             LEFT JOIN @schema@.deadletter AS d ON d.id = t.id
    ), claimed AS (
        INSERT INTO @schema@.inbox (event_id, late_at)
        SELECT b.event_id, CASE WHEN b.event_id < v_late THEN now() END FROM batch AS b
        WHERE b.event_id IS NOT NULL AND NOT b.held ORDER BY b.event_id
        ON CONFLICT DO NOTHING
        RETURNING event_id
    )
    SELECT b.ord, CASE WHEN b.id IS NULL THEN 1
                       WHEN c.event_id IS NOT NULL THEN 0
                       WHEN EXISTS (SELECT FROM @schema@.inbox AS i WHERE i.event_id = b.event_id) THEN 1
                       WHEN b.held THEN 2
                       ELSE 0 END
    FROM batch AS b LEFT JOIN claimed AS c ON c.event_id = b.event_id
    ORDER BY b.ord;
END $$;

-- Lets what only waited follow: letters held behind none at fault any more are to be replayed too.
CREATE OR REPLACE FUNCTION @schema@.deadletter_release(p_order_ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE @schema@.deadletter AS d SET replay_at = now()
    WHERE d.order_id = ANY (p_order_ids) AND NOT d.outbound AND d.held AND d.replay_at IS NULL
      AND NOT EXISTS (SELECT FROM @schema@.deadletter AS e
                      WHERE e.order_id = d.order_id AND NOT e.outbound AND NOT e.held AND e.id < d.id);
END $$;

-- Ends a replay in the transaction of its effects: removes the letters applied, and puts the others back with the reason of
-- this time, their claims taken back.
CREATE OR REPLACE FUNCTION @schema@.deadletter_settle(
    p_done_ids bigint[], p_back_ids bigint[], p_reasons text[], p_held boolean[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_order_ids uuid[];
BEGIN
    WITH gone AS (
        DELETE FROM @schema@.deadletter WHERE id = ANY (p_done_ids) RETURNING order_id
    )
    SELECT array_agg(DISTINCT g.order_id) INTO v_order_ids FROM gone AS g;

    WITH back AS (
        UPDATE @schema@.deadletter AS d
        SET replay_at = NULL, reason = t.reason, held = t.held,
            attempts = d.attempts + CASE WHEN t.held THEN 0 ELSE 1 END
        FROM unnest(p_back_ids, p_reasons, p_held) AS t (id, reason, held)
        WHERE d.id = t.id
        RETURNING d.event_id
    )
    DELETE FROM @schema@.inbox AS i USING back AS b WHERE i.event_id = b.event_id;

    PERFORM @schema@.deadletter_release(v_order_ids);
END $$;

-- Own events go back to the outbox in the order they left it, those held behind them too; returns how many.
CREATE OR REPLACE FUNCTION @schema@.deadletter_resend(p_ids bigint[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[]; v_topics text[]; v_order_ids uuid[]; v_types text[]; v_payloads text[]; v_traceparents text[];
BEGIN
    WITH back AS (
        DELETE FROM @schema@.deadletter AS d
        WHERE d.outbound
          AND (d.id = ANY (p_ids)
               OR d.held AND EXISTS (SELECT FROM @schema@.deadletter AS f
                                     WHERE f.id = ANY (p_ids) AND f.outbound AND f.order_id = d.order_id AND f.id < d.id))
        RETURNING d.*
    )
    SELECT array_agg(b.event_id ORDER BY b.id), array_agg(b.topic ORDER BY b.id), array_agg(b.order_id ORDER BY b.id),
           array_agg(b.type ORDER BY b.id), array_agg(convert_from(b.payload, 'UTF8') ORDER BY b.id),
           array_agg(b.traceparent ORDER BY b.id)
    INTO v_ids, v_topics, v_order_ids, v_types, v_payloads, v_traceparents
    FROM back AS b;

    PERFORM @schema@.outbox_append(v_ids, v_topics, v_order_ids, v_types, v_payloads, v_traceparents);
    RETURN coalesce(cardinality(v_ids), 0);
END $$;

-- Asks for letters to be replayed; returns how many were meant. Received ones: the service's worker applies them within
-- seconds, and what is held behind them follows. Own ones are back in the outbox at once.
CREATE OR REPLACE FUNCTION @schema@.deadletter_replay(p_ids bigint[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_marked int;
BEGIN
    UPDATE @schema@.deadletter SET replay_at = now() WHERE id = ANY (p_ids) AND NOT outbound;
    GET DIAGNOSTICS v_marked = ROW_COUNT;
    RETURN v_marked + @schema@.deadletter_resend(p_ids);
END $$;

-- Gives letters up for good; returns how many. Received ones count as applied from now on. What is held behind them follows,
-- as if they had been.
CREATE OR REPLACE FUNCTION @schema@.deadletter_discard(p_ids bigint[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_late uuid := @schema@.uuid_v7_floor(now() - interval '1 day'); -- older ones are kept by their claim's time
    v_order_ids uuid[];
    v_behind bigint[];
    v_gone int;
BEGIN
    SELECT array_agg(d.id) INTO v_behind
    FROM @schema@.deadletter AS d
    WHERE d.outbound AND d.held AND d.id <> ALL (p_ids)
      AND EXISTS (SELECT FROM @schema@.deadletter AS f
                  WHERE f.id = ANY (p_ids) AND f.outbound AND f.order_id = d.order_id AND f.id < d.id);

    WITH gone AS (
        DELETE FROM @schema@.deadletter WHERE id = ANY (p_ids) RETURNING event_id, order_id, outbound
    ), kept AS (
        INSERT INTO @schema@.inbox (event_id, late_at)
        SELECT g.event_id, CASE WHEN g.event_id < v_late THEN now() END FROM gone AS g
        WHERE NOT g.outbound AND g.event_id IS NOT NULL ORDER BY g.event_id
        ON CONFLICT DO NOTHING
    )
    SELECT count(*)::int, array_agg(DISTINCT g.order_id) FILTER (WHERE NOT g.outbound)
    INTO v_gone, v_order_ids FROM gone AS g;

    PERFORM @schema@.deadletter_release(v_order_ids), @schema@.deadletter_resend(v_behind);
    RETURN v_gone;
END $$;

-- ---- outbox ----

-- Adds events to the outbox in the order of the arrays. The caller holds the lock of each event's order, so the events of
-- one order come to lie in the order they were committed. The transaction has its id before it draws a seq, whatever it has
-- written so far: outbox_horizon relies on that.
CREATE OR REPLACE FUNCTION @schema@.outbox_append(
    p_ids uuid[], p_topics text[], p_order_ids uuid[], p_types text[], p_payloads text[], p_traceparents text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_current_xact_id();
    INSERT INTO @schema@.outbox (id, aggregatetype, aggregateid, type, payload, traceparent)
    SELECT t.id, t.topic, t.order_id, t.type, t.payload::json, t.traceparent
    FROM unnest(p_ids, p_topics, p_order_ids, p_types, p_payloads, p_traceparents)
         WITH ORDINALITY AS t (id, topic, order_id, type, payload, traceparent, ord)
    ORDER BY t.ord;
END $$;

-- Makes this session the outbox's one relay, or returns false: another session is. A holder that falls silent for 5 s, frozen
-- or cut off, loses its session and with it the lock.
CREATE OR REPLACE FUNCTION @schema@.outbox_lead() RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('idle_session_timeout', '5s', false),
            set_config('idle_in_transaction_session_timeout', '5s', false);
    RETURN pg_try_advisory_lock('@schema@.outbox'::regclass::oid::int, 0);
END $$;

-- What tells the relay from where on it has to read. Later on, once oldest_xid has reached the next_xid of now, every
-- transaction that can hold a seq up to the last_seq of now has ended: its rows are visible or will never be. For that,
-- last_seq is taken first: whoever gets a transaction id after this one draws its seqs beyond last_seq. (A snapshot's xmax
-- would not do for next_xid: ids of open transactions may lie above it, since it follows the last one that has ended.)
CREATE OR REPLACE FUNCTION @schema@.outbox_horizon() RETURNS TABLE (oldest_xid bigint, next_xid bigint, last_seq bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO last_seq FROM @schema@.outbox_seq_seq AS s;
    next_xid := pg_current_xact_id()::text::bigint;
    oldest_xid := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    RETURN NEXT;
END $$;

-- The first p_limit events at or above p_floor that are not in flight. Planned anew each time: with the array as a
-- constant, leaving out thousands of rows in flight is a hash look-up a row.
CREATE OR REPLACE FUNCTION @schema@.outbox_read(p_floor bigint, p_in_flight bigint[], p_limit int)
RETURNS TABLE (seq bigint, id uuid, order_id uuid, topic text, type text, payload text, traceparent text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT o.seq, o.id, o.aggregateid, o.aggregatetype, o.type, o.payload::text, o.traceparent
    FROM @schema@.outbox AS o
    WHERE o.seq >= p_floor AND o.seq <> ALL (p_in_flight)
    ORDER BY o.seq
    LIMIT p_limit;
END $$;

-- Waits until there is an event at or above p_floor, looking every p_every_ms, for p_wait_ms at the most. An idle relay does
-- its waiting here, where a look costs a fraction of a round trip.
CREATE OR REPLACE FUNCTION @schema@.outbox_wait(p_floor bigint, p_every_ms int, p_wait_ms int) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + p_wait_ms * interval '1 ms';
BEGIN
    WHILE NOT EXISTS (SELECT FROM @schema@.outbox AS o WHERE o.seq >= p_floor) LOOP
        IF clock_timestamp() >= v_until THEN
            RETURN false;
        END IF;
        PERFORM pg_sleep(p_every_ms / 1000.0);
    END LOOP;
    RETURN true;
END $$;

-- Removes delivered events, unless another session leads by now: one that was frozen wakes up on a new connection. Its commit
-- need not wait for the disk: the worst that a crash does is a repeat.
CREATE OR REPLACE FUNCTION @schema@.outbox_delete(p_seqs bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock('@schema@.outbox'::regclass::oid::int, 0) THEN
        RETURN;
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM @schema@.outbox WHERE seq = ANY (p_seqs);
END $$;

-- Moves an event that can never be sent, and the later events of its order, to the dead letters; returns how many.
CREATE OR REPLACE FUNCTION @schema@.outbox_park(p_seq bigint, p_reason text) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_moved int;
BEGIN
    WITH parked AS (
        DELETE FROM @schema@.outbox AS o
        WHERE o.seq >= p_seq
          AND o.aggregateid = (SELECT f.aggregateid FROM @schema@.outbox AS f WHERE f.seq = p_seq)
        RETURNING o.*
    ), kept AS (
        INSERT INTO @schema@.deadletter (outbound, held, event_id, order_id, type, topic, payload, traceparent, reason)
        SELECT true, p.seq <> p_seq, p.id, p.aggregateid, p.type, p.aggregatetype, convert_to(p.payload::text, 'UTF8'),
               p.traceparent, CASE WHEN p.seq = p_seq THEN p_reason ELSE 'waits behind an earlier event of its order' END
        FROM parked AS p
        ORDER BY p.seq
        ON CONFLICT DO NOTHING
    )
    SELECT count(*)::int INTO v_moved FROM parked;
    RETURN v_moved;
END $$;

-- How full the outbox is, at the cost of one row: the distance from the event first in line to the last number drawn, which is
-- no less than the number of events, and the age of the first in milliseconds.
CREATE OR REPLACE FUNCTION @schema@.outbox_state(OUT depth bigint, OUT oldest_age_ms bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_first bigint;
BEGIN
    SELECT o.seq INTO v_first FROM @schema@.outbox AS o ORDER BY o.seq LIMIT 1;
    SELECT coalesce(s.last_value - v_first + 1, 0) INTO depth FROM @schema@.outbox_seq_seq AS s;
    oldest_age_ms := @schema@.outbox_oldest_age_ms();
END $$;

-- Milliseconds since the event was made that waits first in line, 0 for an empty outbox.
CREATE OR REPLACE FUNCTION @schema@.outbox_oldest_age_ms() RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_id uuid;
BEGIN
    SELECT o.id INTO v_id FROM @schema@.outbox AS o ORDER BY o.seq LIMIT 1;
    IF v_id IS NULL THEN
        RETURN 0;
    END IF;
    RETURN greatest(0, @schema@.unix_ms(clock_timestamp()) - @schema@.unix_ms(@schema@.uuid_v7_time(v_id)));
END $$;

-- Adds calls to be made, no earlier than p_delays_ms from now.
CREATE OR REPLACE FUNCTION @schema@.effect_add(
    p_ids uuid[], p_kinds text[], p_order_ids uuid[], p_payloads text[], p_traceparents text[], p_delays_ms bigint[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO @schema@.effect (id, kind, order_id, payload, traceparent, due_at)
    SELECT t.id, t.kind, t.order_id, t.payload::json, t.traceparent, clock_timestamp() + t.delay_ms * interval '1 ms'
    FROM unnest(p_ids, p_kinds, p_order_ids, p_payloads, p_traceparents, p_delays_ms)
         AS t (id, kind, order_id, payload, traceparent, delay_ms);
END $$;

-- Takes up to p_limit calls of p_kind that are due, the longest due first, for p_lease_ms. Those in the hands of another
-- transaction are left to it. (now() and not the clock's time: an index can be read up to it.)
CREATE OR REPLACE FUNCTION @schema@.effect_lease(p_kind text, p_limit int, p_lease_ms bigint)
RETURNS TABLE (id uuid, lease bigint, order_id uuid, payload text, traceparent text, attempts int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH due AS (
        SELECT e.id FROM @schema@.effect AS e
        WHERE e.kind = p_kind AND e.gave_up_at IS NULL AND e.due_at <= now()
        ORDER BY e.due_at
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE @schema@.effect AS e
    SET due_at = clock_timestamp() + p_lease_ms * interval '1 ms', leases = e.leases + 1, attempts = e.attempts + 1
    FROM due
    WHERE e.id = due.id
    RETURNING e.id, e.leases, e.order_id, e.payload::text, e.traceparent, e.attempts;
END $$;

-- Locks, in id order, those that are still under the lease given, and returns their places in the arrays. The others have
-- come to their end in other hands, or are on the way there.
CREATE OR REPLACE FUNCTION @schema@.effect_claim(p_ids uuid[], p_leases bigint[]) RETURNS TABLE (ord int)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT t.ord::int
    FROM unnest(p_ids, p_leases) WITH ORDINALITY AS t (id, lease, ord)
    JOIN @schema@.effect AS e ON e.id = t.id AND e.leases = t.lease
    ORDER BY t.id
    FOR UPDATE OF e;
END $$;

-- Ends calls that effect_claim has locked: away with those that have no error; the others give up for it.
CREATE OR REPLACE FUNCTION @schema@.effect_end(p_ids uuid[], p_errors text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM @schema@.effect AS e
    USING unnest(p_ids, p_errors) AS t (id, error)
    WHERE e.id = t.id AND t.error IS NULL;

    UPDATE @schema@.effect AS e
    SET gave_up_at = clock_timestamp(), error = t.error
    FROM unnest(p_ids, p_errors) AS t (id, error)
    WHERE e.id = t.id AND t.error IS NOT NULL;
END $$;

-- Gives leases back: those calls are due again after p_delays_ms.
CREATE OR REPLACE FUNCTION @schema@.effect_postpone(p_ids uuid[], p_leases bigint[], p_delays_ms bigint[], p_errors text[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM @schema@.effect_claim(p_ids, p_leases);
    UPDATE @schema@.effect AS e
    SET due_at = clock_timestamp() + t.delay_ms * interval '1 ms', error = t.error
    FROM unnest(p_ids, p_leases, p_delays_ms, p_errors) AS t (id, lease, delay_ms, error)
    WHERE e.id = t.id AND e.leases = t.lease;
END $$;

-- For operators: calls that were given up are made again, as often as new ones. Returns how many.
CREATE OR REPLACE FUNCTION @schema@.effect_retry(p_ids uuid[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_count int;
BEGIN
    UPDATE @schema@.effect AS e
    SET gave_up_at = NULL, attempts = 0, due_at = clock_timestamp()
    WHERE e.id = ANY (p_ids) AND e.gave_up_at IS NOT NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

-- Calls of p_kind that wait or are under way, and those given up; each counts no further than 10,000.
CREATE OR REPLACE FUNCTION @schema@.effect_backlog(p_kind text) RETURNS TABLE (waiting bigint, gave_up bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT count(*) INTO waiting
    FROM (SELECT FROM @schema@.effect AS e WHERE e.kind = p_kind AND e.gave_up_at IS NULL LIMIT 10000) AS counted;
    SELECT count(*) INTO gave_up
    FROM (SELECT FROM @schema@.effect AS e WHERE e.kind = p_kind AND e.gave_up_at IS NOT NULL LIMIT 10000) AS counted;
    RETURN NEXT;
END $$;
