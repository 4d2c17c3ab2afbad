"""Orders that end before they are shipped: at each stage everything that was taken is given back, and nothing else."""
import pytest

from harness.stack import headers_of, wait_for


def state_of(stack, table, order_id):
    rows = stack.query(f"SELECT state::text FROM {table} WHERE order_id = %s", order_id)
    return rows[0][0] if rows else None


def wait_state(stack, table, order_id, *states):
    wait_for(f"{table} of {order_id} in {states}", lambda: state_of(stack, table, order_id) in states, 90)


def cancelled_by_the_customer(stack, order_id):
    answer = stack.cancel(order_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED"), answer.text
    assert answer.json()["failureReason"] == "cancelled_by_customer"


# Where the order stands while that program is stopped, and what has been done for it by then.
STAGES = [
    ("worker-order", "PENDING", "inventory.reservation", "reserved"),  # the services need not wait for the order's row
    ("worker-payment", "PAYMENT", "payment.charge", None),
    ("worker-inventory", "INVENTORY", "payment.charge", "authorized"),
    # A success that is known to its service only, and comes to the order after the cancel:
    ("relay-payment", "PAYMENT", "payment.charge", "authorized"),
    ("relay-inventory", "INVENTORY", "inventory.reservation", "reserved"),
]


@pytest.mark.parametrize("program, status, table, done", STAGES, ids=[f"{s[1]}-without-{s[0]}" for s in STAGES])
def test_a_cancel_gives_everything_back(at_rest, program, status, table, done):
    with at_rest.stopped(program):
        order_id = at_rest.place()
        at_rest.wait_status(order_id, status, 90)
        if done:
            wait_state(at_rest, table, order_id, done)
        cancelled_by_the_customer(at_rest, order_id)
    wait_state(at_rest, "payment.charge", order_id, "cancelled", "refunded")
    wait_state(at_rest, "inventory.reservation", order_id, "cancelled", "released")
    at_rest.wait_rest()
    assert at_rest.stages(order_id)[-2:] == [status, "CANCELLED"]
    assert state_of(at_rest, "fulfillment.shipment", order_id) in (None, "new")  # a row, where it was nudged on the way


def test_no_cancel_once_it_is_being_shipped(at_rest):
    with at_rest.stopped("worker-fulfillment"):
        order_id = at_rest.place()
        at_rest.wait_status(order_id, "FULFILLMENT", 90)
        assert at_rest.cancel(order_id).status_code == 409
    at_rest.wait_status(order_id, "COMPLETED", 90)


def nudges(stack, order_id):
    return [m for m in stack.messages("orders", order_id) if headers_of(m)["ce_type"] == "order.nudged"]


def test_a_paid_order_that_nobody_reserves_times_out_and_is_refunded(at_rest):
    with at_rest.stopped("worker-inventory"), \
            at_rest.with_settings("worker-order", NUDGE_AFTER_MS=300, CANCEL_AFTER_MS=2000):
        order_id = at_rest.place()
        done = at_rest.wait_status(order_id, "CANCELLED", 90)
    assert done["failureReason"] == "timed_out"
    wait_state(at_rest, "payment.charge", order_id, "cancelled", "refunded")


def test_a_shipment_under_way_is_asked_for_again_and_never_times_out(at_rest):
    """Through a crash of worker-order as well: when an order began to wait is in its row."""
    short = {"NUDGE_AFTER_MS": 300, "CANCEL_AFTER_MS": 600}
    with at_rest.stopped("worker-fulfillment"):
        order_id = at_rest.place()
        at_rest.wait_status(order_id, "FULFILLMENT", 90)
        with at_rest.with_settings("worker-order", **short):
            wait_for("a question", lambda: nudges(at_rest, order_id), 90, 0.2)
            before = len(nudges(at_rest, order_id))
            at_rest.restart("worker-order", **short)
            wait_for("more of them", lambda: len(nudges(at_rest, order_id)) > before + 1, 90, 0.2)
            assert at_rest.order(order_id)["status"] == "FULFILLMENT"
            wait_for("its stage on /metrics", lambda: at_rest.metrics("worker-order").get(
                'orders_open{stage="FULFILLMENT"}', 0) >= 1, 90)
            assert at_rest.metrics("worker-order")['orders_oldest_seconds{stage="FULFILLMENT"}'] > 0
    at_rest.wait_status(order_id, "COMPLETED", 90)
    assert at_rest.stages(order_id) == ["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "COMPLETED"]


def test_a_carrier_that_takes_its_time_answers_once_even_after_a_crash(at_rest):
    """The questions wait in the database: worker-fulfillment dies, and the next one knows of them."""
    if not hasattr(at_rest, "with_lasting_settings"):
        pytest.skip("containers have their settings for one life")
    lasting = {"CARRIER_DELAY_MS": 4000, "CARRIER_REFUSE_PERMILLE": 500, "CARRIER_SEED": 1}
    with at_rest.with_lasting_settings("worker-fulfillment", **lasting):
        crashes = at_rest.crashes("worker-fulfillment")
        order_ids = [at_rest.place() for _ in range(20)]
        wait_for("a question", lambda: at_rest.value(
            "SELECT count(*) FROM fulfillment.shipment WHERE state = 'requested' AND order_id = ANY(%s::uuid[])",
            order_ids), 90)
        at_rest.kill("worker-fulfillment")
        wait_for("a crash", lambda: at_rest.crashes("worker-fulfillment") > crashes, 90)
        at_rest.wait_rest(180)
    ends = at_rest.query("SELECT p.status::text, s.state::text, count(*) FROM orders.progress p JOIN fulfillment.shipment s"
                         " USING (order_id) WHERE order_id = ANY(%s::uuid[]) GROUP BY 1, 2", order_ids)
    assert {(status, state) for status, state, _ in ends} == {("COMPLETED", "shipped"), ("CANCELLED", "rejected")}
    assert sum(count for _, _, count in ends) == len(order_ids)
    assert at_rest.value("SELECT count(*) FROM fulfillment.effect") == 0
