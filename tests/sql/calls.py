"""The SQL functions as Python calls: rows as lists of named tuples."""
import itertools
import json
import os
import time
import uuid
from dataclasses import dataclass, field

import psycopg2.extras

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"

CREATED, EXISTS, BUSY = 0, 1, 2
FRESH, DUPLICATE, HELD = 0, 1, 2

_numbers = itertools.count(1)


def uuid7(age_ms=0):
    """A UUIDv7 as old as that; those of one test rise, as a service's do."""
    number = next(_numbers)
    unix_ms = int(time.time() * 1000) - age_ms
    tail = int.from_bytes(os.urandom(4), "big")
    return uuid.UUID(int=unix_ms << 80 | 7 << 76 | 2 << 62 | (number & 0x3FFFFFFF) << 32 | tail)


def rows(connection, call, *arguments):
    with connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
        psycopg2.extras.register_uuid(conn_or_curs=cursor)
        cursor.execute(call, arguments or None)
        return cursor.fetchall() if cursor.description else []


def value(connection, call, *arguments):
    return rows(connection, call, *arguments)[0][0]


@dataclass
class Order:
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    customer: uuid.UUID = field(default_factory=uuid.uuid4)
    age_ms: int = 0
    total_minor: int = 102217

    def __post_init__(self):
        self.id = uuid7(self.age_ms)
        self.event = uuid7()
        self.body = uuid.uuid4()


def create(connection, *orders):
    found = rows(
        connection,
        "SELECT * FROM orders.create_orders(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [o.id for o in orders], [o.key for o in orders], [o.body for o in orders], [o.customer for o in orders],
        ["EUR" for o in orders], [o.total_minor for o in orders], ['[{"sku": "A",  "n": 1.50}]' for o in orders],
        ['{"city": "Graz"}' for o in orders], [o.event for o in orders],
        [json.dumps({"orderId": str(o.id)}) for o in orders], [TRACEPARENT for o in orders])
    assert [row.ord for row in found] == list(range(1, len(orders) + 1))
    return found


def outcomes(found):
    return [row.outcome for row in found]


def move(connection, order, version, *states, reason=None, failed_sku=None):
    """Moves ORDER through STATES, the first of which makes VERSION."""
    steps = list(itertools.pairwise(states))
    rows(connection, "SELECT orders.move_orders(%s, %s, %s, %s, %s, %s, %s, %s)",
         [order.id for _ in steps], [version + i for i, _ in enumerate(steps)],
         [a for a, _ in steps], [b for _, b in steps],
         [reason if b == "CANCELLED" else None for _, b in steps],
         [failed_sku if b == "CANCELLED" else None for _, b in steps], [uuid7() for _ in steps], [TRACE for _ in steps])


def listed(connection, customer=None, status=None, start=None, before=None, after=None, offset=0, limit=20):
    return [row.order_id for row in rows(connection, "SELECT * FROM orders.list_views(%s, %s, %s, %s, %s, %s, %s)",
                                         customer, status, start, before, after, offset, limit)]


def counted(connection, customer=None, status=None, start=None, before=None):
    return value(connection, "SELECT orders.count_orders(%s, %s, %s, %s)", customer, status, start, before)


def claim(connection, schema, *events, never_held=False):
    """EVENTS are (event id, order id)."""
    found = rows(connection, f"SELECT * FROM {schema}.inbox_claim(%s, %s, %s)",
                 [e for e, _ in events], [o for _, o in events], [never_held for _ in events])
    assert [row.ord for row in found] == list(range(1, len(events) + 1))
    return [row.verdict for row in found]


def deadletter(connection, schema, *events, reason="unreadable", held=False, payload=b"\x00\xff"):
    """EVENTS are (event id, order id), both or either None."""
    n = len(events)
    rows(connection,
         f"SELECT {schema}.deadletter_set_aside(%s::uuid[], %s::uuid[], %s, %s, %s, %s, %s, %s, %s::text[], %s, %s, %s)",
         [e for e, _ in events], [o for _, o in events], ["t"] * n, ["orders"] * n, [3] * n, list(range(n)),
         [b"key"] * n, [payload] * n, [None] * n, [TRACEPARENT] * n, [reason] * n, [held] * n)


def append(connection, schema, *order_ids):
    ids = [uuid7() for _ in order_ids]
    n = len(ids)
    rows(connection, f"SELECT {schema}.outbox_append(%s, %s, %s, %s, %s, %s)", ids, ["orders"] * n, list(order_ids),
         ["order.created"] * n, ['{"a":  1}'] * n, [TRACEPARENT] * n)
    return ids


def read(connection, schema, floor=0, in_flight=(), limit=100):
    return rows(connection, f"SELECT * FROM {schema}.outbox_read(%s, %s::bigint[], %s)", floor, list(in_flight), limit)
