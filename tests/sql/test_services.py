"""The SQL functions of payment, inventory, fulfillment and notification, called as their workers call them.

Fixtures: connect(schema) opens a session of that service's own role with its search_path; admin is a session of the
administrator.
"""
import threading
import time
import uuid

import psycopg2
import pytest

# Schema, table, lock function, and a save of one order in its first decided state.
SERVICES = [
    ("payment", "charge", "lock_charges",
     "SELECT save_charges(ARRAY[%s]::uuid[], '{authorized}', '{USD}', '{1022}', '{0}', ARRAY['[]'], '{NULL}')",
     "authorized"),
    ("inventory", "reservation", "lock_reservations",
     "SELECT save_reservations(ARRAY[%s]::uuid[], '{cancelled}', '{NULL}', '{NULL}', '{NULL}', '{}', '{}', '{}', '{}')",
     "cancelled"),
    ("fulfillment", "shipment", "lock_shipments",
     "SELECT save_shipments(ARRAY[%s]::uuid[], '{rejected}', '{NULL}', '{NULL}', '{NULL}', '{refused}')", "rejected"),
    ("notification", "conversation", "lock_conversations",
     "SELECT record_conversations(ARRAY[%s]::uuid[], '{confirmed}', '{}', '{}', '{}', '{}')", "confirmed"),
]
each_service = pytest.mark.parametrize("schema, table, lock, save, saved", SERVICES, ids=[s[0] for s in SERVICES])


def new_ids(count):
    return sorted(str(uuid.uuid4()) for _ in range(count))


def call(session, sql, *args):
    with session.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall()


def lock_rows(session, lock, ids):
    return call(session, f"SELECT * FROM {lock}(%s::uuid[])", ids)


def in_background(work):
    """Starts WORK in a thread; its outcome is in the list returned, an exception if it raised one."""
    outcome = []

    def run():
        try:
            outcome.append(work())
        except psycopg2.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def wait_until_blocked(observer, session):
    deadline = time.monotonic() + 10
    while not call(observer, "SELECT cardinality(pg_blocking_pids(%s)) > 0", session.info.backend_pid)[0][0]:
        assert time.monotonic() < deadline, "the session was expected to wait for a lock"
        time.sleep(0.01)


# ---- one row an order ----


@each_service
def test_rows_that_do_not_exist_are_made_and_come_back_in_id_order(connect, schema, table, lock, save, saved):
    ids = new_ids(20)
    rows = lock_rows(connect(schema), lock, list(reversed(ids)) + ids[:3])
    assert [row[0] for row in rows] == ids
    assert {row[1] for row in rows} == {"new"}


@each_service
def test_a_second_batch_waits_for_the_first_and_sees_what_it_decided(connect, schema, table, lock, save, saved):
    ids = new_ids(3)
    first, second, observer = connect(schema), connect(schema), connect(schema)
    lock_rows(first, lock, ids)
    thread, outcome = in_background(lambda: lock_rows(second, lock, ids))
    wait_until_blocked(observer, second)
    call(first, save, ids[1])
    first.commit()
    thread.join(10)
    assert [row[1] for row in outcome[0]] == ["new", saved, "new"]


@each_service
def test_batches_with_the_same_orders_never_deadlock(connect, schema, table, lock, save, saved):
    ids = new_ids(30)

    def rounds(session, order):
        for _ in range(30):
            lock_rows(session, lock, order)
            session.commit()
        return "done"

    sessions = [connect(schema) for _ in range(3)]
    running = [in_background(lambda s=s, o=o: rounds(s, o))
               for s, o in zip(sessions, (ids, list(reversed(ids)), ids[10:] + ids[:10]), strict=True)]
    for thread, _ in running:
        thread.join(30)
    assert [outcome for _, outcome in running] == [["done"]] * 3


@each_service
def test_rows_are_written_together_or_not_at_all(connect, schema, table, lock, save, saved):
    ids = new_ids(1)
    session = connect(schema)
    lock_rows(session, lock, ids)
    call(session, save, ids[0])
    session.rollback()
    assert call(session, f"SELECT count(*) FROM {table} WHERE order_id = %s", ids[0]) == [(0,)]


