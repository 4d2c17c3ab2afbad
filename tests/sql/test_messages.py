"""sql/runtime/functions.sql in a service's schema: inbox, dead letters, outbox, and what the relay reads by."""
import threading
import uuid

import psycopg2
import pytest

from calls import DUPLICATE, FRESH, HELD, append, claim, deadletter, read, rows, uuid7, value

SCHEMA = "payment"


@pytest.fixture
def payment(connect):
    return connect(SCHEMA, autocommit=True)


def event(order=None):
    return uuid7(), order or uuid7()


# ---- inbox ----

def test_an_event_is_fresh_once(payment):
    one, two = event(), event()
    assert claim(payment, SCHEMA, one) == [FRESH]
    assert claim(payment, SCHEMA, two, one) == [FRESH, DUPLICATE]


def test_of_equal_events_in_one_batch_the_first_is_fresh(payment):
    one = event()
    assert claim(payment, SCHEMA, one, one) == [FRESH, DUPLICATE]


def test_a_claim_rolled_back_is_no_claim(connect):
    session, one = connect(SCHEMA), event()
    claim(session, SCHEMA, one)
    session.rollback()
    assert claim(session, SCHEMA, one) == [FRESH]


def test_consumers_with_the_same_events_wait_for_each_other(connect):
    events = [event() for _ in range(50)]
    first = connect(SCHEMA)
    assert claim(first, SCHEMA, *events) == [FRESH] * 50
    verdicts = []
    waiting = threading.Thread(target=lambda: verdicts.extend(claim(connect(SCHEMA), SCHEMA, *events[::-1])))
    waiting.start()
    first.commit()
    waiting.join()
    assert verdicts == [DUPLICATE] * 50


def test_events_behind_a_dead_letter_of_their_order_are_held(payment):
    at_fault, applied = event(), event()
    claim(payment, SCHEMA, applied)
    deadletter(payment, SCHEMA, at_fault)
    later, stranger = event(at_fault[1]), event()
    assert claim(payment, SCHEMA, later, stranger, at_fault) == [HELD, FRESH, HELD]
    assert claim(payment, SCHEMA, later, never_held=True) == [FRESH]
    assert claim(payment, SCHEMA, later) == [DUPLICATE], "applied before counts more than held"


def test_a_dead_letter_takes_its_claim_back_and_is_kept_once(payment):
    one = event()
    claim(payment, SCHEMA, one)
    deadletter(payment, SCHEMA, one, reason="first")
    deadletter(payment, SCHEMA, one, reason="second")
    letters = rows(payment, f"SELECT * FROM {SCHEMA}.deadletter")
    assert [(letter.event_id, letter.reason, bytes(letter.payload)) for letter in letters] == [(one[0], "first", b"\0\xff")]
    assert value(payment, f"SELECT count(*) FROM {SCHEMA}.inbox") == 0


def test_an_unreadable_message_is_kept_once_by_its_place(payment):
    deadletter(payment, SCHEMA, (None, None))
    deadletter(payment, SCHEMA, (None, None))
    assert value(payment, f"SELECT count(*) FROM {SCHEMA}.deadletter") == 1


def purge(session, hours, limit=100):
    return value(session, f"SELECT {SCHEMA}.inbox_purge(%s, %s)", hours * 3_600_000, limit)


def aged(hours):
    return uuid7(age_ms=int(hours * 3_600_000)), uuid7()


def test_old_events_are_forgotten_a_piece_at_a_time_and_young_ones_kept(payment):
    rows(payment, f"INSERT INTO {SCHEMA}.inbox SELECT unnest(%s::uuid[])", [aged(337)[0] for _ in range(5)])
    young = aged(335), aged(0)
    claim(payment, SCHEMA, *young)
    assert [purge(payment, 336, limit=3) for _ in range(3)] == [3, 2, 0]
    assert claim(payment, SCHEMA, *young) == [DUPLICATE, DUPLICATE]


def test_an_event_that_was_claimed_late_is_remembered_from_then_on(payment):
    late = aged(400)
    assert claim(payment, SCHEMA, late) == [FRESH]
    assert purge(payment, 336) == 0
    assert claim(payment, SCHEMA, late) == [DUPLICATE]
    rows(payment, f"UPDATE {SCHEMA}.inbox SET late_at = late_at - interval '337 hours'")
    assert purge(payment, 336) == 1


