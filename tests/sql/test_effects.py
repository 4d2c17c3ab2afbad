"""The effect functions of sql/runtime/functions.sql: calls to be made, leased, ended, given up and asked for again."""
import pytest

from calls import TRACEPARENT, rows, uuid7, value

LEASE_MS = 60_000


@pytest.fixture
def payment(connect):
    return connect("payment", autocommit=True)


@pytest.fixture(autouse=True)
def no_effects(admin):
    yield
    admin.rollback()
    rows(admin, "TRUNCATE payment.effect")
    admin.commit()


def add(session, count=1, kind="charge", delay_ms=0):
    ids = [uuid7() for _ in range(count)]
    rows(session, "SELECT effect_add(%s, %s, %s, %s, %s, %s::bigint[])", ids, [kind] * count, [uuid7() for _ in ids],
         ['{"a":  1}'] * count, [TRACEPARENT] * count, [delay_ms] * count)
    return ids


def lease(session, limit=100, kind="charge", lease_ms=LEASE_MS):
    return rows(session, "SELECT * FROM effect_lease(%s, %s, %s)", kind, limit, lease_ms)


def claim(session, *leased):
    return [row.ord for row in rows(session, "SELECT * FROM effect_claim(%s::uuid[], %s::bigint[])",
                                    [row.id for row in leased], [row.lease for row in leased])]


def postpone(session, row, delay_ms, error="no answer"):
    rows(session, "SELECT effect_postpone(%s::uuid[], %s, %s::bigint[], %s)", [row.id], [row.lease], [delay_ms], [error])


def backlog(session, kind="charge"):
    return tuple(rows(session, "SELECT * FROM effect_backlog(%s)", kind)[0])


def test_a_call_is_leased_once_with_what_was_written(payment):
    one, = add(payment)
    row, = lease(payment)
    assert (row.id, row.lease, row.payload, row.traceparent, row.attempts) == (one, 1, '{"a":  1}', TRACEPARENT, 1)
    assert lease(payment) == []


def test_a_call_waits_for_its_delay_and_for_its_kind(payment):
    add(payment, delay_ms=3_600_000)
    add(payment, kind="refund")
    assert lease(payment) == []
    assert backlog(payment) == (1, 0)


def test_what_was_due_first_is_called_first_and_no_more_than_asked_for(payment):
    early, late = add(payment), add(payment)
    assert [row.id for row in lease(payment, 1)] == early
    assert [row.id for row in lease(payment, 1)] == late


def test_two_pumps_share_the_calls(connect, payment):
    ids = add(payment, 10)
    first, second = connect("payment"), connect("payment")
    taken = [row.id for row in lease(first, 6)] + [row.id for row in lease(second, 6)]
    assert sorted(taken) == sorted(ids)


def test_a_lease_that_ran_out_is_nobodys(payment):
    add(payment)
    old, = lease(payment, lease_ms=0)
    new, = lease(payment)
    assert (new.id, new.lease, new.attempts) == (old.id, old.lease + 1, 2)
    assert claim(payment, old) == []
    postpone(payment, old, 0)
    assert lease(payment) == [], "the old holder cannot give back what is another's"
    assert claim(payment, old, new) == [2]


def test_an_end_without_error_removes_and_one_with_error_stays_for_an_operator(payment):
    add(payment, 2)
    done, failed = lease(payment)
    rows(payment, "SELECT effect_end(%s::uuid[], %s)", [done.id, failed.id], [None, "the gateway said no"])
    assert backlog(payment) == (0, 1)
    kept, = rows(payment, "SELECT * FROM effect")
    assert (kept.id, kept.error, kept.gave_up_at is None) == (failed.id, "the gateway said no", False)
    assert lease(payment) == []

    assert value(payment, "SELECT effect_retry(%s::uuid[])", [done.id, failed.id]) == 1
    again, = lease(payment)
    assert (again.id, again.attempts, again.lease) == (failed.id, 1, failed.lease + 1)
    assert value(payment, "SELECT effect_retry(%s::uuid[])", [failed.id]) == 0


def test_a_call_put_off_comes_again(payment):
    add(payment)
    row, = lease(payment)
    postpone(payment, row, 3_600_000)
    assert lease(payment) == []
    assert value(payment, "SELECT error FROM effect") == "no answer"
    postpone(payment, row, 0)
    assert lease(payment)[0].attempts == 2


def test_a_look_for_due_calls_reads_no_others(admin, payment):
    add(payment, 2000, delay_ms=3_600_000)
    add(payment)
    rows(payment, "SET plan_cache_mode = force_generic_plan")
    plan = "\n".join(row[0] for row in rows(
        payment, "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT id FROM effect WHERE kind = 'charge' AND gave_up_at IS NULL"
                 " AND due_at <= now() ORDER BY due_at LIMIT 64 FOR UPDATE SKIP LOCKED"))
    assert "Index Scan using effect_due" in plan and "Rows Removed" not in plan and "Sort" not in plan, plan
