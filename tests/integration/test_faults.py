"""Processes and servers die, freeze and come back: nothing is lost, nothing happens twice."""
import concurrent.futures
import threading
import time
import uuid

import pytest

from harness.stack import headers_of, order, wait_for


def place_many(stack, count):
    """COUNT orders at once, each retried with its own key until it is accepted: their ids."""
    def place(_):
        key = str(uuid.uuid4())
        end = time.monotonic() + 60
        while time.monotonic() < end:
            answer = stack.post_order(order(), key)
            if answer.status_code == 201:
                return answer.json()["orderId"]
            assert answer.status_code in (409, 502, 503, 504), answer.text
            time.sleep(0.1)
        raise AssertionError("not accepted within 60 s")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return list(pool.map(place, range(count)))


def place_until(stack, enough):
    """Orders, sixteen at a time, until ENOUGH is set: their ids."""
    order_ids = []
    while not enough.is_set():
        order_ids += place_many(stack, 16)
    return order_ids


def completed(stack, order_ids):
    rows = stack.query("SELECT order_id::text FROM orders.progress"
                       " WHERE status = 'COMPLETED' AND order_id = ANY(%s::uuid[])",
                       order_ids)
    return len(rows) == len(order_ids)


def applied(stack, schema, event_id):
    return stack.value(f"SELECT count(*) FROM {schema}.inbox WHERE event_id = %s", event_id)


def test_the_same_event_delivered_twice_is_applied_once(at_rest):
    order_id = at_rest.place()
    at_rest.wait_status(order_id, "COMPLETED")
    at_rest.wait_rest()
    for topic in ("orders", "payments", "inventory", "fulfillment"):
        for message in at_rest.messages(topic, order_id):
            at_rest.produce(topic, message.key(), message.value(), message.headers())
    marker = at_rest.place()  # behind the repeats in the same topics
    at_rest.wait_status(marker, "COMPLETED")
    at_rest.wait_rest()

    assert len(at_rest.stages(order_id)) == 5
    assert at_rest.value("SELECT count(*) FROM notification.message WHERE order_id = %s", order_id) == 2
    assert len({headers_of(m)["ce_id"] for m in at_rest.messages("payments", order_id)}) == 1


def test_relay_killed_between_produce_and_delete_repeats_and_loses_nothing(at_rest):
    at_rest.stop("relay-orders")
    order_ids = place_many(at_rest, 20)
    before = at_rest.crashes("relay-orders")
    at_rest.start("relay-orders", FAILPOINTS="relay.before_delete=kill@1")
    wait_for("the relay's death", lambda: at_rest.crashes("relay-orders") > before)
    at_rest.restart("relay-orders")

    wait_for("all completed", lambda: completed(at_rest, order_ids), 60)
    created = [headers_of(m)["ce_id"] for m in at_rest.messages("orders", order_ids[0])
               if headers_of(m)["ce_type"] == "order.created"]
    assert len(created) >= 2 and len(set(created)) == 1


def test_a_frozen_relay_makes_way_and_comes_back_harmless(at_rest):
    with at_rest.another("relay-orders"):
        at_rest.pause("relay-orders")
        try:
            order_ids = place_many(at_rest, 30)
            wait_for("all completed by the other relay", lambda: completed(at_rest, order_ids), 60)
        finally:
            at_rest.resume("relay-orders")
        later = place_many(at_rest, 30)
        wait_for("the later ones completed", lambda: completed(at_rest, later), 60)
    for order_id in (*order_ids[:3], *later[:3]):
        events = {headers_of(m)["ce_id"]: headers_of(m)["ce_type"] for m in at_rest.messages("orders", order_id)}
        assert list(events.values()) == ["order.created", "order.confirmed", "order.completed"]


