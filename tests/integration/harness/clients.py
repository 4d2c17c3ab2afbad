"""Clients that go on while something happens to the stack."""
import concurrent.futures
import contextlib
import threading
import uuid

from .stack import order


def place_and_read(stack, enough):
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


@contextlib.contextmanager
def clients(stack, count=4):
    """COUNT of them for as long as the block runs; afterwards the dict has "orders" (their ids) and "odd"."""
    enough, told = threading.Event(), {"orders": [], "odd": []}
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        going = [pool.submit(place_and_read, stack, enough) for _ in range(count)]
        try:
            yield told
        finally:
            enough.set()
        for order_ids, odd in (each.result(timeout=120) for each in going):
            told["orders"] += order_ids
            told["odd"] += odd
