#!/usr/bin/python3
"""Load, faults, rest, audit: what `./stack chaos` runs."""
import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import sys
import threading
import time

import psycopg2
from confluent_kafka import KafkaException

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import checker
import journal
from faults import PORTS, Faults
from harness.local import ROOT, LocalStack
from harness.orderctl import orderctl
from harness.stack import RELAYS, WORKERS, wait_for
from load import Load
from schedule import group_of, schedule

PORT = int(os.environ.get("CHAOS_PORT_BASE") or int(os.environ.get("TEST_PORT_BASE", "4001")) + 100)
REST_LIMIT_S = 180  # to come to rest once everything is healed: past it something is stuck
SERVERS = ("postgres", "redis", "kafka", "nginx")


def chaos_stack(build="test"):
    """A stack of its own, with three brokers where Apache Kafka is to be had."""
    embedded = os.environ.get("BROKER") == "embedded"
    directory = os.environ.get("CHAOS_STACK_DIR") or ROOT / ".stack-chaos"
    return LocalStack(directory, PORT, build, KAFKA_NODES=1 if embedded else 3)


@dataclasses.dataclass
class Outcome:
    verdict: checker.Verdict
    done: list  # the faults that met somebody
    drain_s: float
    broken: list  # invariants, and what else must not be

    def clean(self):
        return self.verdict.clean() and not self.broken

    def kills(self):
        return sum(fault.kind == "kill" for fault in self.done)

    def outages(self):
        """How often each server was away, by whatever fault."""
        met = collections.Counter(group_of(fault.target) for fault in self.done)
        return {server: met[server] for server in SERVERS}

    def lines(self):
        v = self.verdict
        by_kind = collections.Counter(fault.kind for fault in self.done)
        yield f"faults        {len(self.done)}: " + ", ".join(f"{kind} {n}" for kind, n in sorted(by_kind.items()))
        yield "outages       " + ", ".join(f"{server} {n}" for server, n in self.outages().items())
        yield f"orders        {v.sent} sent in {v.attempts} attempts, {v.acknowledged} acknowledged"
        yield f"              {v.found} found, {len(v.lost)} lost, {len(v.duplicated)} duplicated, {len(v.wrong)} wrong"
        yield f"drained in    {self.drain_s:.1f} s"
        for problem in (*v.lost, *v.duplicated, *v.wrong, *self.broken)[:40]:
            yield f"  BROKEN: {problem}"
        yield "CLEAN" if self.clean() else "NOT CLEAN"


def targets_of(stack):
    ours = ["order-api", *RELAYS, *WORKERS]
    brokers = [name for name in PORTS if name.startswith("kafka")] if stack.durable_broker else []
    return [*ours, "nginx", "postgres", "redis", *brokers]


def meet(faults, fault, ended, done):
    """One fault from its beginning to its healing, in a thread of its own."""
    heal = faults.do(fault)
    if heal is None:
        return  # it was down already
    done.append(fault)
    ended.wait(fault.seconds)
    heal()


def do_all(plan, faults, seconds, say):
    """Lets every fault of PLAN happen at its time; afterwards all are healed."""
    begin, done, ended = time.monotonic(), [], threading.Event()
    with contextlib.ExitStack() as scope, concurrent.futures.ThreadPoolExecutor(32) as pool:
        scope.callback(faults.heal_all)
        meeting = []
        for fault in plan:
            time.sleep(max(0.0, begin + fault.at - time.monotonic()))
            say(f"{time.monotonic() - begin:7.1f} s  {fault.kind:<10}{fault.target}"
                + (f" for {fault.seconds:g} s" if fault.seconds else ""))
            meeting.append(pool.submit(meet, faults, fault, ended, done))
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
        ended.set()
        for each in meeting:
            each.result()
    return done


def come_to_rest(stack):
    """Seconds until everything is at rest. Servers that are still coming up are asked again."""
    begin = time.monotonic()
    while True:
        try:
            wait_for("every program runs", lambda: all(stack.pids().values()), REST_LIMIT_S, 0.2)
            wait_for("PostgreSQL answers", stack.answers_sql, REST_LIMIT_S, 0.2)
            stack.wait_rest(REST_LIMIT_S)
            return time.monotonic() - begin
        except (psycopg2.OperationalError, KafkaException):
            if time.monotonic() - begin > REST_LIMIT_S:
                raise
            time.sleep(0.5)


def audit(stack, path):
    """What `orderctl audit` finds broken, what clients were told among it."""
    done = orderctl(stack, "audit", "--wait", 60, "--journal", path, "--json")
    if not done.stdout:
        return [f"orderctl audit: {done.stderr}"]
    return [f"{row['name']}: {row['examples']}" for row in json.loads(done.stdout)["invariants"] if row["broken"]]


def chaos(stack, scratch, seed, seconds, rate, pace, say=print):
    """A whole run against STACK, which is up."""
    faults = Faults(stack)
    faults.heal_all()  # what a run that was killed has left
    kinds, targets = faults.kinds(), targets_of(stack)
    if "partition" not in kinds:
        say("left out: partitions (iptables is missing, or may not be used here)")
    if not stack.durable_broker:
        say("left out: faults of Kafka (the embedded broker forgets everything when it stops)")
    say(f"seed {seed}: {seconds:g} s, {rate:g} orders/s, a fault every {pace:g} s")
    path = pathlib.Path(scratch) / f"journal-{seed}.jsonl"
    path.unlink(missing_ok=True)
    notes = journal.Journal(path)
    try:
        with Load(stack.url, notes, rate, seed):
            done = do_all(schedule(seed, seconds, pace, targets, kinds), faults, seconds, say)
        broken = []
        try:
            drain_s = come_to_rest(stack)
        except AssertionError as error:
            drain_s, broken = float(REST_LIMIT_S), [str(error)]
    finally:
        notes.close()
    verdict = checker.compare(journal.read(path), checker.orders_of(stack))
    return Outcome(verdict, done, drain_s, broken + audit(stack, path) + stack.sanitizer_reports())


def main():
    parser = argparse.ArgumentParser(prog="./stack chaos")  # ./stack chaos --help tells what they do
    parser.add_argument("--seed", type=int)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--pace", type=float, default=2)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 31)

    stack = chaos_stack()
    scratch = ROOT / "build" / "chaos"
    scratch.mkdir(parents=True, exist_ok=True)
    clean = False
    try:
        stack.up()
        outcome = chaos(stack, scratch, seed, options.minutes * 60, options.rate, options.pace,
                        lambda line: print(line, flush=True))
        clean = outcome.clean()
        print(f"\nseed          {seed}", *outcome.lines(), sep="\n")
    finally:
        if not options.keep:
            stack.down(keep_logs=not clean)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
