"""The audit: clean on data that is right; data broken in one way breaks the invariants named for it, and no other."""
import json
import re
import string
import uuid

import psycopg2.extras
import pytest
from test_orderctl import orderctl

from calls import uuid7
from conftest import ROOT

ITEMS = '[{"sku":"SKU-1","quantity":2,"unitPrice":10.00},{"sku":"SKU-2","quantity":1.5,"unitPrice":3.33},' \
        '{"sku":"SKU-1","quantity":0.5,"unitPrice":1.00}]'
TOTAL = 2000 + 500 + 50
LINES = (("SKU-1", 2500), ("SKU-2", 1500))

WAYS = {
    "completed": (["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "COMPLETED"], None, "authorized", "shipped", "shipped"),
    "declined": (["PENDING", "PAYMENT", "CANCELLED"], "payment_declined", "declined", "cancelled", None),
    "sold_out": (["PENDING", "PAYMENT", "INVENTORY", "CANCELLED"], "out_of_stock", "refunded", "rejected", None),
    "refused": (["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "CANCELLED"], "fulfillment_refused", "refunded",
                "released", "rejected"),
    "cancelled": (["PENDING", "PAYMENT", "CANCELLED"], "cancelled_by_customer", "cancelled", "cancelled", None),
    # an early success moves the order through two stages with one event
    "early": (["PENDING", "PAYMENT", "INVENTORY+", "FULFILLMENT", "COMPLETED"], None, "authorized", "shipped", "shipped"),
}


class World:
    """An order of each ending, as the services leave them behind."""

    def __init__(self, session):
        self.session = session
        self.customers = {}
        self.orders = {name: self.add(name, *way) for name, way in WAYS.items()}

    def run(self, sql, *args):
        with self.session.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall() if cursor.description else []

    def add(self, name, stages, reason, charge, reservation, shipment):
        order, end = uuid7(), stages[-1]
        self.customers[name] = uuid.uuid4()
        self.run("INSERT INTO orders.orders VALUES (%s, %s, %s, %s, 'USD', %s, %s, '{}')", order, uuid.uuid4(), uuid.uuid4(),
                 self.customers[name], TOTAL, ITEMS)
        self.run("INSERT INTO orders.progress VALUES (%s, %s, %s, %s, now(), NULL, %s)", order, end, end, len(stages),
                 reason)
        self.timeline(order, stages, reason)
        self.run("SELECT payment.lock_charges(ARRAY[%s]::uuid[])", order)
        self.run("SELECT payment.save_charges(ARRAY[%s]::uuid[], ARRAY[%s], ARRAY[%s]::text[], ARRAY[%s]::bigint[],"
                 " ARRAY[%s]::bigint[], ARRAY[%s]::text[], ARRAY[%s]::text[])", order, charge,
                 None if charge == "cancelled" else "USD", 0 if charge == "cancelled" else TOTAL,
                 TOTAL if charge == "refunded" else 0, "[]" if charge in ("authorized", "refunded") else None,
                 "limit" if charge == "declined" else None)
        self.run("INSERT INTO inventory.reservation VALUES (%s, %s, %s, %s, %s, now())", order, reservation,
                 "[]" if reservation in ("released", "shipped") else None,
                 *(("out_of_stock", "SKU-1") if reservation == "rejected" else (None, None)))
        for sku, quantity in LINES if reservation in ("released", "shipped") else ():
            self.move(order, sku, "reserved", quantity)
            self.move(order, sku, reservation, quantity)
        if shipment:
            self.run("INSERT INTO fulfillment.shipment VALUES (%s, %s, %s, %s, %s, %s, now())", order, shipment,
                     *((uuid.uuid4(), "post", "T1", None) if shipment == "shipped" else (None, None, None, "refused")))
        self.run("INSERT INTO notification.conversation VALUES (%s, %s)", order, end.lower())
        for kind in ("confirmation", end.lower()):
            self.run("INSERT INTO notification.message VALUES (%s, %s, 'log')", order, kind)
        return order

    def timeline(self, order, stages, reason):
        """Each step by an event of its own, but that the first two share order.created, and "X+" shares the next one's."""
        created, before = uuid7(), None
        events = [created, created, *(uuid7() for _ in stages[2:])]
        for at, stage in enumerate(stages):
            if stage.endswith("+"):
                events[at] = events[at + 1]
        for at, stage in enumerate(stage.rstrip("+") for stage in stages):
            self.run("INSERT INTO orders.timeline VALUES (%s, %s, now(), %s, %s, %s, %s)", order, at + 1, before, stage,
                     reason if stage == "CANCELLED" else None, events[at])
            before = stage
        by_customer = reason == "cancelled_by_customer"
        self.applied("orders", *(events[:-1] if by_customer else events))
        self.applied("payment", created)
        self.applied("notification", created)
        if "INVENTORY" in stages:
            self.applied("inventory", events[2])

    def applied(self, service, *events):
        for event in events:
            self.run(f"INSERT INTO {service}.inbox (event_id) VALUES (%s) ON CONFLICT DO NOTHING", event)

    def move(self, order, sku, kind, quantity):
        taken, reserved, shipped = {"reserved": (1, 1, 0), "released": (-1, -1, 0), "shipped": (0, -1, 1)}[kind]
        self.run("INSERT INTO inventory.movement (order_id, sku, kind, quantity) VALUES (%s, %s, %s, %s)",
                 order, sku, kind, quantity)
        self.run("UPDATE inventory.stock SET on_hand = on_hand - %s, reserved = reserved + %s, shipped = shipped + %s"
                 " WHERE sku = %s", taken * quantity, reserved * quantity, shipped * quantity, sku)

    def lend_customer(self, name, whose):
        self.run("UPDATE orders.orders SET customer_id = %s WHERE order_id = %s", self.customers[whose], self.orders[name])
        self.session.commit()

    def broken(self):
        return {name for name, in self.run(
            "SELECT name FROM ops.invariants() AS i, ops.audit_one(i.name) AS a WHERE a.broken > 0")}

    def unguarded(self, *tables):
        """Takes the constraints off: what they would refuse can happen by other means, such as a wrong restore."""
        for table in tables:
            for name, in self.run("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass"
                                  " AND contype IN ('c', 'u', 'p')", table):
                self.run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


@pytest.fixture(scope="module")
def audited(cluster):
    """A database of its own with the world in it; its URL."""
    cluster.migrate("--demo", database="audited")
    session = cluster.connect(database="audited")
    psycopg2.extras.register_uuid(conn_or_curs=session)
    world = World(session)
    session.commit()
    yield world, cluster.url("audited")
    session.close()


@pytest.fixture
def world(audited):
    yield audited[0]
    audited[0].session.rollback()


def test_what_is_right_is_clean(world):
    assert world.broken() == set()
    assert world.run("SELECT * FROM ops.audit_scope()") == [(6, 2, 4)]
    assert world.run("SELECT * FROM ops.under_way()") == [(0, 0, 0, 0)]


def test_the_list_names_every_invariant_and_no_other(world):
    listed = {name for name, in world.run("SELECT name FROM ops.invariants()")}
    there = {name.removeprefix("broken_") for name, in world.run(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'ops'::regnamespace AND proname LIKE 'broken\\_%%'")}
    assert listed == there
    assert listed == {name for *_, names in BREAKS for name in names}  # each is broken by a test below


# What is done to the world, the SQL for it, and the invariants that this breaks.
BREAKS = [(what, sql, set(names.split())) for what, names, sql in
          re.findall(r"^-- ([^:\n]+): (.+)\n((?:(?!--).*\n)+)", (ROOT / "tests/sql/breaks.sql").read_text(), re.MULTILINE)]

TABLES = ("orders.orders", "orders.progress", "orders.timeline", "payment.charge", "inventory.reservation",
          "inventory.movement", "inventory.stock", "fulfillment.shipment", "notification.message")


@pytest.mark.parametrize("what, sql, names", BREAKS, ids=[b[0].replace(" ", "-") for b in BREAKS])
def test_what_is_broken_is_named_and_nothing_else(world, what, sql, names):
    world.unguarded(*TABLES)
    world.run(string.Template(sql).substitute({name: f"'{order}'::uuid" for name, order in world.orders.items()}))
    assert world.broken() == names


# ---- the command ----


@pytest.fixture
def audit(audited):
    return lambda *words: orderctl("audit", *words, DATABASE_URL=audited[1])


def test_the_command_reports_each_invariant_on_a_line(audit, audited):
    done = audit()
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[:2] for line in lines if line.startswith("ok")] == \
        [["ok", name] for name, in audited[0].run("SELECT name FROM ops.invariants()")]
    assert lines[-1].startswith("6 orders (2 completed, 4 cancelled): all ")
    report = json.loads(audit("--json").stdout)
    assert report["clean"] is True and report["orders"] == 6
    assert {row["broken"] for row in report["invariants"]} == {0}


def test_the_command_names_what_is_broken(audit, audited):
    world = audited[0]
    world.run("DELETE FROM notification.message WHERE order_id = %s AND kind = 'cancelled'", world.orders["declined"])
    world.session.commit()
    try:
        done, report = audit(), json.loads(audit("--json").stdout)
    finally:
        world.run("INSERT INTO notification.message VALUES (%s, 'cancelled', 'log')", world.orders["declined"])
        world.session.commit()
    assert done.returncode == 1
    assert f"order {world.orders['declined']}: CANCELLED, told nothing" in done.stdout
    assert "1 of " in done.stdout.splitlines()[-1]
    broken = [row for row in report["invariants"] if row["broken"]]
    assert report["clean"] is False and [row["name"] for row in broken] == ["notified_once"]


def test_the_command_waits_for_rest_and_says_so_when_there_is_none(audit, audited):
    assert audit("--wait", 5).returncode == 0
    world = audited[0]
    world.run("INSERT INTO orders.outbox (id, aggregatetype, aggregateid, type, payload, traceparent)"
              " VALUES (gen_random_uuid(), 'orders', gen_random_uuid(), 'order.created', '{}', '')")
    world.session.commit()
    try:
        done = audit("--wait", 1)
    finally:
        world.run("DELETE FROM orders.outbox")
        world.session.commit()
    assert done.returncode == 1
    assert "not at rest after 1 s" in done.stderr
    assert "BROKEN  outboxes_empty" in done.stdout


def journal(tmp_path, *facts):
    path = tmp_path / "journal"
    path.write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    return path


def told(world, name, number, status=201, **changes):
    """An order of the world as a client's journal has it."""
    wanted = {"n": number, "key": f"key-{number}", "customer": str(world.customers[name]), "total": TOTAL, **changes}
    answer = {"n": number, "status": status, "order": str(world.orders[name])}
    return [wanted, answer] if status == 201 else [wanted, {"n": number, "status": status}]


def test_a_journal_that_agrees(audit, audited, tmp_path):
    world = audited[0]
    facts = [*told(world, "completed", 1), *told(world, "declined", 2), told(world, "refused", 3)[0],
             {"n": 4, "key": "k", "customer": str(uuid.uuid4()), "total": 1}, {"n": 4, "status": 503}]
    report = json.loads(audit("--journal", journal(tmp_path, *facts), "--json").stdout)
    assert report["clean"] is True
    assert report["journal"] == {"sent": 4, "attempts": 4, "acknowledged": 2, "found": 2, "lost": 0, "duplicated": 0,
                                 "mismatched": 0, "unknown": 1, "examples": []}


@pytest.mark.parametrize("broken, field", [
    ("lost", "lost"), ("total", "mismatched"), ("two answers", "mismatched"), ("duplicated", "duplicated"),
])
def test_a_journal_that_does_not_agree(audit, audited, tmp_path, broken, field):
    world = audited[0]
    facts = [*told(world, "completed", 1), *told(world, "declined", 2)]
    if broken == "lost":
        facts += [{"n": 3, "key": "k", "customer": str(uuid.uuid4()), "total": 1},
                  {"n": 3, "status": 201, "order": str(uuid.uuid4())}]
    elif broken == "total":
        facts[0]["total"] += 1
    elif broken == "two answers":
        facts += [{"n": 1, "status": 201, "order": str(uuid.uuid4())}]
    else:
        facts = [*told(world, "completed", 1)]
        world.lend_customer("early", "completed")
    try:
        done = audit("--journal", journal(tmp_path, *facts), "--json")
    finally:
        world.lend_customer("early", "early")
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["clean"] is False
    assert report["journal"][field] == 1
    assert sum(report["journal"][name] for name in ("lost", "duplicated", "mismatched")) == 1


def test_a_journal_that_cannot_be_read_is_named_with_its_line(audit, tmp_path):
    path = tmp_path / "journal"
    path.write_text('{"n": 1, "status": 201}\nnonsense\n')
    done = audit("--journal", path)
    assert done.returncode == 78
    assert f"{path}:1 has no UUID \"order\"" in done.stderr
    assert "No such file" in audit("--journal", tmp_path / "none").stderr
