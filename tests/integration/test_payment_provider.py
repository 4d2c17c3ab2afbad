"""Charges by a provider over HTTP that fails in every way: each order is charged once, and its books agree with ours."""
import contextlib
import datetime

import pytest

from harness.orderctl import assert_audit_is_clean
from harness.provider import TOKEN, Provider
from harness.stack import wait_for

PATIENCE_S = 120

SETTINGS = {
    "PAYMENT_GATEWAY": "http",
    "PAYMENT_TOKEN": TOKEN,
    "PAYMENT_TIMEOUT_MS": 1500,
    "PAYMENT_BREAKER_FAILURES": 1000000,
    "EFFECT_CALL_MS": 4000,
    "EFFECT_RETRY_FIRST_MS": 50,
    "EFFECT_RETRY_MAX_MS": 500,
    "EFFECT_ATTEMPTS": 1000,
}


class Shop:
    """A stack whose worker-payment charges by PROVIDER, and the orders placed there."""

    def __init__(self, stack, provider):
        self.stack, self.provider, self.orders = stack, provider, []
        self._began = datetime.datetime.now(datetime.UTC)

    def place(self, price, sku="SKU-3"):
        order_id = self.stack.place(items=[{"sku": sku, "quantity": 1, "unitPrice": price}])
        self.orders.append(order_id)
        return order_id

    def charge(self, order_id):
        found = self.stack.query("SELECT state::text FROM payment.charge WHERE order_id = %s", order_id)
        return found[0][0] if found else None

    def wait_charge(self, order_id, state):
        wait_for(f"charge {state}", lambda: self.charge(order_id) == state, PATIENCE_S)

    def wait_status(self, order_id, status):
        return self.stack.wait_status(order_id, status, PATIENCE_S)

    def booked(self, kind, account):
        return {order_id: (currency, amount) for order_id, currency, amount in self.stack.query(
            "SELECT order_id::text, currency, amount_minor FROM payment.ledger_transaction"
            " JOIN payment.ledger_posting USING (order_id, kind)"
            " WHERE kind = %s::payment.ledger_kind AND account = %s::payment.ledger_account AND order_id = ANY (%s::uuid[])",
            kind, account, self.orders)}

    def wait_no_calls(self, seconds):
        """Orders come to their end before the last call for them does: a refund may still be repeated."""
        wait_for("no call to the provider waits", lambda: not self.stack.value("SELECT count(*) FROM payment.effect"),
                 seconds, 0.1)

    def assert_books_agree(self):
        assert self.provider.entries("charge") == self.booked("captured", "revenue")
        assert self.provider.entries("refund") == self.booked("refunded", "customer")

    def assert_audit_is_clean(self):
        """Every invariant, and both sides' books of all orders since this shop opened."""
        words = "--provider", self.provider.url, "--provider-since", self._began.isoformat()
        return assert_audit_is_clean(self.stack, *words, more=["provider"], PAYMENT_TOKEN=TOKEN)


@contextlib.contextmanager
def charging_by_provider(stack, folder):
    """Inside, charges go to a provider with its books in FOLDER; yields a Shop."""
    if not hasattr(stack, "with_lasting_settings"):
        pytest.skip("the provider of these tests is a process of this machine")
    provider = Provider(folder, stack.port + 10)
    provider.start()
    try:
        with stack.with_lasting_settings("worker-payment", PAYMENT_URL=provider.url, **SETTINGS):
            yield Shop(stack, provider)
    finally:
        provider.kill()


@pytest.fixture(scope="module")
def gateway(stack, tmp_path_factory):
    with charging_by_provider(stack, tmp_path_factory.mktemp("provider")) as shop:
        yield shop
        shop.assert_audit_is_clean()


@pytest.fixture
def shop(gateway, at_rest):
    """Behind each test the provider behaves again, everything comes to rest, and both sides' books agree."""
    yield gateway
    gateway.provider.behave("ok")
    at_rest.wait_rest(PATIENCE_S)
    gateway.wait_no_calls(PATIENCE_S)
    gateway.assert_books_agree()


