"""An hour of steady load: what grows that should not. The last quarter beside the second; the first is for warming up."""
import contextlib
import os
import statistics

from pairs import Row
from pipeline import open_loop
from system import RELAYS, ROOT, SERVICES, WORKERS, run
from usage import resident_mib, trees

OURS = ("order-api", *RELAYS, *WORKERS)
RATE = 10
PASSING = ("outbox", "effect", "deadletter")  # rows come and go, so the size of the table has to stay
STAYING = ("orders.orders", "orders.progress", "orders.timeline", "payment.charge", "payment.ledger_posting",
           "inventory.reservation", "inventory.movement", "fulfillment.shipment", "notification.message")


def descriptors(roots):
    """{name: open descriptors of its processes}."""
    found = {}
    for pid, name in trees(roots).items():
        with contextlib.suppress(OSError):
            found[name] = found.get(name, 0) + len(os.listdir(f"/proc/{pid}/fd"))
    return found


def size(system, tables):
    return system.value("SELECT sum(pg_total_relation_size(t::regclass))::float8 FROM unnest(%s) AS t", list(tables))


def sample(system, latency):
    """One look at everything: {what: value}."""
    system.query("VACUUM ANALYZE orders.progress")  # the counts below are statistics
    roots = {name: pid for name, pid in system.pids().items() if name in OURS}
    taken = {("memory", name): sum(sizes) for name, sizes in resident_mib(roots).items()}
    taken |= {("descriptors", name): count for name, count in descriptors(roots).items()}
    taken["passing"] = size(system, [f"{service}.{table}" for service in SERVICES for table in PASSING])
    taken["staying"] = size(system, STAYING) / system.value("SELECT count(*) FROM orders.orders")
    return taken | {"p50": latency["p50Ms"], "p99": latency["p99Ms"]}


def quarters(samples, what):
    """The medians of the last quarter and of the second."""
    quarter = max(1, len(samples) // 4)
    middle = statistics.median(sample[what] for sample in samples[quarter:2 * quarter])
    return statistics.median(sample[what] for sample in samples[-quarter:]), middle


def row(samples, name, unit, what, goal):
    last, second = quarters(samples, what)
    return Row(name, unit, "the second quarter", goal, last, second, ratio=last / second, smaller_is_better=True)


def worst(samples, name, unit, kind, goal):
    """The program of which most was added."""
    rows = {program: row(samples, f"{name}, {program}", unit, (kind, program), goal)
            for _, program in filter(lambda what: what[0] == kind, samples[0])}
    most = max(rows.values(), key=lambda each: each.ratio)
    most.notes = {program: [round(each.theirs, 1), round(each.ours, 1)] for program, each in rows.items()}
    return most


def measure(system, quick, say):
    count, seconds = (8, 10) if quick else (60, 60)
    samples = []
    say(f"{count} times {seconds} s at {RATE} orders/s")
    for number in range(count):
        latency = open_loop(system, RATE, seconds, seed=number + 1)["creates"]
        samples.append(sample(system, latency))
        say(f"{number + 1}/{count}: p50 {latency['p50Ms']:.1f} ms, p99 {latency['p99Ms']:.1f} ms,"
            f" {sum(value for what, value in samples[-1].items() if what[0] == 'memory'):.0f} MiB of ours")
    system.wait_rest()
    run(ROOT / "build/release/bin/orderctl", "audit", env={**os.environ, **system.settings})
    yield worst(samples, "memory", "MiB", "memory", 1.1)
    yield worst(samples, "descriptors", "open", "descriptors", 1.05)
    yield row(samples, "outboxes, effects, dead letters", "bytes", "passing", 1.1)
    yield row(samples, "what stays of an order", "bytes", "staying", 1.1)
    yield row(samples, "create, p50", "ms", "p50", 1.25)
    yield row(samples, "create, p99", "ms", "p99", 1.5)
