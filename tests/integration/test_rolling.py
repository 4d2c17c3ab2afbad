"""Every process is replaced under load, and no client notices."""
import concurrent.futures
import threading
import uuid

import pytest

from harness.stack import order, wait_for


def client(stack, enough):
    """Places and reads orders, each request on a connection of its own, until ENOUGH; the ids, and what was not as usual."""
    order_ids, odd = [], []
    while not enough.is_set():
        answer = stack.post_order(order(), str(uuid.uuid4()))
        if answer.status_code != 201 or "Idempotency-Replayed" in answer.headers:
            odd.append((answer.status_code, answer.text))
            continue
        order_ids.append(answer.json()["orderId"])
        found = stack.get(f"/api/v1/orders/{order_ids[-1]}")
        if found.status_code != 200:
            odd.append((found.status_code, found.text))
    return order_ids, odd


def test_a_rolling_restart_fails_no_request(at_rest):
    if not hasattr(at_rest, "roll"):
        pytest.skip("containers are rolled by whoever orchestrates them")
    before, enough = at_rest.pids(), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(client, at_rest, enough) for _ in range(4)]
        try:
            at_rest.roll()
        finally:
            enough.set()
        done = [each.result(timeout=120) for each in clients]

    after = at_rest.pids()
    replaced = {name for name in before if name.startswith(("relay-", "worker-")) and before[name] != after[name]}
    assert replaced == {name for name in before if name.startswith(("relay-", "worker-"))}
    assert [odd for _, odd in done if odd] == []
    order_ids = [order_id for ids, _ in done for order_id in ids]
    assert order_ids
    wait_for("all completed", lambda: at_rest.value(
        "SELECT count(*) FROM orders.progress WHERE status = 'COMPLETED' AND order_id = ANY(%s::uuid[])",
        order_ids) == len(order_ids), 180, 0.2)