def test_however_the_provider_misbehaves_an_order_is_charged_once(shop):
    good = [shop.place(price) for price in (10, 10.52, 10.53, 10.54, 10.55, 10.56, 10.57, 10.58)]
    declined = shop.place(10.51)
    for order_id in good:
        shop.wait_status(order_id, "COMPLETED")
    assert shop.wait_status(declined, "CANCELLED")["failureReason"] == "payment_declined"
    assert set(good) <= set(shop.provider.entries("charge"))
    assert declined not in shop.provider.entries("charge")


@pytest.mark.parametrize("mode", ["ok", "500_after", "timeout_after", "cut_before"])
def test_a_charge_is_given_back_however_the_provider_misbehaves(shop, mode):
    with shop.stack.stopped("worker-inventory"):
        order_id = shop.place(20)
        shop.wait_charge(order_id, "authorized")
        shop.provider.behave(mode, 1, "POST")
        assert shop.stack.cancel(order_id).status_code == 200
        shop.wait_charge(order_id, "refunded")
    assert order_id in shop.provider.entries("refund")


def test_a_cancel_while_the_charge_is_under_way_gives_back_what_comes_of_it(shop):
    shop.provider.behave("429")
    order_id = shop.place(30)
    shop.wait_charge(order_id, "charging")
    assert shop.stack.cancel(order_id).status_code == 200
    shop.wait_charge(order_id, "cancelling")
    shop.provider.behave("ok")
    shop.wait_charge(order_id, "refunded")
    assert shop.stack.order(order_id)["status"] == "CANCELLED"
    assert order_id in shop.provider.entries("charge") and order_id in shop.provider.entries("refund")


@pytest.mark.parametrize("place", ["after_lease", "before_call", "after_call", "before_settle", "after_settle"])
def test_a_crash_around_the_call_leads_to_exactly_one_charge(shop, place):
    before = shop.stack.crashes("worker-payment")
    shop.stack.restart("worker-payment", FAILPOINTS=f"effect.{place}=kill@1")
    order_id = shop.place(40)
    wait_for("the crash", lambda: shop.stack.crashes("worker-payment") > before, PATIENCE_S)
    shop.wait_status(order_id, "COMPLETED")
    assert shop.provider.entries("charge")[order_id] == ("USD", 4000)


def test_a_provider_out_of_reach_is_left_alone_until_it_is_back(shop):
    def log():
        return shop.stack.log("worker-payment")[seen:]

    seen = 0
    seen = len(log())
    shop.stack.restart("worker-payment", PAYMENT_BREAKER_FAILURES=3, PAYMENT_BREAKER_OPEN_MS=300)
    shop.provider.kill()
    with contextlib.ExitStack() as back:
        back.callback(shop.provider.start)
        orders = [shop.place(50 + i) for i in range(5)]
        wait_for("the breaker", lambda: "failed 3 times in a row" in log(), PATIENCE_S)
    for order_id in orders:
        shop.wait_status(order_id, "COMPLETED")
    assert "answers again" in log()
    shop.stack.restart("worker-payment")


def test_a_refund_that_fails_for_good_waits_for_an_operator(shop):
    shop.stack.restart("worker-payment", EFFECT_ATTEMPTS=2)
    with shop.stack.stopped("worker-inventory"):
        order_id = shop.place(60)
        shop.wait_charge(order_id, "authorized")
        shop.provider.behave("500_before")
        assert shop.stack.cancel(order_id).status_code == 200
        shop.wait_charge(order_id, "compensation_failed")
    failed = shop.stack.query("SELECT state, amount_minor, kind, error FROM payment.failed_compensations(10)"
                              " WHERE order_id = %s", order_id)
    assert failed == [("compensation_failed", 6000, "refund", "the provider answered 500")]

    shop.provider.behave("ok")
    assert shop.stack.value("SELECT payment.retry_compensations(ARRAY[%s]::uuid[])", order_id) == 1
    shop.wait_charge(order_id, "refunded")
    shop.stack.restart("worker-payment")
