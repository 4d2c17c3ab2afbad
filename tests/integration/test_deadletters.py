"""Events that cannot be applied go aside, harm nobody else, and come back in order when they are replayed."""
import contextlib
import json
import uuid

import psycopg2

from harness.stack import headers_of, wait_for

CONSUMERS = ("orders", "payment", "inventory", "fulfillment", "notification")  # schemas that read the topic orders


def letters(stack, schema, order_id):
    return stack.query("SELECT id, type, held, attempts, reason, replay_at"
                       f" FROM {schema}.deadletter WHERE order_id = %s ORDER BY id", order_id)


def replay(stack, schema, *ids):
    return stack.value(f"SELECT {schema}.deadletter_replay(%s)", list(ids))


def discard(stack, schema, *ids):
    return stack.value(f"SELECT {schema}.deadletter_discard(%s)", list(ids))


@contextlib.contextmanager
def refused_by_payment(stack, order_id):
    """Inside, payment's database takes nothing about that order: its event is at fault, however often it is tried."""
    name = f"refuse_{order_id.replace('-', '')}"
    stack.query(f"ALTER TABLE payment.charge ADD CONSTRAINT {name} CHECK (order_id <> '{order_id}') NOT VALID")
    try:
        yield
    finally:
        stack.query(f"ALTER TABLE payment.charge DROP CONSTRAINT {name}")


def place_refused(stack, refusals):
    """An order whose order.created payment has set aside."""
    with stack.stopped("worker-payment"):
        order_id = stack.place()
        refusals.enter_context(refused_by_payment(stack, order_id))
    wait_for("a dead letter", lambda: letters(stack, "payment", order_id), 60)
    return order_id


def nudge(stack, order_id):
    """One more event about the order, as worker-order makes them: its id."""
    created, = [m for m in stack.messages("orders", order_id) if headers_of(m)["ce_type"] == "order.created"]
    event_id = str(uuid.uuid4())
    headers = {**headers_of(created), "ce_id": event_id, "ce_type": "order.nudged",
               "ce_dataschema": "urn:orderline:event:order.nudged:1"}
    stack.produce("orders", order_id, json.dumps({"orderId": order_id, "status": "PAYMENT"}), list(headers.items()))
    return event_id


