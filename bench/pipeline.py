"""Orders through all stages: sustained rate, latency at fixed rates, copies, the relay and one consumer alone."""
import json
import subprocess
import tempfile
import time

from pairs import Row, paired
from system import PROGRAMS, RELAYS, ROOT, URL, WORKERS, run, wait_for
from usage import cpu_between, cpu_ns

LATENCY_GOALS = {200: (60, 250)}  # orders/s: p50 and p99 in ms, PENDING to COMPLETED
LATENCY = """
    SELECT count(*), percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY took)
    FROM (SELECT extract(epoch FROM p.updated_at - orders.uuid_v7_time(p.order_id)) * 1000 AS took
          FROM orders.progress AS p WHERE p.outcome = 'COMPLETED' AND p.order_id >= %s::uuid) AS done"""


def newest(system):
    """An order id that all later ones are above."""
    return system.value("SELECT coalesce(max(order_id::text), '00000000-0000-0000-0000-000000000000') FROM orders.orders")


def sustained(system, seconds):
    """Orders a second from the first create to the last COMPLETED, under as many creates as come."""
    roots = system.pids()
    before = cpu_ns(roots)
    begun = time.monotonic()
    result = system.wrk("create", seconds)
    system.wait_rest()
    took = time.monotonic() - begun
    used = cpu_between(before, cpu_ns(roots))
    return result["good"] / took, {name: round(s / result["good"] * 1e6, 1) for name, s in used.items()
                                   if s / result["good"] >= 0.5e-6}


