"""A topic's retention passes while a consumer is away: that is told, and every order comes to its end all the same."""
import re

import pytest
from test_faults import place_many

from harness.expire import expire
from harness.stack import wait_for

LOSSES = {
    # who is away, the topic that expires, where its orders stand meanwhile, and how they end
    "payment never hears of the orders": ("worker-payment", "orders", "PAYMENT", "CANCELLED"),
    "inventory never hears of the charges": ("worker-inventory", "payments", "INVENTORY", "COMPLETED"),
    "the carrier never hears of the parcels": ("worker-fulfillment", "orders", "FULFILLMENT", "COMPLETED"),
}


def statuses(stack, order_ids):
    return [status for status, in stack.query(
        "SELECT DISTINCT status::text FROM orders.progress WHERE order_id = ANY(%s::uuid[])", order_ids)]


def all_read_but_by(stack, worker):
    """What was sent has reached Kafka, and every other group has read it."""
    away = "orderline-" + worker.removeprefix("worker-")
    return not any(stack.outbox_rows().values()) and not any(lag for group, lag in stack.lag().items() if group != away)


def judge_audit(stack, worker, order_ids):
    """The audit names what was not read, as long as it is of a kind that it looks for, and nothing else; the next test's
    audit has to find nothing, so it is written down as read."""
    stack.wait_rest()
    named = [re.fullmatch(r"order (\S+): event (\S+) is not in the inbox of (\w+)", line).groups()
             for line, in stack.query("SELECT ops.broken_events_applied()")]
    assert {order_id for order_id, _, _ in named} == (set() if worker == "worker-fulfillment" else set(order_ids))
    for _, event_id, service in named:
        stack.query(f"INSERT INTO {service}.inbox (event_id) VALUES (%s)", event_id)


@pytest.mark.parametrize("loss", LOSSES)
def test_orders_whose_events_expired_unread_come_to_their_end(durable, at_rest, loss):
    worker, topic, stage, end = LOSSES[loss]
    known = place_many(at_rest, 12)  # so that the group has positions to lose
    wait_for("they are done", lambda: statuses(at_rest, known) == ["COMPLETED"], 60)
    at_rest.stop(worker)
    order_ids = place_many(at_rest, 12)
    wait_for(f"all in {stage}", lambda: statuses(at_rest, order_ids) == [stage], 60)
    wait_for("the others have read", lambda: all_read_but_by(at_rest, worker), 60, 0.2)
    expire(durable.brokers, topic)

    patience = {"NUDGE_AFTER_MS": 1000, "CANCEL_AFTER_MS": 3000 if end == "CANCELLED" else 600000}
    at_rest.start(worker)
    wait_for("told as a metric", lambda: at_rest.metric(worker, "kafka_expired_total") > 0)
    assert "events are gone that were not read" in at_rest.log(worker)
    with at_rest.with_settings("worker-order", **patience):
        wait_for(f"all {end}", lambda: statuses(at_rest, order_ids) == [end], 60)
    judge_audit(at_rest, worker, order_ids)
    if end == "CANCELLED":
        assert at_rest.order(order_ids[0])["failureReason"] == "timed_out"
