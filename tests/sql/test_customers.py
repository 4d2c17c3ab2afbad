"""What orderctl tells of a customer, and what is left when it has forgotten one."""
import json
import uuid

import pytest
from test_orderctl import orderctl

from calls import TRACEPARENT, Order, create, deadletter, move, rows, uuid7, value
from conftest import SCHEMAS

WHOLE_WAY = ["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "COMPLETED"]
WHERE = "Domkloster 4"


@pytest.fixture
def ctl(cluster):
    return lambda *words: orderctl("customer", *words, DATABASE_URL=cluster.url())


@pytest.fixture(autouse=True)
def empty(admin):
    yield
    admin.rollback()
    for schema in SCHEMAS:
        rows(admin, f"TRUNCATE {schema}.outbox, {schema}.effect, {schema}.deadletter")
    rows(admin, "TRUNCATE notification.contact, notification.message")
    admin.commit()


def event(order):
    return {"orderId": str(order.id), "customerId": str(order.customer), "totalMinor": 102217,
            "shippingAddress": {"country": "Austria", "city": "Graz", "addressLine1": WHERE}}


@pytest.fixture
def world(admin, connect):
    """A customer with two orders that have ended, all of which has left traces wherever it can; and another customer."""
    session = connect("orders", autocommit=True)
    first, second, other = Order(), Order(), Order()
    second.customer = first.customer
    create(session, first, second, other)
    move(session, first, 2, *WHOLE_WAY)
    move(session, second, 2, "PENDING", "CANCELLED", reason="cancelled_by_customer")
    move(session, other, 2, *WHOLE_WAY)
    rows(admin, "UPDATE orders.orders SET address = %s WHERE order_id = ANY (%s)",
         json.dumps(event(first)["shippingAddress"]), [first.id, second.id, other.id])
    rows(admin, "UPDATE orders.outbox SET payload = %s WHERE aggregateid = %s", json.dumps(event(first)), first.id)
    for order in (first, other):
        rows(admin, "INSERT INTO notification.effect (id, kind, order_id, payload, traceparent, due_at)"
                    " VALUES (%s, 'webhook', %s, %s, %s, now())", uuid7(), order.id, json.dumps(event(order)), TRACEPARENT)
        rows(admin, "INSERT INTO notification.effect (id, kind, order_id, payload, traceparent, due_at)"
                    " VALUES (%s, 'mail', %s, %s, %s, now())", uuid7(), order.id,
             json.dumps({"customerId": str(order.customer), "kind": "completed", "to": "ann@example.com"}), TRACEPARENT)
        rows(admin, "INSERT INTO notification.message (order_id, kind, channel, state) VALUES (%s, 'completed', 'smtp',"
                    " 'waiting')", order.id)
        rows(admin, "SELECT notification.set_contact(%s, 'ann@example.com')", order.customer)
    admin.commit()
    fulfillment = connect("fulfillment", autocommit=True)
    deadletter(fulfillment, "fulfillment", (uuid7(), first.id), payload=json.dumps(event(first)).encode())
    deadletter(fulfillment, "fulfillment", (uuid7(), second.id), payload=b"\xff" + str(second.customer).encode())
    deadletter(fulfillment, "fulfillment", (uuid7(), other.id), payload=json.dumps(event(other)).encode())
    return first, second, other


def traces(admin, customer):
    """Every column of the database that tells of that customer."""
    columns = rows(admin, """
        SELECT format('%%I.%%I', table_schema, table_name) AS place,
               format(CASE data_type WHEN 'bytea' THEN 'encode(%%I, ''escape'')' ELSE '%%I::text' END,
                      column_name) AS content
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_type = 'BASE TABLE' AND table_schema = ANY (%s)
          AND data_type IN ('text', 'json', 'jsonb', 'bytea', 'uuid')""", list(SCHEMAS))
    return [column for column in columns
            if value(admin, f"SELECT EXISTS (SELECT FROM {column.place} WHERE position(%s IN {column.content}) > 0)",
                     str(customer))]


def test_an_export_has_all_that_is_kept(world, ctl):
    first, second, _ = world
    kept = json.loads(ctl("export", first.customer).stdout)
    assert (kept["customerId"], kept["email"]) == (str(first.customer), "ann@example.com")
    assert [(order["orderId"], order["status"]) for order in kept["orders"]] == [
        (str(first.id), "COMPLETED"), (str(second.id), "CANCELLED")]
    order = kept["orders"][0]
    assert order["shippingAddress"]["addressLine1"] == WHERE and order["totalMinor"] == 102217
    assert [step["to"] for step in order["timeline"]] == WHOLE_WAY
    assert {service["service"] for service in order["services"]} == {"notification", "fulfillment"}


def test_of_a_stranger_nothing_is_known(ctl):
    done = ctl("export", uuid.uuid4())
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing is kept" in done.stderr


def test_the_search_for_traces_finds_them(world, admin):
    """Or the test below would pass whatever is left."""
    tables = {column.place for column in traces(admin, world[0].customer)}
    assert {"orders.orders", "orders.outbox", "notification.effect", "notification.contact",
            "fulfillment.deadletter"} <= tables


def test_an_erased_customer_leaves_amounts_and_no_trace(world, admin, ctl):
    first, second, other = world
    counts = {row["what"]: row["count"] for row in json.loads(ctl("erase", first.customer, "--yes", "--json").stdout)}
    assert counts == {"orders under way": 0, "orders": 2, "contacts": 1, "events waiting": 2, "calls waiting": 1,
                      "dead letters": 2}
    assert traces(admin, first.customer) == []
    kept = {row.order_id: row for row in rows(admin, "SELECT * FROM orders.orders")}
    for order in (first, second):
        assert kept[order.id].address == {"country": "Austria", "city": "erased", "addressLine1": "erased"}
        assert (kept[order.id].customer_id, kept[order.id].total_minor) == (order.id, 102217)
    assert [bytes(row.payload) for row in rows(admin, "SELECT * FROM fulfillment.deadletter ORDER BY id")][1] == b""
    for table, column in (("orders.outbox", "aggregateid"), ("notification.effect", "order_id")):
        assert WHERE not in json.dumps([row.payload for row in rows(admin, f"SELECT * FROM {table} WHERE {column} = %s",
                                                                    first.id)])
    # the message that waited is not sent any more, the other customer's is
    assert [row.state for row in rows(admin, "SELECT * FROM notification.message WHERE order_id = ANY (%s)"
                                             " ORDER BY order_id", [first.id, other.id])] == ["skipped", "waiting"]
    assert kept[other.id].address["addressLine1"] == WHERE and kept[other.id].customer_id == other.customer
    assert ctl("export", first.customer).returncode == 1


def test_without_yes_it_is_counted_and_nothing_else(world, admin, ctl):
    first, *_ = world
    before = traces(admin, first.customer)
    done = ctl("erase", first.customer, "--json")
    assert {row["what"]: row["count"] for row in json.loads(done.stdout)}["orders"] == 2
    assert "--yes" in done.stderr
    admin.rollback()
    assert traces(admin, first.customer) == before


def test_an_order_under_way_keeps_its_address(world, admin, connect, ctl):
    first, *_ = world
    last = Order(customer=first.customer)
    create(connect("orders", autocommit=True), last)
    before = traces(admin, first.customer)
    done = ctl("erase", first.customer, "--yes", "--json")
    assert done.returncode == 1 and "under way" in done.stderr
    assert json.loads(done.stdout)[0] == {"what": "orders under way", "count": 1}
    admin.rollback()
    assert traces(admin, first.customer) == before
