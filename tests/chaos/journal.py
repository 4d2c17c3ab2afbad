"""What clients sent and were told, one JSON line a fact; on disk before anything is sent, so that no crash can forget it.

    {"n": 7, "key": "...", "customer": "...", "total": 1234}      an attempt begins
    {"n": 7, "status": 201, "order": "..."}                        and what came of it; none: nobody knows
"""
import collections
import dataclasses
import json
import os
import threading


class Journal:
    """Thread safe. Threads that write at once share one fsync."""

    def __init__(self, path):
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._written = self._synced = 0

    def write(self, **fact):
        with self._lock:
            self._file.write(json.dumps(fact).encode() + b"\n")
            self._written += 1
            mine = self._written
        with self._sync_lock:
            if self._synced < mine:
                reached = self._written
                os.fsync(self._file.fileno())
                self._synced = reached

    def close(self):
        self._file.close()


@dataclasses.dataclass
class Entry:
    """One order that a client wanted: one key, however often it was sent."""
    key: str = ""
    customer: str = ""  # each order has a customer of its own: the second way to find it
    total: int = 0  # in minor units
    attempts: int = 0
    statuses: list = dataclasses.field(default_factory=list)
    orders: set = dataclasses.field(default_factory=set)  # the ids that 201 named


def read(path):
    """Entries by their number."""
    entries = collections.defaultdict(Entry)
    with open(path, "rb") as lines:
        for line in lines:
            fact = json.loads(line)
            entry = entries[fact["n"]]
            if "key" in fact:
                entry.key, entry.customer, entry.total = fact["key"], fact["customer"], fact["total"]
                entry.attempts += 1
                continue
            entry.statuses.append(fact["status"])
            if fact["status"] == 201:
                entry.orders.add(fact["order"])
    return dict(entries)
