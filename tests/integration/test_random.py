"""Orders of every outcome, many at once, with cancels at random moments: then rest, and every invariant.

    /usr/bin/python3 -m pytest tests/integration/test_random.py --orders 50000 --seed 7 -s -k provider

Charges are simulated, or made by a provider that misbehaves: by the last two digits of a total, and with charges and refunds
at random. The seed decides what is ordered, when it is cancelled, and which requests to the provider fail how; which of two
events wins a race is the system's own affair.
"""
import collections
import concurrent.futures
import random
import threading
import time
import uuid

import pytest
import requests
from test_payment_provider import charging_by_provider
from test_stock import stock_up

from harness.orderctl import assert_audit_is_clean
from harness.stack import order

CLIENTS = 16
DEFAULT_COUNT = {"simulator": 700, "provider": 300}
CALLS = ("POST /v1/charges", "POST /v1/refunds")
TROUBLES = ("timeout_after", "500_after", "500_before", "429", "cut_before", "cut_after")
ORDERS_A_ROUND = 100  # each round, each call meets each trouble
DECLINED_DIGITS = 51  # of a total in minor units: the provider says no (deploy/provider)
ANTARCTICA = {"country": "Antarctica", "city": "Vostok", "addressLine1": "1"}

# What an order may come to, apart from cancelled_by_customer. "scarce": there are pieces for about half of them.
ENDS = {
    "plain": {None},
    "declined": {"payment_declined"},
    "sold out": {"out_of_stock"},
    "unknown": {"out_of_stock"},
    "refused": {"fulfillment_refused"},
    "scarce": {None, "out_of_stock"},
}
SHARES = {"plain": 55, "declined": 10, "sold out": 5, "unknown": 5, "refused": 10, "scarce": 15}


class Plan:
    """One order: what it is, and what its client does with it."""

    def __init__(self, number, rng, scarce):
        self.key = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        self.kind = rng.choices(list(SHARES), SHARES.values())[0]
        self.repeats = rng.random() < 0.05
        self.cancel_after = rng.choice([0, rng.uniform(0, 0.05), rng.uniform(0, 1)]) if rng.random() < 0.3 else None
        skus = [f"SKU-{rng.randint(1, 20)}" for _ in range(rng.randint(1, 5))]
        skus += {"sold out": ["SKU-SOLDOUT"], "unknown": [f"NO-SUCH-{number}"], "scarce": [scarce]}.get(self.kind, [])
        rng.shuffle(skus)
        lines = [{"sku": sku, "quantity": 1 if sku == scarce else rng.randint(1, 9999) / 1000,
                  "unitPrice": rng.randint(0, 9999) / 100} for sku in skus]
        if self.kind == "declined":
            lines[0] = {"sku": "SKU-1", "quantity": 1, "unitPrice": 1000000.01 + rng.randint(0, 100)}
        self.body = order(items=lines, **({"shippingAddress": ANTARCTICA} if self.kind == "refused" else {}))
        self.order_id = None
        self.total_minor = None
        self.cancelled = None  # status code of the cancel's answer


def troubles(rng, rounds):
    """A plan for the provider: for each call, some requests that fare well, then one or two that do not, and so on."""
    for call in CALLS:
        for _ in range(rounds):
            for mode in rng.sample(TROUBLES, len(TROUBLES)):
                yield {"mode": "ok", "times": rng.randint(1, 4), "requests": call}
                yield {"mode": mode, "times": rng.randint(1, 2), "requests": call}


class Client(threading.local):
    def __init__(self):
        self.session = requests.Session()

    def post(self, url, **arguments):
        """An answer that is one; what the server asks to repeat, and what it never answered, is sent again."""
        end = time.monotonic() + 300
        while True:
            try:
                answer = self.session.post(url, timeout=30, **arguments)
                if answer.status_code not in (409, 502, 503, 504) or answer.json().get("code") == "not_cancellable":
                    return answer
            except requests.ConnectionError:
                pass
            assert time.monotonic() < end, f"no answer of {url} for 300 s"
            time.sleep(0.1)