def test_a_letter_older_than_the_inbox_remembers_is_replayed_and_not_forgotten(payment):
    old = aged(400)
    deadletter(payment, SCHEMA, old)
    letter, = ids_of(payment, old)
    assert claim_letters(payment, letter) == [FRESH]
    settle(payment, done=[letter])
    assert purge(payment, 336) == 0
    assert claim(payment, SCHEMA, old) == [DUPLICATE]


def test_one_session_purges_at_a_time(connect):
    first, second = connect(SCHEMA), connect(SCHEMA, autocommit=True)
    rows(second, f"INSERT INTO {SCHEMA}.inbox SELECT unnest(%s::uuid[])", [aged(400)[0] for _ in range(4)])
    assert purge(first, 336, limit=2) == 2
    assert purge(second, 336) == 0
    first.commit()
    assert purge(second, 336) == 2


def test_purging_reads_no_more_of_the_index_than_it_takes(payment):
    rows(payment, f"INSERT INTO {SCHEMA}.inbox SELECT gen_random_uuid() FROM generate_series(1, 2000)")
    plan = "\n".join(row[0] for row in rows(payment, f"EXPLAIN SELECT event_id FROM {SCHEMA}.inbox WHERE event_id < %s"
                                           " AND (late_at IS NULL OR late_at < now()) ORDER BY event_id LIMIT 10", uuid7()))
    assert "Index Scan using inbox_pkey" in plan and "Sort" not in plan


def test_sizes_tell_what_lies_there(payment):
    set_aside(payment, 3)
    assert rows(payment, f"SELECT letters, letters_held FROM {SCHEMA}.runtime_sizes()") == [(1, 2)]


# ---- replay of dead letters ----

def letters(session):
    return rows(session, f"SELECT * FROM {SCHEMA}.deadletter ORDER BY id")


def ids_of(session, *events):
    found = {letter.event_id: letter.id for letter in letters(session)}
    return [found[event_id] for event_id, _ in events]


def ask(session, *ids):
    return value(session, f"SELECT {SCHEMA}.deadletter_replay(%s)", list(ids))


def due(session, never_held="order.cancelled"):
    return [row.id for row in rows(session, f"SELECT * FROM {SCHEMA}.deadletter_due(50, %s)", never_held)]


def claim_letters(session, *ids, never_held=False):
    found = rows(session, f"SELECT * FROM {SCHEMA}.deadletter_claim(%s, %s)", list(ids), [never_held for _ in ids])
    assert [row.ord for row in found] == list(range(1, len(ids) + 1))
    return [row.verdict for row in found]


def settle(session, done=(), back=(), held=False):
    rows(session, f"SELECT {SCHEMA}.deadletter_settle(%s::bigint[], %s::bigint[], %s::text[], %s::boolean[])",
         list(done), list(back), ["again" for _ in back], [held for _ in back])


def set_aside(session, count):
    """An event at fault and others of its order held behind it: the events and their letters' ids."""
    order = uuid7()
    events = [event(order) for _ in range(count)]
    deadletter(session, SCHEMA, events[0])
    deadletter(session, SCHEMA, *events[1:], held=True)
    return events, ids_of(session, *events)


def test_a_letter_is_due_once_asked_for_and_those_behind_it_once_it_is_gone(payment):
    events, (first, second, third) = set_aside(payment, 3)
    assert due(payment) == []
    assert ask(payment, first) == 1
    assert due(payment) == [first]
    assert claim_letters(payment, first) == [FRESH]
    settle(payment, done=[first])
    assert due(payment) == [second, third]
    assert claim_letters(payment, second, third) == [FRESH, FRESH]
    settle(payment, done=[second, third])
    assert letters(payment) == []
    assert claim(payment, SCHEMA, *events) == [DUPLICATE] * 3


def test_a_letter_behind_another_waits_whoever_asks(payment):
    _, (first, second) = set_aside(payment, 2)
    ask(payment, second)
    assert due(payment) == []
    assert due(payment, never_held="t") == [second]
    assert claim_letters(payment, second) == [HELD]
    assert claim_letters(payment, second, never_held=True) == [FRESH]
    ask(payment, first)
    assert due(payment) == [first, second]


def test_a_letter_that_fails_again_goes_back_with_its_reason(payment):
    events, (first, second) = set_aside(payment, 2)
    ask(payment, first, second)
    assert claim_letters(payment, first) == [FRESH]
    settle(payment, back=[first])
    assert claim_letters(payment, second) == [HELD]
    settle(payment, back=[second], held=True)
    assert [(letter.reason, letter.attempts, letter.held, letter.replay_at) for letter in letters(payment)] == [
        ("again", 2, False, None), ("again", 0, True, None)]
    assert due(payment) == []
    assert claim(payment, SCHEMA, *events) == [HELD, HELD], "the claims are taken back"


