"""More orders than it can take: what becomes of the excess and of those that are taken, and how soon it is over.

A machine that runs the load as well cannot offer ten times what the whole system takes of it. So the system is made small,
by limits of order-api and by a database whose every batch of orders takes BATCH_MS longer: the peak is a fraction of the
real one, and the cores are free for refusals and for the load. What is shown is how the limits work, not how high they are.
"""
import contextlib
import json
import os
import subprocess
import time

from pairs import Row
from system import ROOT, URL

BATCH_MS = 50
LIMITS = {"WRITERS": 1, "BATCH_MAX": 4, "REQUESTS_MAX": 32}  # of each of two processes
CONNECTIONS = (24, 48, 96)  # the peak is the best of these: few do not fill the batches, many are refused now and then
CROWD = 4096  # the most orders under way that the load has
TIMES = (2, 5, 10)
LOOK_EVERY_S, GIVE_UP_S = 1, 60


@contextlib.contextmanager
def slow_batches(system):
    system.query(f"CREATE FUNCTION orders.bench_slow() RETURNS trigger LANGUAGE plpgsql AS"
                 f" $$BEGIN PERFORM pg_sleep({BATCH_MS / 1000}); RETURN NULL; END$$")
    system.query("CREATE TRIGGER bench_slow BEFORE INSERT ON orders.orders"
                 " FOR EACH STATEMENT EXECUTE FUNCTION orders.bench_slow()")
    try:
        yield
    finally:
        system.query("DROP TRIGGER bench_slow ON orders.orders")
        system.query("DROP FUNCTION orders.bench_slow()")


def offer(rate, seconds):
    """Open loop, new orders each time; refusals are what is asked for, so the exit status says nothing."""
    seed = int.from_bytes(os.urandom(6), "big")
    words = ("load", "--json", "--rate", round(rate), "--seconds", seconds, "--seed", seed, "--connections", CROWD)
    done = subprocess.run([ROOT / "build/release/bin/orderctl", *map(str, words)], capture_output=True, text=True,
                          check=False, env={"PATH": "/usr/bin:/bin", "API_URL": URL})
    if not done.stdout:
        raise RuntimeError(f"orderctl {words}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def recovery(rate, usual, ended):
    """Seconds since ENDED until a second's orders take no longer than twice what is usual, and none is refused."""
    while time.monotonic() - ended < GIVE_UP_S:
        begun = time.monotonic()
        told = offer(rate, LOOK_EVERY_S)
        if told["created"] == told["sent"] and told["p90Ms"] <= 2 * usual["p90Ms"]:
            return begun - ended
    return GIVE_UP_S


def measure(system, quick, say):
    seconds = 10 if quick else 60
    with slow_batches(system), system.with_settings("order-api", **LIMITS):
        rates = {count: system.wrk("create", seconds, count)["rate"] for count in CONNECTIONS}
        peak = max(rates.values())
        usual_rate = max(5, peak * 0.3)
        usual = offer(usual_rate, seconds)
        yield Row("peak, made small", "orders/s", ours=peak,
                  notes={"by connections": {count: round(rate) for count, rate in rates.items()},
                         "ms a batch takes longer": BATCH_MS, **LIMITS, "p90 at a third of it, ms": usual["p90Ms"]})
        for times in TIMES:
            say(f"{times} times the peak, {times * peak:.0f} orders/s, for {seconds} s")
            begun = time.monotonic()
            told = offer(times * peak, seconds)
            late = time.monotonic() - begun - seconds
            took = recovery(usual_rate, usual, begun + seconds)
            name, excess = f"at {times} times the peak", told["sent"] - told["created"]
            goodput = told["createdPerSecond"]  # until the last answer
            yield Row(f"{name}, goodput", "orders/s", "the peak", 0.8, goodput, peak, ratio=goodput / peak,
                      notes={"load": told, "its last answer, s after its end": round(late, 1)})
            if told["unanswered"]:
                say("the load got no answer to some: it has no processor time to spare, so this is no result")
            yield Row(f"{name}, excess told to come again", "of all", goal=0.99,
                      ours=(told["limited"] - told["limitedWithoutRetryAfter"]) / excess if excess else None)
            yield Row(f"{name}, refusals, p99", "ms", ours=told["ofLimited"]["p99Ms"])
            yield Row(f"{name}, those taken, p99", "ms", ours=told["notLimited"]["p99Ms"])
            yield Row(f"{name}, as usual after", "s", goal=10, ours=took, smaller_is_better=True)
        system.wait_rest()
