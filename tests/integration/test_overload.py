"""More orders than can be taken: the excess is refused at once and told when to come again, the others are taken as ever,
and it is over when the crowd has gone. What the machine can take is made small, by a database whose every batch of orders
takes a while. `./stack bench --only overload` has the figures."""
import concurrent.futures
import contextlib
import json
import os
import threading
import time

from test_outages import local_only

from harness.orderctl import orderctl
from harness.stack import order, wait_for

LIMITS = {"WRITERS": 1, "BATCH_MAX": 2, "REQUESTS_MAX": 16}  # of each of two processes
BATCH_SECONDS = 0.05
FEW = 5  # orders a second


@contextlib.contextmanager
def slow_batches(stack):
    stack.query(f"CREATE FUNCTION orders.test_slow() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$BEGIN PERFORM pg_sleep({BATCH_SECONDS}); RETURN NULL; END$$")
    stack.query("CREATE TRIGGER test_slow BEFORE INSERT ON orders.orders"
                " FOR EACH STATEMENT EXECUTE FUNCTION orders.test_slow()")
    try:
        yield
    finally:
        stack.query("DROP TRIGGER test_slow ON orders.orders")
        stack.query("DROP FUNCTION orders.test_slow()")


def capacity(stack, clients=12, seconds=3):
    """Orders a second, taken from as many CLIENTS as are never refused, each of which waits for its answer."""
    enough = threading.Event()

    def client(_):
        count = 0
        while not enough.is_set():
            count += stack.post_order(order()).status_code == 201
        return count

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        counts = pool.map(client, range(clients))
        time.sleep(seconds)  # the measurement itself, not a wait for anything
        enough.set()
        return sum(counts) / seconds


def offer(stack, rate, seconds):
    """Open loop; what became of the orders."""
    seed = int.from_bytes(os.urandom(6), "big")
    return json.loads(orderctl(stack, "load", "--json", "--rate", round(rate), "--seconds", seconds, "--seed", seed,
                               "--connections", 1024).stdout)


def taken_whole(told):
    return told if told["created"] == told["sent"] else None


def test_orders_in_excess_are_refused_at_once_and_the_others_taken_as_ever(at_rest):
    local_only(at_rest)
    with slow_batches(at_rest), at_rest.with_settings("order-api", **LIMITS):
        usual = wait_for("few orders are taken whole", lambda: taken_whole(offer(at_rest, FEW, 2)), 60)
        peak = capacity(at_rest)
        crowd = offer(at_rest, 5 * peak, 4)
        assert (crowd["refused"], crowd["unanswered"], crowd["limitedWithoutRetryAfter"]) == (0, 0, 0)
        assert crowd["created"] + crowd["limited"] == crowd["sent"] and crowd["limited"] > crowd["created"]
        assert crowd["ofLimited"]["p50Ms"] < crowd["notLimited"]["p50Ms"], "a refusal waits for nobody"
        assert crowd["createdPerSecond"] > peak / 2, "no collapse"

        def as_ever():
            told = taken_whole(offer(at_rest, FEW, 1))
            return told and told["p50Ms"] < 2 * usual["p50Ms"] + 1000 * BATCH_SECONDS
        wait_for("latency as before", as_ever, 10)