@pytest.mark.parametrize("worker", ["worker-order", "worker-payment", "worker-inventory", "worker-fulfillment"])
@pytest.mark.parametrize("place", ["worker.before_commit", "worker.after_commit"])
def test_worker_killed_around_its_commit_applies_each_event_once(at_rest, worker, place):
    at_rest.stop(worker)
    order_ids = place_many(at_rest, 10)
    before = at_rest.crashes(worker)
    at_rest.start(worker, FAILPOINTS=f"{place}=kill@1")
    wait_for("the worker's death", lambda: at_rest.crashes(worker) > before, 60)
    at_rest.restart(worker)
    wait_for("all completed", lambda: completed(at_rest, order_ids), 90)


@pytest.mark.parametrize("place", ["api.before_commit", "api.after_commit", "api.before_reply"])
def test_order_api_killed_around_its_commit_keeps_one_order_a_key(at_rest, place):
    key = str(uuid.uuid4())
    at_rest.restart("order-api", FAILPOINTS=f"{place}=kill@1")
    answer = at_rest.post_order(order(), key)
    assert answer.status_code in (502, 504)
    assert answer.headers["Content-Type"] == "application/problem+json"
    at_rest.restart("order-api")
    first, second = at_rest.post_order(order(), key), at_rest.post_order(order(), key)
    assert (first.status_code, second.content) == (201, first.content)
    assert ("Idempotency-Replayed" in first.headers) == (place != "api.before_commit")


def test_broker_away_for_a_while(durable, at_rest):
    early = place_many(at_rest, 10)
    with durable.stopped("kafka"):
        late = place_many(at_rest, 30)
        assert all(at_rest.order(order_id)["status"] == "PENDING" for order_id in late)
        time.sleep(3)  # the outage itself, not a wait for anything
    wait_for("all completed", lambda: completed(at_rest, early + late), 90)


def test_broker_frozen_under_load(durable, at_rest):
    durable.pause("kafka")
    try:
        order_ids = place_many(at_rest, 30)
        time.sleep(12)  # past session and request time-outs
    finally:
        durable.resume("kafka")
    wait_for("all completed", lambda: completed(at_rest, order_ids), 120)


def test_postgresql_killed_under_load(at_rest):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        placing = pool.submit(place_many, at_rest, 200)
        wait_for("some orders", lambda: at_rest.value("SELECT count(*) > 0 FROM orders.outbox") or placing.done())
        at_rest.kill("postgres")
        order_ids = placing.result(timeout=120)
    wait_for("PostgreSQL back", lambda: at_rest.answers_sql(), 60)
    wait_for("all completed", lambda: completed(at_rest, order_ids), 90)


def test_a_rebalance_under_load(durable, at_rest):
    enough = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        placing = pool.submit(place_until, at_rest, enough)
        with at_rest.another("worker-payment"), at_rest.another("worker-order"):
            for group in ("orderline-payment", "orderline-order"):
                wait_for(f"two members of {group}", lambda: durable.members(group) == 2, 60)  # noqa: B023
        enough.set()
        order_ids = placing.result(timeout=120)
    wait_for("all completed", lambda: completed(at_rest, order_ids), 90)


def test_every_process_killed_once(at_rest):
    from harness.stack import RELAYS, WORKERS
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        placing = pool.submit(place_many, at_rest, 300)
        for program in (*WORKERS, *RELAYS, "order-api", "nginx", "redis"):
            wait_for(f"a process of {program}", lambda: at_rest.pid(program), 60)  # noqa: B023
            at_rest.kill(program)
        order_ids = placing.result(timeout=180)
    wait_for("all completed", lambda: completed(at_rest, order_ids), 120)


def test_partitioned_from_postgresql(at_rest):
    if not at_rest.can_partition:
        pytest.skip("local processes share one network: run with --compose")
    order_ids = place_many(at_rest, 20)
    at_rest.partition("postgres")
    try:
        answer = at_rest.post_order(order())
        assert answer.status_code in (503, 504)
        assert answer.headers["Content-Type"] == "application/problem+json"
    finally:
        at_rest.heal("postgres")
    wait_for("orders accepted again", lambda: at_rest.post_order(order()).status_code == 201, 60, 0.5)
    wait_for("all completed", lambda: completed(at_rest, order_ids), 90)
