"""An order of each outcome, to its end: what the client sees, and what every service has in its books."""
import uuid

from harness.stack import headers_of, order, wait_for


def line(sku, quantity=1, price=10):
    return {"sku": sku, "quantity": quantity, "unitPrice": price}


def payment_states(stack, order_id):
    return [row[0] for row in stack.query("SELECT state::text FROM payment.charge WHERE order_id = %s", order_id)]


def notifications(stack, order_id):
    wait_for("notifications of both kinds", lambda: stack.value(
        "SELECT count(*) FROM notification.message WHERE order_id = %s", order_id) >= 2)
    return sorted(row[0] for row in stack.query("SELECT kind::text FROM notification.message WHERE order_id = %s", order_id))


def test_completed(at_rest):
    order_id = at_rest.place()
    at_rest.wait_status(order_id, "COMPLETED")
    assert notifications(at_rest, order_id) == ["completed", "confirmation"]
    assert payment_states(at_rest, order_id) == ["authorized"]


def test_payment_declined(at_rest):
    order_id = at_rest.place(items=[line("SKU-1", 1, 1000000.01)])
    done = at_rest.wait_status(order_id, "CANCELLED")
    assert (done["failureReason"], done["failedSku"]) == ("payment_declined", None)
    assert at_rest.stages(order_id) == ["PENDING", "PAYMENT", "CANCELLED"]
    assert payment_states(at_rest, order_id) == ["declined"]
    assert notifications(at_rest, order_id) == ["cancelled", "confirmation"]


def test_out_of_stock_is_refunded(at_rest):
    for sku in ("SKU-SOLDOUT", "NO-SUCH-SKU"):
        order_id = at_rest.place(items=[line("SKU-1"), line(sku)])
        done = at_rest.wait_status(order_id, "CANCELLED")
        assert (done["failureReason"], done["failedSku"]) == ("out_of_stock", sku)
        wait_for("the refund", lambda: payment_states(at_rest, order_id) == ["refunded"])  # noqa: B023
        rejected = wait_for("its reason", lambda: at_rest.messages("inventory", order_id))  # noqa: B023
        assert headers_of(rejected[0])["ce_type"] == "inventory.rejected"
        assert sku in rejected[0].value().decode()


def test_fulfillment_refused_gives_everything_back(at_rest):
    before = at_rest.query("SELECT on_hand, reserved, shipped FROM inventory.stock WHERE sku = 'SKU-7'")
    order_id = at_rest.place(items=[line("SKU-7", 3)],
                             shippingAddress={"country": "Antarctica", "city": "Vostok", "addressLine1": "1"})
    done = at_rest.wait_status(order_id, "CANCELLED")
    assert done["failureReason"] == "fulfillment_refused"
    assert at_rest.stages(order_id)[-2:] == ["FULFILLMENT", "CANCELLED"]
    wait_for("the refund", lambda: payment_states(at_rest, order_id) == ["refunded"])
    wait_for("the stock back", lambda: at_rest.query(
        "SELECT on_hand, reserved, shipped FROM inventory.stock WHERE sku = 'SKU-7'") == before)


def test_cancelled_by_the_customer(at_rest):
    with at_rest.stopped("worker-payment"):
        order_id = at_rest.place()
        at_rest.wait_status(order_id, "PAYMENT")
        answer = at_rest.cancel(order_id)
        assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
        assert answer.json()["failureReason"] == "cancelled_by_customer"
        again = at_rest.cancel(order_id)
        assert (again.status_code, again.content) == (200, answer.content)
    # The payment service sees order.created and order.cancelled only now: whatever it charged is given back.
    wait_for("payment's last word", lambda: payment_states(at_rest, order_id) in (["cancelled"], ["refunded"]))
    assert at_rest.order(order_id)["status"] == "CANCELLED"


def test_a_completed_order_cannot_be_cancelled(at_rest):
    order_id = at_rest.place()
    at_rest.wait_status(order_id, "COMPLETED")
    answer = at_rest.cancel(order_id)
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert at_rest.order(order_id)["status"] == "COMPLETED"


def test_timed_out(at_rest):
    with at_rest.stopped("worker-payment"), at_rest.with_settings("worker-order", NUDGE_AFTER_MS=500, CANCEL_AFTER_MS=1500):
        order_id = at_rest.place()
        done = at_rest.wait_status(order_id, "CANCELLED")
        assert done["failureReason"] == "timed_out"
        nudges = [m for m in at_rest.messages("orders", order_id) if headers_of(m)["ce_type"] == "order.nudged"]
        assert nudges


def test_an_order_that_does_not_exist(stack):
    unknown = uuid.uuid4()
    assert stack.get(f"/api/v1/orders/{unknown}").status_code == 404
    assert stack.cancel(unknown).status_code == 404
    assert stack.get(f"/api/v1/orders/{unknown}/timeline").status_code == 404
    assert stack.get("/api/v1/orders/not-a-uuid").status_code == 400


def test_an_invalid_order_names_every_fault_and_leaves_nothing(stack):
    before = stack.value("SELECT count(*) FROM orders.orders")
    answer = stack.post_order(order(currency="usd", items=[line("SKU-1", 0), line("", 1)], extra=1))
    assert answer.status_code == 400
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {e["pointer"] for e in problem["errors"]} >= {"/currency", "/items/0/quantity", "/items/1/sku", "/extra"}
    assert stack.value("SELECT count(*) FROM orders.orders") == before