def test_replaying_what_is_gone_or_applied_changes_nothing(payment):
    (one,), (letter,) = set_aside(payment, 1)
    assert claim_letters(payment, letter, 4711) == [FRESH, DUPLICATE]
    settle(payment, done=[letter])
    assert claim_letters(payment, letter) == [DUPLICATE]
    deadletter(payment, SCHEMA, event(one[1]))
    rows(payment, f"INSERT INTO {SCHEMA}.inbox SELECT event_id FROM {SCHEMA}.deadletter")  # applied by another way
    left, = [row.id for row in letters(payment)]
    assert claim_letters(payment, left) == [DUPLICATE]
    assert ask(payment, 4711) == 0


def test_an_event_that_comes_while_its_order_is_replayed_waits_and_is_not_left_behind(connect):
    worker, other = connect(SCHEMA), connect(SCHEMA)
    events, (first,) = set_aside(worker, 1)
    worker.commit()
    assert claim_letters(worker, first) == [FRESH]
    later = event(events[0][1])
    verdicts = []
    waiting = threading.Thread(target=lambda: verdicts.extend(claim(other, SCHEMA, later)))
    waiting.start()
    settle(worker, done=[first])
    worker.commit()
    waiting.join()
    assert verdicts == [FRESH]


def test_an_event_held_while_a_replay_begins_follows_it(connect):
    worker, other = connect(SCHEMA), connect(SCHEMA)
    events, (first,) = set_aside(worker, 1)
    worker.commit()
    later = event(events[0][1])
    assert claim(other, SCHEMA, later) == [HELD]
    deadletter(other, SCHEMA, later, held=True)
    verdicts = []
    waiting = threading.Thread(target=lambda: verdicts.extend(claim_letters(worker, first)))
    waiting.start()
    other.commit()
    waiting.join()
    assert verdicts == [FRESH]
    settle(worker, done=[first])
    assert due(worker) == ids_of(worker, later)


def test_discarding_lets_those_behind_follow_and_counts_as_applied(payment):
    events, (first, second) = set_aside(payment, 2)
    assert value(payment, f"SELECT {SCHEMA}.deadletter_discard(%s)", [first]) == 1
    assert due(payment) == [second]
    assert claim(payment, SCHEMA, events[0]) == [DUPLICATE]


@pytest.mark.parametrize("function", ["deadletter_replay", "deadletter_discard"])
def test_own_events_go_back_to_the_outbox_with_those_behind_them(payment, function):
    order = uuid7()
    sent = append(payment, SCHEMA, order, order, order)
    rows(payment, f"SELECT {SCHEMA}.outbox_park(%s, 'too large')", read(payment, SCHEMA)[0].seq)
    assert read(payment, SCHEMA) == []
    first = letters(payment)[0].id
    assert value(payment, f"SELECT {SCHEMA}.{function}(%s)", [first]) == (3 if function == "deadletter_replay" else 1)
    expected = sent if function == "deadletter_replay" else sent[1:]
    assert [row.id for row in read(payment, SCHEMA)] == expected
    assert read(payment, SCHEMA)[0].payload == '{"a":  1}'
    assert letters(payment) == []


# ---- outbox ----

def test_events_are_read_in_the_order_appended_and_as_written(payment):
    orders = [uuid7() for _ in range(3)]
    ids = append(payment, SCHEMA, *orders[::-1])
    found = read(payment, SCHEMA)
    assert [row.id for row in found] == ids
    assert [row.order_id for row in found] == orders[::-1]
    assert found[0].payload == '{"a":  1}'
    assert [row.seq for row in found] == sorted(row.seq for row in found)


def test_reading_leaves_out_what_is_in_flight_or_below_the_floor(payment):
    append(payment, SCHEMA, *[uuid7() for _ in range(30)])
    seqs = [row.seq for row in read(payment, SCHEMA)]
    assert [row.seq for row in read(payment, SCHEMA, in_flight=seqs[1:20])] == [seqs[0], *seqs[20:]]
    assert [row.seq for row in read(payment, SCHEMA, floor=seqs[10], limit=5)] == seqs[10:15]