def carry_out(stack, client, plan):
    def place():
        return client.post(f"{stack.url}/api/v1/orders/create", json=plan.body, headers={"Idempotency-Key": plan.key})

    answer = place()
    assert answer.status_code == 201, answer.text
    plan.order_id = answer.json()["orderId"]
    plan.total_minor = round(answer.json()["totalAmount"] * 100)
    if plan.cancel_after is not None:
        time.sleep(plan.cancel_after)  # the moment is what is random here
        plan.cancelled = client.post(f"{stack.url}/api/v1/orders/{plan.order_id}/cancel").status_code
        assert plan.cancelled in (200, 409)
    if plan.repeats:
        assert place().content == answer.content


def ends_of(plan, gateway):
    """What the order may come to. The provider has no limit of an amount, and declines by digits whatever else is wrong."""
    if gateway == "simulator":
        return ENDS[plan.kind]
    if plan.total_minor % 100 == DECLINED_DIGITS:
        return {"payment_declined"}
    return {None} if plan.kind == "declined" else ENDS[plan.kind]


@pytest.fixture(params=["simulator", "provider"])
def shop(request, at_rest, tmp_path):
    """What takes the charges; None: they are simulated."""
    if request.param == "simulator":
        yield None
        return
    # the provider syncs its books for each charge: of many orders the last ones wait longer than customers would
    with charging_by_provider(at_rest, tmp_path) as shop, \
            at_rest.with_lasting_settings("worker-order", CANCEL_AFTER_MS=86_400_000):
        yield shop


def test_random_orders_leave_every_invariant_whole(at_rest, shop, request):
    gateway = "provider" if shop else "simulator"
    count = request.config.getoption("--orders") or DEFAULT_COUNT[gateway]
    seed = request.config.getoption("--seed")
    rng = random.Random(f"{gateway} {seed}")
    scarce = stock_up(at_rest, max(1, count * SHARES["scarce"] // 200))
    plans = [Plan(number, rng, scarce) for number in range(count)]
    if shop:
        shop.provider.behave_by(list(troubles(rng, max(1, count // ORDERS_A_ROUND))))
    client = Client()
    began = time.monotonic()
    print(f"\n{count} orders, seed {seed}, {gateway}")
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        for done, _ in enumerate(pool.map(lambda plan: carry_out(at_rest, client, plan), plans), 1):
            if done % 5000 == 0:
                print(f"{done} accepted after {time.monotonic() - began:.0f} s", flush=True)
    at_rest.wait_rest(240 + count / 20)
    if shop:
        shop.wait_no_calls(240 + count / 20)
    print(f"at rest after {time.monotonic() - began:.0f} s")

    found = dict(at_rest.query("SELECT order_id::text, coalesce(failure_reason, '') FROM orders.progress"
                               " WHERE order_id = ANY(%s::uuid[])", [plan.order_id for plan in plans]))
    assert len(found) == count, "orders that were acknowledged are lost, or two keys share one"
    ends = collections.Counter()
    for plan in plans:
        reason = found[plan.order_id] or None
        ends[reason or "COMPLETED"] += 1
        if plan.cancelled is None:
            assert reason in ends_of(plan, gateway), f"seed {seed}: {plan.kind} order {plan.order_id} ended as {reason}"
        elif plan.cancelled == 200:
            assert reason == "cancelled_by_customer" or reason in ends_of(plan, gateway) - {None}, (
                seed, plan.order_id, reason)
        else:
            assert reason in (None, "fulfillment_refused"), (seed, plan.order_id, reason)
    print(dict(ends))
    assert at_rest.value("SELECT on_hand FROM inventory.stock WHERE sku = %s", scarce) >= 0
    if shop:
        met = shop.provider.met()
        print({f"{mode} {call}": met.get(f"{mode} {call}", 0) for call in CALLS for mode in TROUBLES})
        assert count < DEFAULT_COUNT[gateway] or all(met.get(f"{mode} {call}") for call in CALLS for mode in TROUBLES), met
        shop.orders = list(found)
        shop.assert_books_agree()
        told = shop.assert_audit_is_clean()["provider"]
        for kind in ("charge", "refund"):
            entries = shop.provider.entries(kind)
            assert entries, f"no {kind} in the provider's books"
            assert told[f"{kind}s"] == len(entries)
            print(f"{len(entries)} {kind}s, {sum(amount for _, amount in entries.values())} minor units in both books")
    else:
        assert_audit_is_clean(at_rest)