def test_a_refund_is_the_whole_charge_or_nothing(connect):
    ids = new_ids(1)
    session = connect("payment")
    lock_rows(session, "lock_charges", ids)
    with pytest.raises(psycopg2.errors.CheckViolation):
        call(session, "SELECT save_charges(%s::uuid[], '{refunded}', '{USD}', '{1022}', '{1021}', ARRAY['[]'], '{NULL}')",
             ids)


def test_a_kind_of_message_is_recorded_once_an_order(connect):
    ids = new_ids(1)
    session = connect("notification")
    say = "SELECT record_conversations(%s::uuid[], '{confirmed}', %s::uuid[], '{confirmation}', '{log}', '{sent}')"
    lock_rows(session, "lock_conversations", ids)
    call(session, say, ids, ids)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        call(session, say, ids, ids)


def test_programs_of_the_release_before_still_record_what_they_said(connect):
    ids = new_ids(1)
    session = connect("notification")
    lock_rows(session, "lock_conversations", ids)
    call(session, "SELECT save_conversations(%s::uuid[], '{confirmed}', %s::uuid[], '{confirmation}', '{log}')", ids, ids)
    look = "SELECT state::text, sent_at IS NOT NULL FROM message WHERE order_id = %s"
    assert call(session, look, ids[0]) == [("sent", True)]


@pytest.mark.parametrize("settled, sent", [("sent", True), ("failed", False)])
def test_a_mail_counts_as_sent_once_it_was(connect, settled, sent):
    ids = new_ids(1)
    session = connect("notification")
    lock_rows(session, "lock_conversations", ids)
    call(session, "SELECT record_conversations(%s::uuid[], '{confirmed}', %s::uuid[], '{confirmation}', '{smtp}',"
                  " '{waiting}')", ids, ids)
    look = "SELECT state::text, sent_at IS NOT NULL FROM message WHERE order_id = %s"
    assert call(session, look, ids[0]) == [("waiting", False)]
    call(session, "SELECT settle_messages(%s::uuid[], '{confirmation}', %s)", ids, [settled])
    assert call(session, look, ids[0]) == [(settled, sent)]


# ---- stock ----


@pytest.fixture
def skus(admin):
    """Ten SKUs of this test alone, ten thousand thousandths each, in no particular order."""
    names = [f"T-{uuid.uuid4()}" for _ in range(10)]
    with admin.cursor() as cursor:
        cursor.execute("INSERT INTO inventory.stock (sku, on_hand) SELECT unnest(%s), 10000", (names,))
    admin.commit()
    return names


def stock_of(session, sku):
    return call(session, "SELECT on_hand, reserved, shipped FROM stock WHERE sku = %s", sku)[0]


def save_reservations(session, ids, state, movements):
    """MOVEMENTS: (order id, sku, kind, quantity) each."""
    columns = [list(column) for column in zip(*movements, strict=True)] or [[], [], [], []]
    call(session, "SELECT save_reservations(%s::uuid[], %s, %s, %s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[],"
                  " %s::bigint[])",
         ids, [state] * len(ids), ["[]"] * len(ids), [None] * len(ids), [None] * len(ids), *columns)


def test_stock_comes_back_once_a_sku_in_byte_order_without_unknown_ones(connect, skus):
    rows = call(connect("inventory"), "SELECT * FROM lock_stock(%s)", skus + skus + ["T-unknown"])
    assert rows == [(sku, 10000) for sku in sorted(skus)]


def test_a_batch_writes_each_sku_once_with_its_sum(connect, skus):
    ids = new_ids(50)
    session = connect("inventory")
    lock_rows(session, "lock_reservations", ids)
    call(session, "SELECT * FROM lock_stock(%s)", skus[:2])
    save_reservations(session, ids, "reserved", [(order, sku, "reserved", 3) for order in ids for sku in skus[:2]])
    assert call(session, "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = 'stock'::regclass") == [(2,)]
    assert stock_of(session, skus[0]) == stock_of(session, skus[1]) == (9850, 150, 0)


