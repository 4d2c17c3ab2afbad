"""What a test can do with a running Orderline, wherever it runs: as local processes or as containers."""
import contextlib
import json
import socket
import time
import uuid

import psycopg2
import redis
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from .contract import Contract

SERVICES = ("orders", "payment", "inventory", "fulfillment", "notification")
WORKERS = tuple(f"worker-{name}" for name in ("order", "payment", "inventory", "fulfillment", "notification"))
RELAYS = tuple(f"relay-{name}" for name in SERVICES)
TOPICS = ("orders", "payments", "inventory", "fulfillment", "notifications")


def wait_for(what, probe, seconds=30.0, every=0.02):
    """Polls PROBE until it returns something true, and returns that; fails naming WHAT."""
    end = time.monotonic() + seconds
    while True:
        last = probe()
        if last:
            return last
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(every)


class Stack:
    """Backends fill in the attributes and the methods that raise NotImplementedError."""

    url = ""  # http://127.0.0.1:PORT
    metrics_url = ""  # of order-api's metrics, the same without a path
    prometheus_url = ""  # of the stack's own, where it has one
    database_url = ""  # the administrator's
    redis_url = ""
    brokers = ""
    contract = Contract()  # what every answer is held against
    durable_broker = True  # False: the embedded broker, which forgets everything when it stops

    # ---- processes ----

    def stop(self, program):
        """Stops PROGRAM in order (SIGTERM) and waits until it is gone."""
        raise NotImplementedError

    def start(self, program, wait_ready=True, **settings):
        """Starts PROGRAM with SETTINGS added to its environment, and waits until it is ready where WAIT_READY is set."""
        raise NotImplementedError

    def kill(self, program):
        """SIGKILL, as a crash: the supervisor brings it back."""
        raise NotImplementedError

    def crashes(self, program):
        """How often PROGRAM has died of a signal that it did not ask for."""
        raise NotImplementedError

    def pid(self, program):
        """The process id of PROGRAM now, or None."""
        raise NotImplementedError

    def pause(self, program):
        """Freezes PROGRAM: it keeps its connections and answers nothing."""
        raise NotImplementedError

    def resume(self, program):
        raise NotImplementedError

    can_partition = False  # local processes share one network

    def partition(self, program):
        """Cuts PROGRAM off the network, both ways, until heal()."""
        raise NotImplementedError

    def heal(self, program):
        raise NotImplementedError

    def another(self, program):
        """A context in which one more process of PROGRAM runs beside the first."""
        raise NotImplementedError

    def restart(self, program, **settings):
        self.stop(program)
        self.start(program, **settings)

    @contextlib.contextmanager
    def stopped(self, program):
        self.stop(program)
        try:
            yield
        finally:
            self.start(program)

    @contextlib.contextmanager
    def with_settings(self, program, **settings):
        """PROGRAM runs with SETTINGS inside, and as before outside."""
        self.restart(program, **settings)
        try:
            yield
        finally:
            self.restart(program)

    def lasting_settings(self, program, **settings):
        """As with_settings, and over crashes too. Local programs only."""
        raise NotImplementedError

    # ---- HTTP ----

    def post_order(self, body, key=None, headers=None, prefix="/api/v1", timeout=60):
        sent = {"Idempotency-Key": key or str(uuid.uuid4()), **(headers or {})}
        return requests.post(f"{self.url}{prefix}/orders/create", json=body, headers=sent, timeout=timeout)

    def place(self, **changes):
        """A valid order with CHANGES, accepted: its id."""
        answer = self.post_order(order(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()["orderId"]

    def get(self, path, **kwargs):
        return requests.get(f"{self.url}{path}", timeout=60, **kwargs)

    def raw(self, request):
        """The head and the body that come back for REQUEST, bytes as they are; it asks for the connection's end."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(request)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        self.contract.judge_raw(request, answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        return head, body

    def order(self, order_id):
        answer = self.get(f"/api/v1/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def cancel(self, order_id):
        return requests.post(f"{self.url}/api/v1/orders/{order_id}/cancel", timeout=60)

    def wait_status(self, order_id, status, seconds=30.0):
        return wait_for(f"order {order_id} {status}, it is {self.order(order_id)['status']}",
                        lambda: (found := self.order(order_id))["status"] == status and found, seconds)

    def stages(self, order_id):
        """The states an order went through, oldest first."""
        answer = self.get(f"/api/v1/orders/{order_id}/timeline")
        assert answer.status_code == 200, answer.text
        return [step["to"] for step in answer.json()["data"]]

    # ---- what programs tell of themselves ----

    def health_url(self, program):
        """Where PROGRAM's health port answers, for a test: http://HOST:PORT."""
        raise NotImplementedError

    def metrics(self, program):
        """PROGRAM's metrics now: {'name{labels}': value}."""
        text = requests.get(f"{self.health_url(program)}/metrics", timeout=10).text
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines()
                                                       if line and not line.startswith("#"))}

    def metric(self, program, name):
        """The sum of NAME over its labels."""
        return sum(value for key, value in self.metrics(program).items() if key.partition("{")[0] == name)

    # ---- databases ----

    def query(self, sql, *args):
        """Rows of SQL, as the administrator, on a connection of its own."""
        connection = psycopg2.connect(self.database_url, connect_timeout=5)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, args)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @contextlib.contextmanager
    def session(self):
        """A cursor of the administrator whose statements are transactions by themselves; its locks end with it."""
        connection = psycopg2.connect(self.database_url, connect_timeout=5)
        connection.autocommit = True
        try:
            yield connection.cursor()
        finally:
            connection.close()

    def value(self, sql, *args):
        return self.query(sql, *args)[0][0]

    def answers_sql(self):
        try:
            return self.value("SELECT 1") == 1
        except psycopg2.OperationalError:
            return False

    def redis(self):
        return redis.Redis.from_url(self.redis_url, socket_timeout=5)

    # ---- the broker ----

    def produce(self, topic, key, value, headers):
        producer = Producer({"bootstrap.servers": self.brokers, "partitioner": "murmur2_random",
                             "message.timeout.ms": 10000})
        failed = []
        producer.produce(topic, key=key, value=value, headers=headers, on_delivery=lambda err, _: err and failed.append(err))
        assert producer.flush(15) == 0 and not failed, failed

    def messages(self, topic, order_id):
        """Every message of TOPIC about ORDER_ID so far, in order."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": f"test-{uuid.uuid4()}",
                             "enable.auto.commit": False, "log_level": 0})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in partitions}
            consumer.assign([TopicPartition(topic, p, low) for p, (low, _) in ends.items()])
            missing = {p for p, (low, high) in ends.items() if high > low}
            found = []
            end = time.monotonic() + 20
            while missing:
                assert time.monotonic() < end, f"cannot read {topic} to its end"
                message = consumer.poll(0.2)
                if message is None or message.error():
                    continue
                if message.offset() + 1 >= ends[message.partition()][1]:
                    missing.discard(message.partition())
                if message.key() == str(order_id).encode():
                    found.append(message)
            return found
        finally:
            consumer.close()

    def members(self, group):
        """How many consumers share the work of GROUP; the embedded broker cannot tell."""
        found = AdminClient({"bootstrap.servers": self.brokers}).list_groups(group, timeout=10)
        return len(found[0].members) if found and found[0].state == "Stable" else 0

    def lag(self):
        """Messages not yet committed as done, by group; None where it cannot be told now."""
        lags = {}
        for worker, topics in SUBSCRIPTIONS.items():
            group = "orderline-" + worker.removeprefix("worker-")
            consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": group, "enable.auto.commit": False,
                                 "log_level": 0})
            try:
                total = 0
                for topic in topics:
                    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
                    for done in consumer.committed([TopicPartition(topic, p) for p in partitions], timeout=10):
                        low, high = consumer.get_watermark_offsets(done, timeout=10)
                        total += high - max(done.offset, low)
                lags[group] = total
            finally:
                consumer.close()
        return lags

    # ---- rest and invariants ----

    def outbox_rows(self):
        return {name: self.value(f"SELECT count(*) FROM {name}.outbox") for name in SERVICES}

    def wait_rest(self, seconds=90.0):
        """Until every order is at its end, every outbox empty, every group without lag."""
        wait_for("every order COMPLETED or CANCELLED",
                 lambda: not self.value("SELECT count(*) FROM orders.progress"
                                        " WHERE status NOT IN ('COMPLETED', 'CANCELLED')"),
                 seconds, 0.1)
        wait_for("empty outboxes", lambda: not any(self.outbox_rows().values()), seconds, 0.1)
        wait_for("no consumer lag", lambda: not any(self.lag().values()), seconds, 0.2)


# What each group consumes (workers/services/*.c).
SUBSCRIPTIONS = {
    "worker-order": ("orders", "payments", "inventory", "fulfillment"),
    "worker-payment": ("orders",),
    "worker-inventory": ("orders", "payments"),
    "worker-fulfillment": ("orders",),
    "worker-notification": ("orders",),
}


def order(**changes):
    """The body of a valid order of 1022.17 USD; CHANGES replace its members."""
    body = {
        "customerId": "67993c38-8059-4d8b-8567-1542560584ee",
        "items": [
            {"sku": "SKU-1", "quantity": 33, "unitPrice": 19.99},
            {"sku": "SKU-2", "quantity": 14.50, "unitPrice": 25},
        ],
        "currency": "USD",
        "shippingAddress": {"country": "USA", "city": "Austin", "addressLine1": "Lincoln, 65"},
    }
    body.update(changes)
    return body


def headers_of(message):
    return {name: value.decode() for name, value in message.headers() or []}


def payload_of(message):
    return json.loads(message.value())
