"""Descriptors run out: what cannot be served is refused at once, nobody dies, and it passes with the want."""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import subprocess

import pytest
from test_brownouts import refused
from test_faults import completed, place_many
from test_outages import local_only

from harness.local import descendants
from harness.stack import order, wait_for

CROWD = 64  # requests at once


def crowd(stack):
    """The answers to CROWD orders at once."""
    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(lambda _: stack.post_order(order()), range(CROWD)))



def limit_descriptors(pid, most):
    """As the process's own user, who may do it without a capability."""
    owner = pathlib.Path(f"/proc/{pid}").stat()
    subprocess.run(["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", "--",
                    "prlimit", "--pid", str(pid), f"--nofile={most}:"], check=True)


@contextlib.contextmanager
def descriptors_up_to(pids, more):
    """Each of PIDS may open only MORE than it has; below 0: fewer, so that one that it closes cannot be opened again."""
    before = {}
    for pid in pids:
        before[pid] = int(re.search(r"Max open files +(\d+)", pathlib.Path(f"/proc/{pid}/limits").read_text())[1])
        limit_descriptors(pid, max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1 + more)
    try:
        yield
    finally:
        for pid, most in before.items():
            limit_descriptors(pid, most)


def judge(answers):
    """How many were taken; all others were refused in the proper way."""
    odd = [answer.text for answer in answers if answer.status_code != 201 and not refused(answer, "unavailable")]
    assert not odd, odd[:3]
    return sum(answer.status_code == 201 for answer in answers)


def test_order_api_without_descriptors_refuses_at_once_and_takes_orders_again_with_them(at_rest):
    local_only(at_rest)
    processes = descendants(at_rest.pid("order-api"))[1:]
    with descriptors_up_to(processes, 2):
        answers = crowd(at_rest)
        assert judge(answers) < CROWD, "some are refused"
        assert max(answer.elapsed.total_seconds() for answer in answers) < 5, "and none waits for nginx to give up"
    assert judge(crowd(at_rest)) == CROWD
    assert descendants(at_rest.pid("order-api"))[1:] == processes, "nobody died of it"


def test_order_api_started_with_few_descriptors_takes_fewer_requests_at_once(at_rest):
    local_only(at_rest)
    with at_rest.with_lasting_settings("order-api", shell="ulimit -n 40"):
        told = re.findall(r"ready: (\d+) requests at once", at_rest.log("order-api"))[-1]
        assert 1 <= int(told) < 40
        processes = descendants(at_rest.pid("order-api"))[1:]
        for _ in range(3):
            assert judge(crowd(at_rest)) > 0
        assert descendants(at_rest.pid("order-api"))[1:] == processes
    assert judge(crowd(at_rest)) == CROWD


@pytest.mark.parametrize("program", ["worker-payment", "relay-orders"])
def test_one_that_cannot_connect_for_want_of_descriptors_waits_and_goes_on_with_them(at_rest, program):
    local_only(at_rest)
    pid = at_rest.pid(program)
    role = {"worker-payment": "orderline_payment", "relay-orders": "orderline_orders"}[program]
    application = "outbox-relay" if program.startswith("relay-") else program
    with descriptors_up_to([pid], -8):
        ended = at_rest.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                              " WHERE usename = %s AND application_name = %s", role, application)
        assert ended, "it had a connection"
        order_ids = place_many(at_rest, 16)
        wait_for("it says so", lambda: "Too many open files" in at_rest.log(program), 60)
        assert not completed(at_rest, order_ids[:1])
    wait_for("all completed", lambda: completed(at_rest, order_ids), 90)
    assert at_rest.pid(program) == pid, "it did not die of it"
