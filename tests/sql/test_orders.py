"""sql/orders/functions.sql: creating, moving, listing."""
import threading
import uuid

import psycopg2
import pytest

from calls import BUSY, CREATED, EXISTS, TRACE, Order, counted, create, listed, move, outcomes, rows, value

WHOLE_WAY = ("PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "COMPLETED")


@pytest.fixture
def orders(connect):
    return connect("orders", autocommit=True)


# ---- create ----

def test_a_created_order_comes_with_progress_timeline_and_event(orders):
    order = Order()
    assert outcomes(create(orders, order)) == [CREATED]
    whole, = rows(orders, "SELECT * FROM orders.read_views(%s)", [order.id, uuid.uuid4()])
    assert (whole.order_id, whole.status, whole.version, whole.failure_reason) == (order.id, "PENDING", 1, None)
    assert whole.items == '[{"sku": "A",  "n": 1.50}]', "kept to the byte"
    assert whole.updated_ms == order.id.int >> 80, "created is the id's own millisecond"
    first, = rows(orders, "SELECT * FROM orders.read_timeline(%s)", order.id)
    assert (first.from_status, first.to_status, first.event_id, first.trace_id) == (None, "PENDING", order.event, TRACE)
    event, = rows(orders, "SELECT * FROM orders.outbox_read(0, '{}', 10)")
    assert (event.id, event.order_id, event.topic, event.type) == (order.event, order.id, "orders", "order.created")


def test_the_same_key_finds_the_first_order(orders):
    first = Order()
    create(orders, first)
    found, = create(orders, Order(key=first.key))
    assert (found.outcome, found.order_id, found.body_digest, found.total_minor) == (EXISTS, first.id, first.body, 102217)
    assert value(orders, "SELECT count(*) FROM orders.outbox") == 1


def test_the_same_call_again_finds_its_own_order(orders):
    order = Order()
    create(orders, order)
    assert outcomes(create(orders, order)) == [EXISTS]


def test_of_equal_keys_in_one_batch_the_first_wins(orders):
    first, other = Order(), Order()
    second = Order(key=first.key)
    found = create(orders, first, other, second)
    assert outcomes(found) == [CREATED, CREATED, EXISTS]
    assert found[2].order_id == first.id


def test_a_key_in_another_session_is_busy_until_that_commits(connect):
    a, b = connect("orders"), connect("orders", autocommit=True)
    first, second, stranger = Order(), None, Order()
    second = Order(key=first.key)
    assert outcomes(create(a, first)) == [CREATED]
    assert outcomes(create(b, second, stranger)) == [BUSY, CREATED], "and holds up nobody else"
    a.commit()
    found, = create(b, second)
    assert (found.outcome, found.order_id) == (EXISTS, first.id)


def test_a_key_is_free_again_when_its_holder_rolls_back(connect):
    a, b = connect("orders"), connect("orders", autocommit=True)
    order = Order()
    create(a, order)
    a.rollback()
    assert outcomes(create(b, Order(key=order.key))) == [CREATED]


def test_batches_with_the_same_keys_in_opposite_order_never_deadlock(connect):
    keys = [uuid.uuid4() for _ in range(300)]
    found = []

    def work(mine):
        session = connect("orders", autocommit=True)
        for at in range(0, len(mine), 10):
            found.extend(create(session, *[Order(key=key) for key in mine[at:at + 10]]))

    threads = [threading.Thread(target=work, args=(order,)) for order in (keys, keys[::-1], keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 * len(keys), "no call failed"
    assert outcomes(found).count(CREATED) == len(keys)


def test_one_bad_order_creates_nothing_of_its_batch(orders):
    with pytest.raises(psycopg2.errors.CheckViolation):
        create(orders, Order(), Order(total_minor=-1))
    assert counted(orders) == 0


def test_the_secret_has_32_bytes_and_stays(orders):
    secret = bytes(value(orders, "SELECT orders.read_secret()"))
    assert len(secret) == 32
    assert bytes(value(orders, "SELECT orders.read_secret()")) == secret


# ---- move ----

def test_an_order_walks_to_its_end_in_one_call(orders):
    order = Order()
    create(orders, order)
    move(orders, order, 2, *WHOLE_WAY)
    whole, = rows(orders, "SELECT * FROM orders.read_views(%s)", [order.id])
    assert (whole.status, whole.version) == ("COMPLETED", 5)
    timeline = rows(orders, "SELECT * FROM orders.read_timeline(%s)", order.id)
    assert [step.to_status for step in timeline] == list(WHOLE_WAY)
    assert timeline[-1].at_ms == whole.updated_ms


def test_a_cancelled_order_tells_why(orders):
    order = Order()
    create(orders, order)
    move(orders, order, 2, "PENDING", "PAYMENT", "CANCELLED", reason="payment_declined")
    whole, = rows(orders, "SELECT * FROM orders.read_views(%s)", [order.id])
    assert (whole.status, whole.version) == ("CANCELLED", 3)
    assert (whole.failure_reason, whole.failed_sku) == ("payment_declined", None)


def test_an_order_out_of_stock_names_what_could_not_be_had(orders):
    order = Order()
    create(orders, order)
    move(orders, order, 2, "PENDING", "PAYMENT", "INVENTORY", "CANCELLED", reason="out_of_stock", failed_sku="SKU-9")
    whole, = rows(orders, "SELECT * FROM orders.read_views(%s)", [order.id])
    assert (whole.failure_reason, whole.failed_sku) == ("out_of_stock", "SKU-9")


@pytest.mark.parametrize("version, states, why", [
    (3, ("PENDING", "PAYMENT"), "a version left out"),
    (2, ("PAYMENT", "INVENTORY"), "another state than the stored one"),
])
def test_a_move_that_does_not_follow_is_refused_whole(orders, version, states, why):
    order = Order()
    create(orders, order)
    with pytest.raises(psycopg2.errors.RaiseException):
        move(orders, order, version, *states)
    assert len(rows(orders, "SELECT * FROM orders.read_timeline(%s)", order.id)) == 1, why


@pytest.mark.parametrize("states", [
    ("PENDING", "INVENTORY"), ("PENDING", "PENDING"), ("PENDING", "COMPLETED"),
    ("PENDING", "CANCELLED", "PAYMENT"), (*WHOLE_WAY, "CANCELLED"),
])
def test_moves_that_are_not_in_the_table_are_refused(orders, states):
    order = Order()
    create(orders, order)
    with pytest.raises(psycopg2.errors.CheckViolation):
        move(orders, order, 2, *states, reason="timed_out")


def test_a_move_to_a_version_taken_is_refused(orders):
    order = Order()
    create(orders, order)
    move(orders, order, 2, "PENDING", "PAYMENT")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        move(orders, order, 2, "PENDING", "PAYMENT")


def test_moves_before_the_last_leave_the_indexes_alone(admin, orders):
    batch = [Order() for _ in range(50)]
    create(orders, *batch)
    before = value(orders, "SELECT pg_stat_get_tuples_hot_updated('orders.progress'::regclass)")
    for order in batch:
        move(orders, order, 2, "PENDING", "PAYMENT")
        move(orders, order, 3, "PAYMENT", "INVENTORY")
    rows(orders, "SELECT pg_stat_force_next_flush()")
    assert value(orders, "SELECT pg_stat_get_tuples_hot_updated('orders.progress'::regclass)") - before == 100


def test_locking_takes_each_order_once_and_leaves_out_unknown_ones(connect):
    a, b = connect("orders"), connect("orders")
    order = Order()
    create(a, order)
    a.commit()
    locked = rows(a, "SELECT * FROM orders.lock_orders(%s)", [order.id, uuid.uuid4(), order.id])
    assert [(row.order_id, row.status, row.version) for row in locked] == [(order.id, "PENDING", 1)]
    rows(b, "SET lock_timeout = '50ms'")
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        rows(b, "SELECT * FROM orders.lock_orders(%s)", [order.id])


# ---- list ----

@pytest.fixture
def shelf(orders):
    """Ten orders of one customer, oldest first: 0..3 completed, 4..5 cancelled, 6..9 pending; and one of another."""
    customer = uuid.uuid4()
    made = [Order(customer=customer, age_ms=100_000 - 1000 * i) for i in range(10)]
    create(orders, *made, Order(age_ms=500_000))
    for order in made[:4]:
        move(orders, order, 2, *WHOLE_WAY)
    for order in made[4:6]:
        move(orders, order, 2, "PENDING", "CANCELLED", reason="cancelled_by_customer")
    return made


def ids(some):
    return [order.id for order in reversed(some)]


@pytest.mark.parametrize("status, part", [
    (None, slice(0, 10)), ("COMPLETED", slice(0, 4)), ("CANCELLED", slice(4, 6)), ("PENDING", slice(6, 10)),
    ("PAYMENT", slice(0, 0)),
])
def test_lists_are_newest_first_and_filtered(orders, shelf, status, part):
    customer = shelf[0].customer
    assert listed(orders, customer=customer, status=status) == ids(shelf[part])
    assert counted(orders, customer=customer, status=status) == len(shelf[part])
    everybody = listed(orders, status=status)
    assert [i for i in everybody if i in ids(shelf)] == ids(shelf[part])
    assert counted(orders, status=status) == len(everybody)


@pytest.mark.parametrize("status", [None, "COMPLETED", "PENDING"])
@pytest.mark.parametrize("customer", [True, False])
def test_a_cursor_walk_sees_each_order_once(orders, shelf, customer, status):
    who = shelf[0].customer if customer else None
    whole = listed(orders, customer=who, status=status)
    walked, after = [], None
    while page := listed(orders, customer=who, status=status, after=after, limit=3):
        walked, after = walked + page, page[-1]
    assert walked == whole
    assert [i for at in range(0, 12, 3) for i in listed(orders, customer=who, status=status, offset=at, limit=3)] == whole


def test_a_time_range_takes_its_start_in_and_leaves_its_end_out(orders, shelf):
    start, end = shelf[2].id, shelf[8].id
    assert listed(orders, start=start, before=end) == ids(shelf[2:8])
    assert listed(orders, start=start, before=end, status="COMPLETED") == ids(shelf[2:4])
    assert counted(orders, start=start, before=end) == 6


def test_a_count_stops_one_past_ten_thousand(orders):
    for _ in range(11):
        create(orders, *[Order() for _ in range(1000)])
    assert counted(orders) == 10001
    assert counted(orders, status="PENDING") == 10001


LISTS = {
    "newest of all": (None, None),
    "one customer's": (uuid.UUID(int=1), None),
    "a final status": (None, "CANCELLED"),
    "orders under way": (None, "PENDING"),
    "one customer's cancelled": (uuid.UUID(int=1), "CANCELLED"),
    "one customer's completed": (uuid.UUID(int=1), "COMPLETED"),
    "one customer's under way": (uuid.UUID(int=1), "PENDING"),
}


@pytest.fixture
def warehouse(admin):
    """Twenty thousand orders, half of them one customer's, one in a hundred cancelled, one in fifty under way."""
    rows(admin, """
        INSERT INTO orders.orders
        SELECT orders.uuid_v7_floor(now() - i * interval '1 s'), gen_random_uuid(), gen_random_uuid(),
               CASE WHEN i % 2 = 0 THEN '00000000-0000-0000-0000-000000000001' ELSE gen_random_uuid() END,
               'EUR', 1, '[]', '{}'
        FROM generate_series(1, 20000) AS i""")
    rows(admin, """
        INSERT INTO orders.progress (order_id, customer_id, status, outcome, version, updated_at, failure_reason)
        SELECT order_id, customer_id, status, CASE WHEN status <> 'PENDING' THEN status END, 1, now(),
               CASE WHEN status = 'CANCELLED' THEN 'timed_out' END
        FROM (SELECT order_id, customer_id, (CASE WHEN nth % 100 = 0 THEN 'CANCELLED' WHEN nth % 50 = 1 THEN 'PENDING'
                                     ELSE 'COMPLETED' END)::orders.order_status AS status
              FROM (SELECT *, row_number() OVER () AS nth FROM orders.orders) AS numbered) AS decided""")
    rows(admin, "ANALYZE orders.orders, orders.progress")
    admin.commit()


@pytest.mark.parametrize("filters", LISTS.values(), ids=LISTS.keys())
def test_a_list_walks_an_index_and_sorts_nothing(warehouse, orders, filters):
    clause = value(orders, "SELECT orders.list_clause(%s, %s, NULL, NULL, NULL)", *filters)
    query = f"EXPLAIN SELECT o.order_id {clause} ORDER BY o.order_id DESC LIMIT 20"
    query = query.replace("$1", f"'{filters[0]}'").replace("$2", f"'{filters[1]}'")
    plan = "\n".join(row[0] for row in rows(orders, query))
    assert "Seq Scan" not in plan and "Sort" not in plan, plan


@pytest.mark.parametrize("filters", LISTS.values(), ids=LISTS.keys())
def test_a_count_reads_no_more_rows_than_it_counts(warehouse, orders, filters):
    clause = value(orders, "SELECT orders.list_clause(%s, %s, NULL, NULL, NULL)", *filters)
    query = f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(*) FROM (SELECT {clause} LIMIT 10001) AS counted"
    query = query.replace("$1", f"'{filters[0]}'").replace("$2", f"'{filters[1]}'")
    plan, = value(orders, query)

    def read(node):
        below = sum(map(read, node.get("Plans", [])))
        return below or (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]

    assert read(plan["Plan"]) <= 10001, plan


CROWD = """
    INSERT INTO orders.orders
    SELECT orders.uuid_v7_floor(now() - i * interval '1 s'), gen_random_uuid(), gen_random_uuid(),
           CASE WHEN i % 10 < 9 THEN '00000000-0000-0000-0000-000000000001' ELSE md5((i % 1000)::text) END::uuid,
           'EUR', 1, '[]', '{}'
    FROM generate_series(1, 220000) AS i;
    INSERT INTO orders.progress (order_id, customer_id, status, outcome, version, updated_at, failure_reason)
    SELECT order_id, customer_id, s.status, CASE WHEN s.status <> 'PENDING' THEN s.status END, 1, now(),
           CASE WHEN s.status = 'CANCELLED' THEN 'timed_out' END
    FROM (SELECT *, row_number() OVER (PARTITION BY customer_id = '00000000-0000-0000-0000-000000000001' ORDER BY order_id)
                    AS nth FROM orders.orders) AS o
    CROSS JOIN LATERAL (SELECT (CASE WHEN customer_id <> '00000000-0000-0000-0000-000000000001'
                                     THEN CASE WHEN nth % 2 = 0 THEN 'CANCELLED' ELSE 'PENDING' END
                                     WHEN nth = 100000 THEN 'CANCELLED' WHEN nth % 1000 = 0 THEN 'PENDING'
                                     ELSE 'COMPLETED' END)::orders.order_status AS status) AS s;
    ANALYZE orders.orders, orders.progress"""


def test_a_page_of_one_customer_in_one_state_costs_what_it_shows(admin, orders):
    """198,000 orders: 197,802 completed, one cancelled, 197 under way; and 22,000 of others, cancelled and under way."""
    who = uuid.UUID(int=1)
    rows(admin, CROWD)
    admin.commit()
    middle = value(admin, "SELECT order_id FROM orders.progress WHERE outcome = 'CANCELLED' AND customer_id = %s", who)
    admin.rollback()

    def buffers(call, *arguments):
        value(orders, f"SELECT {call}", *arguments)  # what is read once a session is not the page's
        plan, = value(orders, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT {call}", *arguments)
        return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]

    for status, total, bound in (("COMPLETED", 10001, 400), ("CANCELLED", 1, 400),
                                 ("PENDING", 197, 1000), ("PAYMENT", 0, 1000)):
        for after in (None, middle):
            page = listed(orders, customer=who, status=status, after=after)
            assert len(page) == (0 if (status, after) == ("CANCELLED", middle) else min(total, 20))
            read = buffers("count(*) FROM orders.list_views(%s, %s, NULL, NULL, %s, 0, 21)", who, status, after)
            assert read < bound, (status, after)
        assert counted(orders, customer=who, status=status) == total
        assert buffers("orders.count_orders(%s, %s, NULL, NULL)", who, status) < bound + 1.1 * total, status


def test_progress_gets_its_customer_where_a_caller_does_not_know_of_it(admin, orders):
    """As create_orders did before."""
    order = Order()
    rows(admin, "INSERT INTO orders.orders VALUES (%s, %s, %s, %s, 'EUR', 1, '[]', '{}')",
         order.id, order.key, order.body, order.customer)
    rows(admin, "INSERT INTO orders.progress (order_id, status, version, updated_at)"
                " VALUES (%s, 'PENDING', 1, now())", order.id)
    admin.commit()
    assert listed(orders, customer=order.customer, status="PENDING") == [order.id]


# ---- stuck ----

def stuck(session, nudge_ms=30_000, cancel_ms=600_000, limit=100):
    return [(row.order_id, row.status, row.overdue)
            for row in rows(session, "SELECT * FROM orders.stuck_orders(%s, %s, %s)", nudge_ms, cancel_ms, limit)]


def age(admin, order, seconds):
    rows(admin, "UPDATE orders.progress SET updated_at = now() - %s * interval '1 s' WHERE order_id = %s", seconds, order.id)
    admin.commit()


def test_only_orders_too_long_in_a_stage_are_stuck(admin, orders):
    fresh, slow, late, done = Order(), Order(age_ms=40_000), Order(age_ms=700_000), Order(age_ms=700_000)
    create(orders, fresh, slow, late, done)
    move(orders, done, 2, *WHOLE_WAY)
    age(admin, done, 700)
    assert stuck(orders) == [(late.id, "PENDING", True), (slow.id, "PENDING", False)]


def test_an_order_nudged_is_left_alone_for_a_while_an_overdue_one_is_not(orders):
    slow, late = Order(age_ms=40_000), Order(age_ms=700_000)
    create(orders, slow, late)
    stuck(orders)
    assert stuck(orders) == [(late.id, "PENDING", True)]
    updated = [row.updated_ms for row in rows(orders, "SELECT * FROM orders.read_views(%s)", [slow.id])]
    assert updated == [slow.id.int >> 80], "a nudge is no change that clients see"


def test_an_overdue_shipment_is_asked_for_again_now_and_then(admin, orders):
    order = Order(age_ms=700_000)
    create(orders, order)
    move(orders, order, 2, *WHOLE_WAY[:4])
    age(admin, order, 700)
    assert stuck(orders) == [(order.id, "FULFILLMENT", True)]
    assert stuck(orders) == []


def test_only_orders_under_way_are_walked_over(warehouse, admin, connect):
    """400 of the 20,000; nudging them reads each once more."""
    rows(admin, "UPDATE orders.progress SET updated_at = updated_at - interval '1 h' WHERE outcome IS NULL")
    admin.commit()
    session = connect("orders")
    assert len(stuck(session, cancel_ms=10**9, limit=500)) > 300
    assert [row.status for row in rows(session, "SELECT * FROM orders.open_orders(10000)")] == ["PENDING"]
    read, fetched = rows(session, "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables"
                                  " WHERE relid = 'orders.progress'::regclass")[0]
    assert read == 0 and fetched < 3000


def test_orders_under_way_are_counted_by_stage_with_the_longest_stay(admin, orders):
    fresh, slow, done = Order(), Order(age_ms=40_000), Order(age_ms=700_000)
    create(orders, fresh, slow, done)
    move(orders, slow, 2, *WHOLE_WAY[:2])
    move(orders, done, 2, *WHOLE_WAY)
    age(admin, slow, 30)
    found = {row.status: row for row in rows(orders, "SELECT * FROM orders.open_orders(10)")}
    assert {status: row.orders for status, row in found.items()} == {"PENDING": 1, "PAYMENT": 1}
    assert found["PAYMENT"].oldest_ms >= 30_000 > found["PENDING"].oldest_ms >= 0
    assert [row.orders for row in rows(orders, "SELECT * FROM orders.open_orders(1)")] == [1]


def test_stuck_orders_go_to_one_caller_and_not_those_being_moved(connect):
    a, b, c = (connect("orders") for _ in range(3))
    one, two = Order(age_ms=40_000), Order(age_ms=40_000)
    create(a, one, two)
    a.commit()
    rows(a, "SELECT * FROM orders.lock_orders(%s)", [one.id])
    assert [row[0] for row in stuck(b)] == [two.id]
    assert stuck(c) == []