def measure(system, quick, say):
    del say
    seconds, rounds = (5, 3) if quick else (30, 3)
    runs = sorted((sustained(system, seconds) for _ in range(rounds)), key=lambda pair: pair[0])
    rate, costs = runs[rounds // 2]
    yield Row("pipeline, sustained", "orders/s", goal=2000, ours=rate,
              notes={"runs": [round(r) for r, _ in runs], "CPU an order, us": costs,
                     "CPU an order in all, us": round(sum(costs.values()))})


def measure_latency(system, quick, say):
    """Open loop: the next order is sent when its time has come, whether or not the last one was answered."""
    seconds = 10 if quick else 60
    for rate in (50, 200, 1000):
        say(f"{rate} orders/s for {seconds} s")
        after = newest(system)
        sent = open_loop(system, rate, seconds)
        system.wait_rest()
        count, (p50, p99) = system.query(LATENCY, after)[0]
        goals = LATENCY_GOALS.get(rate, (None, None))
        name = f"PENDING to COMPLETED at {rate}/s"
        yield Row(f"{name}, p50", "ms", goal=goals[0], ours=p50, smaller_is_better=True, notes={"orders": count, **sent})
        yield Row(f"{name}, p99", "ms", goal=goals[1], ours=p99, smaller_is_better=True)


def open_loop(system, rate, seconds, seed=1):
    """orderctl load: latencies of creates, counted from when each was due. The same SEED places the same orders."""
    text = run(ROOT / "build/release/bin/orderctl", "load", "--json", "--rate", rate, "--seconds", seconds,
               "--seed", seed, env={"PATH": "/usr/bin:/bin", "API_URL": URL, **system.settings})
    return {"creates": json.loads(text.splitlines()[-1])}


def measure_copies(system, quick, say):
    """1, 2 and 4 processes of order-api and of each worker."""
    seconds = 5 if quick else 30
    for copies in (1, 2, 4):
        say(f"{copies} of each")
        system.stack("up", ORDER_API_PROCESSES=copies, WORKERS=copies)
        creates = system.wrk("create", seconds)["rate"]
        system.wait_rest()
        yield Row(f"pipeline with {copies} of each", "orders/s", ours=sustained(system, seconds)[0],
                  notes={"creates/s": round(creates)})
    system.stack("up")


# ---- the relay and a consumer alone ----

FILL = """
    INSERT INTO orders.outbox (id, aggregatetype, aggregateid, type, payload, traceparent)
    SELECT gen_random_uuid(), 'orders', o.id, 'order.nudged',
           json_build_object('orderId', o.id, 'padding', (SELECT string_agg(md5(random()::text || o.n), '')
                                                          FROM generate_series(1, 16))),
           '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, %s) AS n) AS o"""
ROW_BYTES = 580  # of that payload


def measure_relay(system, quick, say):
    """A backlog of rows against librdkafka's own speed with as many messages of that size, and Kafka's own tool."""
    count, rounds = (100_000, 3) if quick else (1_000_000, 3)
    brokers = system.settings["KAFKA_BROKERS"]
    system.stop(*WORKERS)

    def relay():
        system.stop("relay-orders")
        say(f"filling the outbox with {count} rows")
        system.query(FILL, count)
        system.query("VACUUM ANALYZE orders.outbox")
        system.query("CHECKPOINT")
        begun = time.monotonic()
        system.start("relay-orders")
        wait_for("the outbox is empty", lambda: not system.value("SELECT EXISTS (SELECT FROM orders.outbox)"), 900)
        return count / (time.monotonic() - begun)

    def producer():
        return float(run(PROGRAMS / "bench-producer", brokers, "orders", count, ROW_BYTES))

    row = paired(Row("relay, backlog", "messages/s", "librdkafka alone", 0.6), relay, producer, rounds)
    row.notes = {"rows": count, "kafka-producer-perf-test, messages/s": perf_test(brokers, count)}
    yield row


def perf_test(brokers, count):
    """What Kafka's own producer tool reaches on this broker, with the same durability and size."""
    text = subprocess.run(
        ["java", "-cp", f"{ROOT}/build/kafka/libs/*", "org.apache.kafka.tools.ProducerPerformance", "--topic", "orders",
         "--num-records", str(count), "--record-size", str(ROW_BYTES), "--throughput", "-1", "--producer-props",
         f"bootstrap.servers={brokers}", "acks=all", "compression.type=lz4", "linger.ms=5", "batch.size=262144"],
        capture_output=True, text=True, check=False).stdout.strip().splitlines()
    return round(float(text[-1].split(" records/sec")[0].split()[-1])) if text else None


def measure_consumer(system, quick, say):
    """One worker behind a topic full of orders."""
    seconds = 5 if quick else 20
    others = [name for name in (*WORKERS, *RELAYS) if name not in ("relay-orders", "worker-payment")]
    system.stop("worker-payment", *others)
    say("placing orders while their consumer is away")
    count = system.wrk("create", seconds)["good"]
    wait_for("the orders' outbox is empty", lambda: not system.value("SELECT EXISTS (SELECT FROM orders.outbox)"))
    before = system.value("SELECT count(*) FROM payment.inbox")
    begun = time.monotonic()
    system.start("worker-payment")
    wait_for("all consumed", lambda: system.value("SELECT count(*) FROM payment.inbox") >= before + count, 300)
    yield Row("one consumer (payment)", "events/s", ours=count / (time.monotonic() - begun), notes={"events": count})


def measure_sql(system, quick, say):
    """The database's own speed with the SQL of a create: one order a transaction, and 64, at the best number of clients."""
    seconds = 3 if quick else 10
    for orders in (1, 64):
        rates = {}
        for clients in (1, 2, 4, 8, 16, 32):
            say(f"pgbench: {orders} an order call, {clients} clients")
            rates[clients] = pgbench(system, orders, clients, seconds)
        best = max(rates, key=rates.get)
        yield Row(f"pgbench, create_orders of {orders}", "orders/s", ours=rates[best] * orders,
                  notes={"clients": best, "by clients": {c: round(r * orders) for c, r in rates.items()}})


PGBENCH = """
    SELECT count(*) FROM orders.create_orders(
        ARRAY(SELECT uuid_in(overlay(overlay(replace(gen_random_uuid()::text, '-', '') PLACING lpad(to_hex((extract(epoch
              FROM clock_timestamp()) * 1000)::bigint), 12, '0') FROM 1) PLACING '7' FROM 13)::cstring)
              FROM generate_series(1, {n})),
        ARRAY(SELECT gen_random_uuid() FROM generate_series(1, {n})),
        ARRAY(SELECT gen_random_uuid() FROM generate_series(1, {n})),
        array_fill('67993c38-8059-4d8b-8567-1542560584ee'::uuid, ARRAY[{n}]), array_fill('USD'::text, ARRAY[{n}]),
        array_fill(102217::bigint, ARRAY[{n}]), array_fill('{items}'::text, ARRAY[{n}]),
        array_fill('{address}'::text, ARRAY[{n}]), ARRAY(SELECT gen_random_uuid() FROM generate_series(1, {n})),
        array_fill('{items}'::text, ARRAY[{n}]),
        array_fill('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'::text, ARRAY[{n}]));
"""
# The blanks keep pgbench from taking ":33" for a variable.
ITEMS = ('[{"sku": "SKU-1", "quantity": 33, "unitPrice": 19.99, "lineTotal": 659.67},'
         '{"sku": "SKU-2", "quantity": 14.5, "unitPrice": 25.00, "lineTotal": 362.50}]')
ADDRESS = '{"country": "USA", "city": "Austin", "addressLine1": "Lincoln, 65"}'


def pgbench(system, orders, clients, seconds):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH.format(n=orders, items=ITEMS, address=ADDRESS))
        script.flush()
        text = run("/usr/lib/postgresql/15/bin/pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2),
                   "-T", seconds, "-f", script.name, system.settings["DATABASE_URL"])
    return float(next((line.split()[2] for line in text.splitlines() if line.startswith("tps")), 0))
