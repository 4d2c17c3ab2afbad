"""Open-loop load: orders begin at a fixed rate, whatever becomes of the earlier ones, and each client repeats its order
under the same key until it has an answer that is final."""
import concurrent.futures
import contextlib
import itertools
import random
import threading
import time
import uuid

import requests

from harness.stack import order

CLIENTS = 96  # at once; an order that finds none free is late, not left out
TIMEOUT_S = 12  # longer than nginx waits
PAUSES_S = (0.1, 0.3, 1.0, 2.0)  # before a repeat; the last one again and again
PATIENCE_S = 120  # after the end of the load: who has no answer by then stays without

# Every twentieth of them ends otherwise than by COMPLETED.
ENDINGS = (
    {"items": [{"sku": "SKU-SOLDOUT", "quantity": 1, "unitPrice": 5}]},
    {"items": [{"sku": "SKU-1", "quantity": 2, "unitPrice": 900000.5}]},  # declined
    {"shippingAddress": {"country": "Antarctica", "city": "Vostok", "addressLine1": "1"}},
)


def wanted(rng, number):
    """Order NUMBER's key, customer, total in minor units and body."""
    ids = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(2)]
    cents, quantity = 1 + rng.randrange(100000), 1 + rng.randrange(9)
    body = order(customerId=ids[1],
                 items=[{"sku": f"SKU-{1 + rng.randrange(1002)}", "quantity": quantity, "unitPrice": cents / 100}])
    if number % 20 < len(ENDINGS):
        body.update(ENDINGS[number % 20])
    line = body["items"][0]
    return ids[0], ids[1], round(line["quantity"] * line["unitPrice"] * 100), body


class Load:
    def __init__(self, url, journal, rate, seed):
        self._url = f"{url}/api/v1/orders"
        self._journal = journal
        self._rate = rate
        self._rng = random.Random(seed)
        self._ending = threading.Event()
        self._patience_ends = float("inf")
        self._thread = threading.Thread(target=self._run)
        self.begun = self.over = 0  # orders; for the line of progress

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        """No more orders; those that were begun get their answers."""
        self._patience_ends = time.monotonic() + PATIENCE_S
        self._ending.set()
        self._thread.join()

    def _run(self):
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            number, futures = 0, []
            while not self._ending.is_set():
                due = begin + number / self._rate
                if self._ending.wait(max(0.0, due - time.monotonic())):
                    break
                futures.append(pool.submit(self._client, number, *wanted(self._rng, number)))
                number += 1
                self.begun = number
            for future in futures:
                future.result()

    def _client(self, number, key, customer, total, body):
        for attempt in itertools.count():
            self._journal.write(n=number, key=key, customer=customer, total=total)
            answer = self._send(key, body)
            if answer is not None:
                self._journal.write(n=number, status=answer.status_code,
                                    **({"order": answer.json()["orderId"]} if answer.status_code == 201 else {}))
            if answer is not None and answer.status_code < 500 and answer.status_code not in (409, 429):
                if answer.status_code == 201 and number % 20 == len(ENDINGS):
                    self._cancel(answer.json()["orderId"])
                break
            if time.monotonic() > self._patience_ends:
                break
            time.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
        self.over += 1

    def _send(self, key, body):
        try:
            return requests.post(f"{self._url}/create", json=body, headers={"Idempotency-Key": key}, timeout=TIMEOUT_S)
        except requests.RequestException:
            return None

    def _cancel(self, order_id):
        """At whatever stage it is; whether that was in time is for the order to say."""
        with contextlib.suppress(requests.RequestException):
            requests.post(f"{self._url}/{order_id}/cancel", timeout=TIMEOUT_S)
