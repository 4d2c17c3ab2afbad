"""payment's books: what save_charges puts into them, and what they refuse."""
import json

import psycopg2
import pytest
from test_orderctl import orderctl

from calls import rows, uuid7, value


@pytest.fixture
def payment(connect):
    return connect("payment", autocommit=True)


@pytest.fixture(autouse=True)
def empty_books(admin):
    yield
    admin.rollback()
    rows(admin, "TRUNCATE payment.charge, payment.ledger_transaction, payment.ledger_posting")
    admin.commit()


def save(session, state, *order_ids, amount=1022, currency="USD"):
    taken = state in ("authorized", "refunding", "refunded", "compensation_failed", "charging")
    n = len(order_ids)
    rows(session, "SELECT lock_charges(%s)", list(order_ids))
    rows(session, "SELECT save_charges(%s, %s, %s, %s::bigint[], %s::bigint[], %s, %s)", list(order_ids), [state] * n,
         [None if state == "cancelled" else currency] * n, [amount] * n, [amount if state == "refunded" else 0] * n,
         ["[]" if taken else None] * n, ["no" if state == "declined" else None] * n)


def postings(session, order_id):
    return [tuple(row) for row in rows(
        session, "SELECT kind::text, account::text, amount_minor FROM ledger_posting WHERE order_id = %s"
                 " ORDER BY kind, amount_minor", order_id)]


AUTHORIZED = [("authorized", "customer", -1022), ("authorized", "clearing", 1022)]
CAPTURED = [("captured", "clearing", -1022), ("captured", "revenue", 1022)]
REFUNDED = [("refunded", "revenue", -1022), ("refunded", "customer", 1022)]


def test_a_charge_goes_from_the_customer_by_clearing_to_revenue_and_a_refund_back(payment):
    order = uuid7()
    save(payment, "charging", order)
    assert postings(payment, order) == []
    save(payment, "authorized", order)
    assert postings(payment, order) == AUTHORIZED + CAPTURED
    save(payment, "refunding", order)
    assert postings(payment, order) == AUTHORIZED + CAPTURED
    save(payment, "refunded", order)
    assert postings(payment, order) == AUTHORIZED + CAPTURED + REFUNDED


def test_what_came_late_and_goes_back_at_once_is_in_the_books_all_the_same(payment):
    order = uuid7()
    save(payment, "refunding", order)
    assert postings(payment, order) == AUTHORIZED + CAPTURED


@pytest.mark.parametrize("state", ["declined", "cancelled", "charging", "compensation_failed"])
def test_where_no_money_is_known_to_have_moved_there_is_nothing_in_the_books(payment, state):
    order = uuid7()
    save(payment, state, order, amount=0 if state == "cancelled" else 1022)
    assert postings(payment, order) == []


def test_saving_again_adds_nothing(payment):
    order = uuid7()
    for _ in range(3):
        save(payment, "refunded", order)
    assert postings(payment, order) == AUTHORIZED + CAPTURED + REFUNDED


def test_a_batch_is_entered_whole_and_balances_by_currency(payment):
    save(payment, "authorized", *[uuid7() for _ in range(50)])
    save(payment, "refunded", *[uuid7() for _ in range(20)], currency="EUR")
    assert [tuple(row) for row in rows(payment, "SELECT * FROM ledger_balances()")] == [
        ("customer", "EUR", 0), ("clearing", "EUR", 0), ("revenue", "EUR", 0),
        ("customer", "USD", -50 * 1022), ("clearing", "USD", 0), ("revenue", "USD", 50 * 1022)]


@pytest.mark.parametrize("amounts", [(-5, 4), (5, 5), (0,)])
def test_a_transaction_that_does_not_balance_is_refused(payment, amounts):
    accounts = ["customer", "clearing"][:len(amounts)]
    with pytest.raises(psycopg2.errors.CheckViolation, match="sum to zero"):
        rows(payment, "INSERT INTO ledger_posting"
                      " SELECT %s, 'authorized', unnest(%s::ledger_account[]), unnest(%s::bigint[])",
             uuid7(), accounts, list(amounts))


@pytest.mark.parametrize("table", ["ledger_transaction", "ledger_posting"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET order_id = order_id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_service_can_only_add_to_the_books(payment, statement, table):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(payment, statement.format(table))


def give_up(session, order_id, kind="refund"):
    effect = uuid7()
    rows(session, "INSERT INTO effect (id, kind, order_id, payload, traceparent, due_at, gave_up_at, error)"
                  " VALUES (%s, %s, %s, '{}', '', now(), now(), 'no answer')", effect, kind, order_id)
    return effect


def test_compensations_that_failed_are_listed_with_the_call_and_can_be_tried_again(admin, payment):
    failed, fine = uuid7(), uuid7()
    save(payment, "compensation_failed", failed)
    save(payment, "refunded", fine)
    effect = give_up(payment, failed)
    try:
        listed, = rows(payment, "SELECT * FROM failed_compensations(10)")
        assert (listed.order_id, listed.state, listed.amount_minor, listed.effect_id, listed.kind, listed.error) == (
            failed, "compensation_failed", 1022, effect, "refund", "no answer")
        assert value(payment, "SELECT retry_compensations(%s)", [fine]) == 0
        assert value(payment, "SELECT retry_compensations('{}')") == 1
        assert value(payment, "SELECT count(*) FROM effect_lease('refund', 10, 1000)") == 1
    finally:
        rows(admin, "TRUNCATE payment.effect")
        admin.commit()


def test_an_operator_lists_them_and_has_them_tried_again(cluster, admin, payment):
    def operator(*words):
        return orderctl("compensation", *words, DATABASE_URL=cluster.url())

    assert operator("list").returncode == 0
    failed = uuid7()
    save(payment, "compensation_failed", failed)
    give_up(payment, failed)
    try:
        listed = operator("list", "--json")
        assert listed.returncode == 1
        row, = json.loads(listed.stdout)
        assert (row["orderId"], row["call"], row["error"]) == (str(failed), "refund", "no answer")
        assert operator("retry").returncode == operator("retry", "--all", str(failed)).returncode == 64
        assert operator("retry", str(failed)).stdout == "calls made again: 1\n"
        again = operator("retry", "--all", "--json")
        assert (again.returncode, json.loads(again.stdout)) == (1, {"retried": 0})
    finally:
        rows(admin, "TRUNCATE payment.effect")
        admin.commit()