def test_deleted_events_are_gone(payment):
    append(payment, SCHEMA, uuid7(), uuid7(), uuid7())
    seqs = [row.seq for row in read(payment, SCHEMA)]
    rows(payment, f"SELECT {SCHEMA}.outbox_delete(%s)", seqs[:2])
    assert [row.seq for row in read(payment, SCHEMA)] == seqs[2:]


def test_parking_takes_the_later_events_of_the_order_along(payment):
    order, other = uuid7(), uuid7()
    append(payment, SCHEMA, order, order, other, order)
    seqs = [row.seq for row in read(payment, SCHEMA)]
    assert value(payment, f"SELECT {SCHEMA}.outbox_park(%s, 'too large')", seqs[1]) == 2
    assert [row.seq for row in read(payment, SCHEMA)] == [seqs[0], seqs[2]]
    letters = rows(payment, f"SELECT * FROM {SCHEMA}.deadletter ORDER BY id")
    assert [(letter.order_id, letter.outbound, letter.held) for letter in letters] == [(order, True, False),
                                                                                       (order, True, True)]
    assert claim(payment, SCHEMA, event(order)) == [FRESH], "what can't be sent holds up nothing that is received"


def test_parking_what_is_gone_does_nothing(payment):
    assert value(payment, f"SELECT {SCHEMA}.outbox_park(4711, 'too large')") == 0


def test_the_age_of_the_outbox_is_that_of_the_event_first_in_line(payment):
    assert value(payment, f"SELECT {SCHEMA}.outbox_oldest_age_ms()") == 0
    old = uuid7(age_ms=90_000)
    rows(payment, f"SELECT {SCHEMA}.outbox_append(%s, '{{orders}}', %s, '{{t}}', '{{1}}', '{{x}}')", [old], [uuid7()])
    append(payment, SCHEMA, uuid7())
    assert 90_000 <= value(payment, f"SELECT {SCHEMA}.outbox_oldest_age_ms()") < 100_000


# ---- what the relay relies on ----

def horizon(session):
    return rows(session, f"SELECT * FROM {SCHEMA}.outbox_horizon()")[0]


def test_one_session_leads_an_outbox_and_each_outbox_has_its_own(connect):
    a, b, other = connect(SCHEMA), connect(SCHEMA), connect("inventory")
    assert value(a, f"SELECT {SCHEMA}.outbox_lead()") is True
    assert value(b, f"SELECT {SCHEMA}.outbox_lead()") is False
    assert value(other, "SELECT inventory.outbox_lead()") is True
    assert value(a, "SHOW idle_session_timeout") == "5s"
    a.close()
    while not value(b, f"SELECT {SCHEMA}.outbox_lead()"):
        pass  # the server takes a moment to see that the session is gone


def test_the_horizon_waits_for_each_transaction_that_may_hold_a_number(connect):
    relay = connect(SCHEMA, autocommit=True)
    busy = [connect(SCHEMA) for _ in range(3)]
    for session in busy:
        append(session, SCHEMA, uuid7())
    mark = horizon(relay)
    for session in busy:
        assert horizon(relay).oldest_xid < mark.next_xid
        session.commit()
    later = horizon(relay)
    assert later.oldest_xid >= mark.next_xid
    assert mark.last_seq == max(row.seq for row in read(relay, SCHEMA)), "and by then all rows up to the mark are there"


def test_a_transaction_that_appends_after_the_mark_gets_numbers_beyond_it(connect):
    relay, late = connect(SCHEMA, autocommit=True), connect(SCHEMA)
    rows(late, "SELECT 1")
    append(relay, SCHEMA, uuid7())
    mark = horizon(relay)
    append(late, SCHEMA, uuid7())
    late.commit()
    assert [row.seq > mark.last_seq for row in read(relay, SCHEMA)] == [False, True]


def test_the_horizon_of_a_new_outbox_is_before_its_first_number(cluster):
    cluster.migrate(database="fresh")
    with cluster.connect(database="fresh") as fresh:
        assert horizon(fresh).last_seq == 0
        append(fresh, SCHEMA, uuid7())
        assert horizon(fresh).last_seq == 1
    fresh.close()


def test_a_payload_that_is_not_json_is_refused(payment):
    with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
        rows(payment, f"SELECT {SCHEMA}.outbox_append(%s, '{{orders}}', %s, '{{t}}', '{{nonsense}}', '{{x}}')",
             [uuid.uuid4()], [uuid.uuid4()])
