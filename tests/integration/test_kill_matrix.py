"""kill -9 at every named place of every program, under load: each comes back, everything converges, all invariants hold."""
import concurrent.futures
import contextlib
import os
import threading
import uuid

import pytest
import requests
from failpoints import rounds

from harness.stack import order, wait_for
from invariants import broken_invariants


def keep_ordering(stack, enough, accepted):
    """One client: orders until ENOUGH, every fourth cancelled at once; each repeated with its key until it is accepted."""
    count = 0
    while not enough.is_set():
        key, count = str(uuid.uuid4()), count + 1
        while (order_id := once(stack, key)) is None:
            pass
        accepted.append((key, order_id))
        if count % 4 == 0:
            with contextlib.suppress(requests.RequestException):  # it may die of just that
                stack.cancel(order_id)


def once(stack, key):
    try:
        answer = stack.post_order(order(), key, timeout=15)
    except requests.RequestException:
        return None
    assert answer.status_code in (201, 409, 502, 503, 504), answer.text
    return answer.json()["orderId"] if answer.status_code == 201 else None


def tree(stack, program):
    from harness.local import descendants
    return descendants(stack.pid(program)) if stack.pid(program) else []


def gone(pids):
    return not all(os.path.exists(f"/proc/{pid}") for pid in pids)


@pytest.mark.parametrize("victims", list(rounds()), ids=lambda victims: next(iter(victims.values())).split(".")[1])
def test_killed_at_a_failpoint(at_rest, victims):
    if not hasattr(at_rest, "arm"):
        pytest.skip("the local stack arms all programs at once; containers are killed by test_faults.py")
    crashes = {program: at_rest.crashes(program) for program in victims}
    at_rest.arm({program: f"{name}=kill@1" for program, name in victims.items()})
    trees = {program: tree(at_rest, program) for program in victims}
    enough, accepted = threading.Event(), []
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        clients = [pool.submit(keep_ordering, at_rest, enough, accepted) for _ in range(6)]
        try:
            for program, name in victims.items():
                wait_for(f"{program} dies at {name}", lambda: gone(trees[program])  # noqa: B023
                         or at_rest.crashes(program) > crashes[program], 120, 0.1)  # noqa: B023
            before = len(accepted)
            wait_for("orders behind all deaths", lambda: len(accepted) > before + 6, 120)
        finally:
            enough.set()
            concurrent.futures.wait(clients, timeout=120)
            if "order-api" in victims:  # its parent gives each new process the same failpoint
                at_rest.restart("order-api")
        for client in clients:
            client.result()

    at_rest.wait_rest(180)
    assert broken_invariants(at_rest) == []
    for key, order_id in accepted[-20:]:
        assert once(at_rest, key) == order_id
    held = at_rest.query("SELECT order_id::text FROM orders.orders WHERE order_id = ANY(%s::uuid[])",
                         [order_id for _, order_id in accepted])
    assert len(held) == len(accepted)
