"""orderctl on a database: what it says about itself, about orders and about outboxes."""
import json
import os
import re
import subprocess

import pytest

from calls import Order, append, create, deadletter, move, rows, uuid7
from conftest import ROOT, SCHEMAS

ORDERCTL = ROOT / "build" / os.environ.get("BUILD", "test") / "bin/orderctl"


def orderctl(*words, **settings):
    return subprocess.run([ORDERCTL, *map(str, words)], env={"PATH": os.environ["PATH"], **settings}, capture_output=True,
                          text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture
def ctl(cluster):
    """Runs orderctl as the administrator."""
    return lambda *words: orderctl(*words, DATABASE_URL=cluster.url())


def commands():
    """Every command that the help lists, as words."""
    lines = orderctl("--help").stdout.split("\n\n")[2].splitlines()
    return [line.split("  ")[1].split() for line in lines]


def test_every_command_has_help_with_an_example_and_is_in_the_man_page():
    man = orderctl("--man").stdout.replace("\\-", "-")
    found = [[word for word in words if re.fullmatch("[a-z]+", word)] for words in commands()]
    assert ["order", "show"] in found and ["outbox", "status"] in found
    for words in found:
        done = orderctl(*words, "--help")
        assert done.returncode == 0
        assert f"\n  orderctl {' '.join(words)}" in done.stdout, words
        assert f".SS {' '.join(words)}" in man, words
        assert f"\norderctl {' '.join(words)}" in man, words


def test_the_man_page_renders_without_complaint():
    done = subprocess.run(["man", "--warnings=w", "-l", "-"], input=orderctl("--man").stdout, capture_output=True, text=True,
                          check=False, env={**os.environ, "MANWIDTH": "120", "LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "orderctl order show" in done.stdout
    assert "EXIT STATUS" in done.stdout


@pytest.mark.parametrize("words, says", [
    (["nonsense"], "there is no command \"nonsense\""),
    (["order", "show"], "takes ORDER-ID"),
    (["order", "show", "x"], "x is not an order id"),
    (["outbox", "status", "--deep"], "--deep: no option of this command"),
    (["outbox", "status", "now"], "takes no arguments"),
])
def test_a_wrong_command_line_is_named_in_one_line(words, says):
    done = orderctl(*words)
    assert done.returncode == 64
    assert says in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_missing_or_dead_database_is_named():
    done = orderctl("outbox", "status")
    assert done.returncode == 78 and "set DATABASE_URL" in done.stderr
    done = orderctl("outbox", "status", DATABASE_URL="postgresql://x:secret@127.0.0.1:1/y")
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr and "secret" not in done.stderr


def test_outbox_status_counts_each_service(ctl, connect):
    payment = connect("payment", autocommit=True)
    append(payment, "payment", uuid7(), uuid7())
    assert rows(payment, "SELECT payment.outbox_lead()") == [(True,)]
    found = {row["service"]: row for row in json.loads(ctl("outbox", "status", "--json").stdout)}
    assert list(found) == list(SCHEMAS)
    assert found["payment"]["waiting"] == 2 and "pid" in found["payment"]["relay"]
    assert found["orders"] == {"service": "orders", "waiting": 0, "oldestMs": 0, "setAside": 0, "relay": None}


def test_an_order_with_what_services_hold_of_it(ctl, connect, admin):
    order = Order()
    session = connect("orders", autocommit=True)
    create(session, order)
    move(session, order, 2, "PENDING", "CANCELLED", reason="cancelled_by_customer")
    rows(connect("payment", autocommit=True), "SELECT payment.lock_charges(%s)", [order.id])
    deadletter(connect("inventory", autocommit=True), "inventory", (uuid7(), order.id), reason="bad \x1b[2J news")

    shown = json.loads(ctl("order", "show", order.id, "--json").stdout)
    assert shown["order"]["status"] == "CANCELLED" and shown["order"]["totalAmount"] == 1022.17
    assert shown["order"]["shippingAddress"] == {"city": "Graz"}
    assert [(s["service"], s["state"]) for s in shown["services"]] == [("payment", "new"), ("inventory", "dead letter")]
    text = ctl("order", "show", order.id).stdout
    assert "cancelled_by_customer" in text and "\x1b" not in text
    assert [m["to"] for m in json.loads(ctl("order", "timeline", order.id, "--json").stdout)] == ["PENDING", "CANCELLED"]
    rows(admin, "TRUNCATE payment.charge")
    admin.commit()


def test_an_order_that_does_not_exist(ctl):
    for command in ("show", "timeline"):
        done = ctl("order", command, uuid7())
        assert (done.returncode, done.stdout) == (1, "")
        assert "there is no order" in done.stderr
