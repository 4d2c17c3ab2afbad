"""What a full database does to the speed of create, GET and list."""
import tempfile

from over_http import place
from pairs import Row

GROW = """
    WITH fresh AS MATERIALIZED (
        SELECT n, uuid_in(overlay(overlay(overlay(md5(random()::text || n) PLACING '8' FROM 17) PLACING '7' FROM 13)
                                  PLACING lpad(to_hex(%s::bigint + n), 12, '0') FROM 1)::cstring) AS order_id
        FROM generate_series(1, %s) AS n
    ), made AS (
        INSERT INTO orders.orders (order_id, key_digest, body_digest, customer_id, currency, total_minor, items, address)
        SELECT f.order_id, md5('key' || f.order_id)::uuid, md5('body')::uuid, md5('c' || f.n %% 100000)::uuid, o.currency,
               o.total_minor, o.items, o.address
        FROM fresh AS f CROSS JOIN (SELECT * FROM orders.orders WHERE order_id = %s::uuid) AS o
    )
    SELECT count(*) FROM fresh"""
GROW_REST = """
    INSERT INTO orders.progress (order_id, customer_id, status, version, updated_at, outcome)
    SELECT o.order_id, o.customer_id, 'COMPLETED', 5, orders.uuid_v7_time(o.order_id), 'COMPLETED'
    FROM orders.orders AS o WHERE o.order_id >= %s::uuid AND o.order_id < %s::uuid;
    INSERT INTO orders.timeline (order_id, version, at, to_status, event_id, trace_id)
    SELECT o.order_id, 1, orders.uuid_v7_time(o.order_id), 'PENDING', o.body_digest, decode(repeat('ab', 16), 'hex')
    FROM orders.orders AS o WHERE o.order_id >= %s::uuid AND o.order_id < %s::uuid"""
FIRST_MS = 1_600_000_000_000  # ids of the filling: years before any order of the load
CHUNK = 100_000


def uuid_from_ms(ms):
    """The lowest UUIDv7 of a millisecond."""
    return f"{ms:012x}"[:8] + "-" + f"{ms:012x}"[8:] + "-7000-8000-000000000000"


def fill(system, already, count, like, say):
    for done in range(already, count, CHUNK):
        first = FIRST_MS + done
        size = min(CHUNK, count - done)
        system.query(GROW, first, size, like)
        chunk = (uuid_from_ms(first + 1), uuid_from_ms(first + size + 1))
        system.query(GROW_REST, *chunk, *chunk)
        say(f"{done + size} orders")
    system.query("VACUUM ANALYZE orders.orders")
    system.query("VACUUM ANALYZE orders.progress")
    system.query("VACUUM ANALYZE orders.timeline")
    system.query("CHECKPOINT")


def measure(system, quick, say):
    """Create, GET and the list at sizes of the table, over at least one whole checkpoint each."""
    sizes, seconds = ((0, 100_000), 5) if quick else ((0, 1_000_000, 10_000_000), 60)
    text = place(system, "growth").split(b"\r\n\r\n", 1)[1].decode()
    like = text.split('"orderId":"')[1][:36]
    system.wait_rest()
    empty, had = {}, 0
    for size in sizes:
        fill(system, had, size, like, say)
        had = size
        ids = system.query("SELECT order_id::text FROM orders.orders TABLESAMPLE SYSTEM (%s) LIMIT 20000",
                           min(100, 2_000_000 / max(size, 1)))
        rates = {"create": system.wrk("create", seconds)["rate"]}
        system.wait_rest()
        with tempfile.NamedTemporaryFile("w", prefix="orderline-ids-") as file:
            file.writelines(f"{order_id}\n" for (order_id,) in ids)
            file.flush()
            rates["get"] = system.wrk("get", seconds, ids=file.name)["rate"]
        rates["list, first page"] = system.wrk("list", seconds, list="/api/v1/orders?size=20")["rate"]
        rates["list, last page"] = system.wrk("list", seconds, list=last_page(system))["rate"]
        for name, rate in rates.items():
            if size == 0:
                empty[name] = rate
                continue
            goal = 0.9 if name in ("create", "get") else None
            yield Row(f"{name} at {size} orders", "requests/s", "the same when empty", goal, rate, empty[name],
                      rate / empty[name])
        if size:
            yield Row(f"last page against first at {size} orders", "requests/s", "first page", 0.9,
                      rates["list, last page"], rates["list, first page"],
                      rates["list, last page"] / rates["list, first page"])


def last_page(system):
    """The page behind the cursor of the oldest orders."""
    order_id = system.value("SELECT order_id::text FROM orders.orders ORDER BY order_id OFFSET 20 LIMIT 1")
    return f"/api/v1/orders?size=20&cursor={order_id or ''}"
