"""Gateway and carrier that take their time: what is seen meanwhile, and what becomes of a cancel; stock, books and audit."""
import pytest
from test_compensation import cancelled_by_the_customer, state_of, wait_state
from test_random import ANTARCTICA
from test_stock import stock_up

from harness.orderctl import assert_audit_is_clean

HOUR_MS = 3600000
PIECES, BOUGHT = 10, 3
SHIPPED, KEPT, HELD = (7000, 0, 3000), (10000, 0, 0), (7000, 3000, 0)  # on hand, reserved, shipped: thousandths
TAKEN = {("authorized", "USD", 3000), ("captured", "USD", 3000)}
GIVEN_BACK = TAKEN | {("refunded", "USD", 3000)}


class Shop:
    """One SKU of the test's own, and what orders of it leave behind."""

    def __init__(self, stack):
        self.stack, self.sku = stack, stock_up(stack, PIECES)

    def buy(self, price=10, **changes):
        return self.stack.place(items=[{"sku": self.sku, "quantity": BOUGHT, "unitPrice": price}], **changes)

    def stock(self):
        return self.stack.query("SELECT on_hand, reserved, shipped FROM inventory.stock WHERE sku = %s", self.sku)[0]

    def books(self, order_id):
        """What came in and went out: kind, currency, amount."""
        return set(self.stack.query(
            "SELECT kind::text, currency, sum(amount_minor)::bigint FROM payment.ledger_transaction"
            " JOIN payment.ledger_posting USING (order_id, kind) WHERE order_id = %s AND amount_minor > 0 GROUP BY 1, 2",
            order_id))

    def let_answer(self, schema, order_id):
        """What the call of this order waits for is over."""
        found = self.stack.query(f"UPDATE {schema}.effect SET due_at = now() WHERE order_id = %s RETURNING kind", order_id)
        assert len(found) == 1


@pytest.fixture
def shop(at_rest):
    yield Shop(at_rest)
    assert_audit_is_clean(at_rest)


def took_ms(stack, order_id):
    """From the order's making to the moment its money came in."""
    return stack.value("SELECT extract(epoch FROM at - payment.uuid_v7_time(order_id)) * 1000"
                       " FROM payment.ledger_transaction WHERE order_id = %s AND kind = 'captured'", order_id)


def test_a_charge_comes_as_late_as_the_gateway_is_told(shop):
    with shop.stack.with_settings("worker-payment", PAYMENT_DELAY_MS=1500):
        order_id = shop.buy()
        shop.stack.wait_status(order_id, "COMPLETED", 90)
    assert took_ms(shop.stack, order_id) >= 1500
    assert (shop.books(order_id), shop.stock()) == (TAKEN, SHIPPED)


def test_a_charge_under_way_outlives_the_worker_and_is_made_once(shop):
    stack = shop.stack
    with stack.with_settings("worker-payment", PAYMENT_DELAY_MS=HOUR_MS):
        order_id = shop.buy()
        wait_state(stack, "payment.charge", order_id, "charging")
        assert stack.wait_status(order_id, "PAYMENT", 90)["failureReason"] is None
        assert (shop.books(order_id), shop.stock()) == (set(), KEPT)
    assert state_of(stack, "payment.charge", order_id) == "charging"
    shop.let_answer("payment", order_id)
    stack.wait_status(order_id, "COMPLETED", 90)
    assert (shop.books(order_id), shop.stock()) == (TAKEN, SHIPPED)


@pytest.mark.parametrize("price, state, books", [(10, "refunded", GIVEN_BACK), (1000000, "cancelled", set())],
                         ids=["authorized", "declined"])
def test_a_cancel_while_the_charge_is_under_way(shop, price, state, books):
    """The gateway's answer comes to an order that is cancelled: what it took goes back."""
    stack = shop.stack
    with stack.with_settings("worker-payment", PAYMENT_DELAY_MS=HOUR_MS):
        order_id = shop.buy(price)
        wait_state(stack, "payment.charge", order_id, "charging")
        stack.wait_status(order_id, "PAYMENT", 90)
        cancelled_by_the_customer(stack, order_id)
        wait_state(stack, "payment.charge", order_id, "cancelling")
        shop.let_answer("payment", order_id)
        wait_state(stack, "payment.charge", order_id, state)
    stack.wait_rest()
    assert stack.stages(order_id) == ["PENDING", "PAYMENT", "CANCELLED"]
    assert (shop.books(order_id), shop.stock()) == (books, KEPT)


@pytest.mark.parametrize("changes, end, why, books, stock", [
    ({}, "COMPLETED", None, TAKEN, SHIPPED),
    ({"shippingAddress": ANTARCTICA}, "CANCELLED", "fulfillment_refused", GIVEN_BACK, KEPT),
], ids=["shipped", "refused"])
def test_an_order_waits_for_its_carrier_and_is_not_cancelled_meanwhile(shop, changes, end, why, books, stock):
    """It is being shipped: the customer is told 409, nothing changes, and the carrier's answer decides."""
    stack = shop.stack
    with stack.with_settings("worker-fulfillment", CARRIER_DELAY_MS=HOUR_MS):
        order_id = shop.buy(**changes)
        stack.wait_status(order_id, "FULFILLMENT", 90)
        wait_state(stack, "fulfillment.shipment", order_id, "requested")
        assert (shop.books(order_id), shop.stock()) == (TAKEN, HELD)
        refused = stack.cancel(order_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_cancellable")
        assert stack.order(order_id)["status"] == "FULFILLMENT"
        assert (shop.books(order_id), shop.stock()) == (TAKEN, HELD)
        shop.let_answer("fulfillment", order_id)
        assert stack.wait_status(order_id, end, 90)["failureReason"] == why
    stack.wait_rest()
    wait_state(stack, "payment.charge", order_id, "refunded" if why else "authorized")
    assert stack.stages(order_id) == ["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", end]
    assert (shop.books(order_id), shop.stock()) == (books, stock)