def test_a_refused_event_goes_aside_alone_and_its_order_waits_until_it_is_replayed(at_rest):
    with contextlib.ExitStack() as refusals:
        order_id = place_refused(at_rest, refusals)
        nudge(at_rest, order_id)
        wait_for("the later event held", lambda: len(letters(at_rest, "payment", order_id)) == 2, 60)
        other = at_rest.place()
        at_rest.wait_status(other, "COMPLETED", 60)
        (first, *dead), (_, *held) = letters(at_rest, "payment", order_id)
        assert dead[:3] == ["order.created", False, 1] and "violates check constraint" in dead[3]
        assert held[:3] == ["order.nudged", True, 0]

        assert replay(at_rest, "payment", first) == 1
        wait_for("a second failure", lambda: letters(at_rest, "payment", order_id)[0][3] == 2, 60)
        assert letters(at_rest, "payment", order_id)[0][5] is None
        assert at_rest.order(order_id)["status"] == "PAYMENT"

    assert replay(at_rest, "payment", first) == 1
    at_rest.wait_status(order_id, "COMPLETED", 60)
    wait_for("no letters left", lambda: not letters(at_rest, "payment", order_id), 60)
    assert replay(at_rest, "payment", first) == 0
    created = next(m for m in at_rest.messages("orders", order_id) if headers_of(m)["ce_type"] == "order.created")
    at_rest.produce("orders", created.key(), created.value(), created.headers())
    at_rest.wait_rest()
    assert at_rest.value("SELECT count(*) FROM payment.charge WHERE order_id = %s", order_id) == 1
    assert at_rest.stages(order_id) == ["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "COMPLETED"]


def test_a_cancel_is_held_behind_nothing(at_rest):
    with contextlib.ExitStack() as refusals:
        order_id = place_refused(at_rest, refusals)
        refusals.pop_all().close()  # mended, but nobody has asked for a replay
        nudge(at_rest, order_id)
        wait_for("the nudge held", lambda: len(letters(at_rest, "payment", order_id)) == 2, 60)
        assert at_rest.cancel(order_id).status_code == 200
        wait_for("the cancel applied", lambda: at_rest.query(
            "SELECT state FROM payment.charge WHERE order_id = %s AND state = 'cancelled'", order_id), 60)
        first, nudged = [letter[0] for letter in letters(at_rest, "payment", order_id)]
    assert discard(at_rest, "payment", first) == 1
    wait_for("what was held followed", lambda: not letters(at_rest, "payment", order_id), 60)
    assert nudged > first


POISON = {
    "no JSON": {"value": b"{\xff"},
    "no value": {"value": None},
    "an array": {"value": b"[]"},
    "deep": {"value": b"[" * 50_000},
    "large": {"value": b'{"a":"' + b"x" * 700_000 + b'"'},
    "no id": {"ce_id": None},
    "an id that is none": {"ce_id": b"17"},
    "no type": {"ce_type": None},
    "a type nobody knows": {"ce_type": b"order.archived"},
    "a binary type": {"ce_type": b"\xff\x00\x01"},
    "another version": {"ce_dataschema": b"urn:orderline:event:order.created:2"},
    "a binary schema": {"ce_dataschema": b"\xfe\x00"},
    "no schema": {"ce_dataschema": None},
    "a binary trace": {"value": b"{", "traceparent": b"\xff\xfe"},
    "a key that is none": {"key": b"\x00\xff"},
}


def poison(stack, changes):
    """Produces a message that is order.created but for CHANGES; its key."""
    parts = {"key": str(uuid.uuid4()).encode(), "value": b"{}", "ce_id": str(uuid.uuid4()).encode(),
             "ce_type": b"order.created", "ce_dataschema": b"urn:orderline:event:order.created:1", **changes}
    key, value = parts.pop("key"), parts.pop("value")
    stack.produce("orders", key, value, [(name, content) for name, content in parts.items() if content is not None])
    return key


def test_what_cannot_be_read_goes_aside_once_with_its_place_and_reason_and_the_rest_goes_on(at_rest):
    keys = {what: poison(at_rest, changes) for what, changes in POISON.items()}
    at_rest.wait_status(at_rest.place(), "COMPLETED", 60)

    # worker-inventory and worker-fulfillment do not take order.created.
    found = {}
    for what, key in keys.items():
        found[what] = wait_for(f"{what} among the dead letters", lambda: at_rest.query(
            "SELECT id, held, topic, partition, log_offset, reason FROM payment.deadletter WHERE key = %s",
            psycopg2.Binary(key)), 60)  # noqa: B023
    assert all(len(rows) == 1 for rows in found.values()), found
    assert all((held, topic) == (False, "orders") and partition is not None and offset is not None and reason
               for (_, held, topic, partition, offset, reason), in found.values()), found
    assert len({rows[0][3:5] for rows in found.values()}) == len(found)

    at_rest.restart("worker-payment")
    ids = [rows[0][0] for rows in found.values()]
    assert replay(at_rest, "payment", *ids) == len(ids)
    wait_for("all tried again in vain", lambda: at_rest.value(
        "SELECT count(*) FROM payment.deadletter WHERE attempts = 2 AND replay_at IS NULL") == len(ids), 60)
    for schema in CONSUMERS:
        discard(at_rest, schema, *[row[0] for row in at_rest.query(f"SELECT id FROM {schema}.deadletter")])


def test_a_fault_that_passes_makes_nobody_a_dead_letter(at_rest):
    order_ids = []
    with at_rest.with_settings("worker-payment", SQL_TIMEOUT_MS=500), \
            contextlib.closing(psycopg2.connect(at_rest.database_url)) as blocker:
        blocker.cursor().execute("LOCK TABLE payment.charge IN ACCESS EXCLUSIVE MODE")
        order_ids = [at_rest.place() for _ in range(3)]
        wait_for("several tries", lambda: at_rest.metric("worker-payment", "worker_retries_total") >= 4, 60)
        assert at_rest.value("SELECT count(*) FROM payment.deadletter") == 0
        assert at_rest.order(order_ids[0])["status"] in ("PENDING", "PAYMENT")
        blocker.rollback()
        for order_id in order_ids:
            at_rest.wait_status(order_id, "COMPLETED", 60)


def test_a_success_of_an_order_nobody_placed_moves_nothing(at_rest):
    stranger = str(uuid.uuid4())
    headers = {"ce_id": str(uuid.uuid4()), "ce_type": "payment.authorized",
               "ce_dataschema": "urn:orderline:event:payment.authorized:1"}
    at_rest.produce("payments", stranger, json.dumps({"orderId": stranger}), list(headers.items()))
    found = {schema: wait_for(f"its dead letter in {schema}", lambda: letters(at_rest, schema, stranger), 60)  # noqa: B023
             for schema in ("orders", "inventory")}
    assert found["orders"][0][4] == "there is no such order"
    assert not at_rest.query("SELECT status FROM orders.progress WHERE order_id = %s", stranger)
    for schema, rows in found.items():
        discard(at_rest, schema, *[row[0] for row in rows])