def test_stock_follows_the_ledger_through_a_reservation_s_life(connect, skus):
    shipped, released = new_ids(2)
    session = connect("inventory")
    lock_rows(session, "lock_reservations", [shipped, released])
    save_reservations(session, [shipped, released], "reserved",
                      [(shipped, skus[0], "reserved", 4000), (released, skus[0], "reserved", 6000)])
    assert stock_of(session, skus[0]) == (0, 10000, 0)
    save_reservations(session, [shipped], "shipped", [(shipped, skus[0], "shipped", 4000)])
    save_reservations(session, [released], "released", [(released, skus[0], "released", 6000)])
    assert stock_of(session, skus[0]) == (6000, 0, 4000)


def test_stock_below_none_is_refused(connect, skus):
    ids = new_ids(1)
    session = connect("inventory")
    lock_rows(session, "lock_reservations", ids)
    with pytest.raises(psycopg2.errors.CheckViolation):
        save_reservations(session, ids, "reserved", [(ids[0], skus[0], "reserved", 10001)])


def test_nothing_is_reserved_twice_for_an_order(connect, skus):
    ids = new_ids(1)
    session = connect("inventory")
    lock_rows(session, "lock_reservations", ids)
    save_reservations(session, ids, "reserved", [(ids[0], skus[0], "reserved", 1)])
    with pytest.raises(psycopg2.errors.UniqueViolation):
        save_reservations(session, ids, "reserved", [(ids[0], skus[0], "reserved", 1)])


def test_a_movement_without_stock_is_refused(connect):
    ids = new_ids(1)
    session = connect("inventory")
    lock_rows(session, "lock_reservations", ids)
    with pytest.raises(psycopg2.errors.RaiseException, match="1 of 1 SKUs with movements have no stock row"):
        save_reservations(session, ids, "reserved", [(ids[0], "T-nowhere", "reserved", 1)])


@pytest.mark.parametrize("statement", ["UPDATE movement SET quantity = 1", "DELETE FROM movement", "TRUNCATE movement"])
def test_the_service_can_only_add_to_its_ledger(connect, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), connect("inventory").cursor() as cursor:
        cursor.execute(statement)


def test_four_sessions_sell_no_piece_more_than_there_is(connect, skus):
    """Each reserves one piece of a scarce SKU (ten there are) and of another, SKUs named in changing order."""
    scarce = skus[0]

    def sell(session, turn):
        sold = 0
        for i in range(8):
            ids, wanted = new_ids(2), [scarce, skus[1 + (turn + i) % 9]]
            lock_rows(session, "lock_reservations", ids)
            shelves = dict(call(session, "SELECT * FROM lock_stock(%s)", wanted if i % 2 else wanted[::-1]))
            movements = []
            for order in ids:
                if all(shelves[sku] >= 1000 for sku in wanted):
                    for sku in wanted:
                        shelves[sku] -= 1000
                        movements.append((order, sku, "reserved", 1000))
            reserved = sorted({movement[0] for movement in movements})
            save_reservations(session, reserved, "reserved", movements)
            session.commit()
            sold += len(reserved)
        return sold

    sessions = [connect("inventory") for _ in range(4)]
    running = [in_background(lambda s=session, t=turn: sell(s, t)) for turn, session in enumerate(sessions)]
    for thread, _ in running:
        thread.join(30)
    assert sum(outcome[0] for _, outcome in running) == 10
    assert stock_of(connect("inventory"), scarce) == (0, 10000, 0)


def test_demo_stock_is_there_and_one_sku_is_sold_out(connect):
    session = connect("inventory")
    assert call(session, "SELECT count(*) FROM stock WHERE sku ~ '^SKU-[0-9]+$' AND on_hand + reserved + shipped = 10 ^ 12"
                         " AND substr(sku, 5)::int BETWEEN 1 AND 1002") == [(1002,)]
    assert stock_of(session, "SKU-SOLDOUT") == (0, 0, 0)
