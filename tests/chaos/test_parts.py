"""The parts of a chaos run: faults repeat with their seed, and the checker notices what it is there for."""
import random

import pytest

import checker
import journal
from load import wanted
from partition import Partitions, rules_for, run
from schedule import group_of, schedule

TARGETS = ["order-api", "relay-orders", "worker-order", "nginx", "postgres", "redis", "kafka", "kafka-2", "kafka-3"]
KINDS = {"kill", "freeze", "restart", "mute", "partition"}


def plan(seed, seconds=600, kinds=KINDS):
    return schedule(seed, seconds, 1.5, TARGETS, kinds)


def test_a_seed_makes_the_same_faults_again():
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_kind_meets_whom_it_can():
    met = {(fault.kind, group_of(fault.target)) for fault in plan(1)}
    assert met >= {(kind, target) for kind in ("kill", "freeze", "restart") for target in map(group_of, TARGETS)}
    assert met >= {("partition", server) for server in ("nginx", "postgres", "redis", "kafka")}
    assert {fault.target for fault in plan(1)} == set(TARGETS)


def test_what_this_machine_cannot_do_is_left_out():
    assert {fault.kind for fault in plan(1, kinds={"kill", "freeze"})} == {"kill", "freeze"}


def test_of_the_brokers_one_at_a_time_is_harmed_and_nothing_outlasts_the_run():
    for seed in range(20):
        until = 0.0
        for fault in plan(seed):
            assert fault.at + fault.seconds <= 600
            if group_of(fault.target) == "kafka":
                assert fault.at >= until
                until = fault.at + fault.seconds


@pytest.fixture
def told(tmp_path):
    """A journal of three orders: acknowledged at the second attempt, acknowledged, and never answered."""
    notes = journal.Journal(tmp_path / "journal")
    for n, key in enumerate("abc"):
        notes.write(n=n, key=key, customer=f"customer-{key}", total=100 + n)
    notes.write(n=0, status=503)
    notes.write(n=0, key="a", customer="customer-a", total=100)
    notes.write(n=0, status=201, order="1")
    notes.write(n=1, status=201, order="2")
    notes.close()
    return tmp_path / "journal"


KEPT = [("1", "customer-a", 100), ("2", "customer-b", 101)]


def test_an_order_without_an_answer_may_be_there_or_not(told):
    for held in (KEPT, [*KEPT, ("3", "customer-c", 102)]):
        verdict = checker.compare(journal.read(told), held)
        assert verdict.clean()
        assert (verdict.sent, verdict.attempts, verdict.acknowledged, verdict.found) == (3, 4, 2, 2)


@pytest.mark.parametrize(("held", "noticed"), [
    (KEPT[1:], "lost"),
    ([("9", "customer-a", 100), KEPT[1]], "lost"),
    ([*KEPT, ("4", "customer-a", 100)], "duplicated"),
    ([*KEPT, ("3", "customer-c", 102), ("4", "customer-c", 102)], "duplicated"),
    ([KEPT[0], ("2", "customer-b", 999)], "wrong"),
    ([*KEPT, ("5", "customer-x", 1)], "wrong"),
])
def test_the_checker_notices(told, held, noticed):
    verdict = checker.compare(journal.read(told), held)
    assert [name for name in ("lost", "duplicated", "wrong") if getattr(verdict, name)] == [noticed]


def test_two_answers_for_one_key_are_noticed(told):
    notes = journal.Journal(told)
    notes.write(n=1, status=201, order="7")
    notes.close()
    assert checker.compare(journal.read(told), KEPT).wrong


def test_the_same_seed_makes_the_same_orders_each_with_a_customer_of_its_own():
    made = [[wanted(rng, n) for n in range(100)] for rng in (random.Random(3), random.Random(3))]
    assert made[0] == made[1]
    assert len({customer for _, customer, _, _ in made[0]}) == 100


def test_rules_of_a_killed_run_are_removed():
    partitions = Partitions("test-of-its-own")
    if not partitions.possible():
        pytest.skip("iptables is missing, or may not be used here")
    for rule in rules_for([9], "orderline-chaos-test-of-its-own"):
        run("-I", *rule)
    assert "test-of-its-own" in run("-S", "INPUT").stdout
    partitions.heal_all()
    assert "test-of-its-own" not in run("-S", "INPUT").stdout
