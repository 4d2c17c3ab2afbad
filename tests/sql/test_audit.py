"""The audit: clean on data that is right; data broken in one way breaks the invariants named for it, and no other."""
import json
import re
import string
import uuid

import pytest
from test_orderctl import orderctl
from world import TOTAL

from conftest import ROOT


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
