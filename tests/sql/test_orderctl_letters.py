"""orderctl dlq and orderctl stock, on a database."""
import json

import pytest
from test_orderctl import ctl  # noqa: F401

from calls import deadletter, rows, uuid7


@pytest.fixture
def letters(connect):
    """One of payment at fault with one held behind it, and one of inventory that cannot be read."""
    order_id = uuid7()
    payment, inventory = connect("payment", autocommit=True), connect("inventory", autocommit=True)
    deadletter(payment, "payment", (uuid7(), order_id), reason="no currency")
    deadletter(payment, "payment", (uuid7(), order_id), reason="held behind another", held=True)
    deadletter(inventory, "inventory", (None, None))
    return payment, inventory


def listed(ctl, *words):  # noqa: F811
    done = ctl("dlq", "list", "--json", *words)
    return done.returncode, json.loads(done.stdout)


def test_letters_of_all_services_are_listed_and_shown(ctl, letters):  # noqa: F811
    code, found = listed(ctl)
    assert code == 1
    assert [(row["letter"].split("/")[0], row["held"], row["reason"]) for row in found] == [
        ("payment", False, "no currency"), ("payment", True, "held behind another"), ("inventory", False, "unreadable")]
    assert len(listed(ctl, "--service", "inventory")[1]) == 1
    shown = json.loads(ctl("dlq", "show", found[0]["letter"], "--json").stdout)
    assert shown["topic"] == "orders" and shown["place"] == "3:0" and shown["payload"] == "\\000\\377"
    assert shown["eventId"] == found[0]["eventId"]


def test_replay_marks_what_is_named_or_all_that_are_at_fault(ctl, letters):  # noqa: F811
    first = listed(ctl)[1][0]["letter"]
    assert ctl("dlq", "replay", first).stdout == "replayed: 1\n"
    assert [row["replaying"] for row in listed(ctl)[1]] == [True, False, False]
    assert ctl("dlq", "replay", "--all").stdout == "replayed: 2\n"
    assert [row["replaying"] for row in listed(ctl)[1]] == [True, False, True]


def test_discard_removes_for_good_and_lets_go_of_what_was_held(ctl, letters):  # noqa: F811
    payment, _ = letters
    first = listed(ctl)[1][0]
    assert ctl("dlq", "discard", first["letter"], "--json").stdout == '{"discarded":1}\n'
    assert rows(payment, "SELECT event_id::text FROM payment.inbox") == [(first["eventId"],)]
    assert listed(ctl, "--service", "payment")[1][0]["replaying"] is True
    assert ctl("dlq", "discard", "--all").stdout == "discarded: 1\n"
    assert ctl("dlq", "discard", first["letter"]).returncode == 1


@pytest.mark.parametrize("words, says", [
    (["show", "payment"], "names no dead letter"),
    (["show", "payment/x"], "names no dead letter"),
    (["show", "payment/0"], "names no dead letter"),
    (["replay"], "name dead letters, or say --all"),
    (["discard", "payment/1", "--all"], "name dead letters, or say --all"),
])
def test_a_letter_that_is_none_is_named(ctl, words, says):  # noqa: F811
    done = ctl("dlq", *words)
    assert done.returncode == 64 and says in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_letter_that_is_not_there(ctl):  # noqa: F811
    for name in ("payment/4711", "nonsense/1"):
        done = ctl("dlq", "show", name)
        assert done.returncode == 1 and "there is no dead letter" in done.stderr
    assert ctl("dlq", "list").returncode == 0


def test_stock_is_set_by_movements(ctl, admin, tmp_path):  # noqa: F811
    assert json.loads(ctl("stock", "set", "CLOTH", "12.5", "--json").stdout) == [
        {"sku": "CLOTH", "onHandBefore": 0, "onHand": 12.5}]
    (tmp_path / "counted.csv").write_text("# counted by hand\nBOLT,7\n\nCLOTH,2.25\n")
    done = ctl("stock", "import", tmp_path / "counted.csv", "--json")
    assert [(row["sku"], row["onHandBefore"], row["onHand"]) for row in json.loads(done.stdout)] == [
        ("BOLT", 0, 7), ("CLOTH", 12.5, 2.25)]
    assert json.loads(ctl("stock", "show", "CLOTH", "--json").stdout) == [
        {"sku": "CLOTH", "onHand": 2.25, "reserved": 0, "shipped": 0}]
    moved = rows(admin, "SELECT sku, kind::text, quantity FROM inventory.movement WHERE sku IN ('BOLT', 'CLOTH')"
                        " ORDER BY at, sku")
    admin.rollback()
    assert moved == [("CLOTH", "received", 12500), ("BOLT", "received", 7000), ("CLOTH", "received", -10250)]
    assert ctl("stock", "show", "NOTHING").returncode == 1


@pytest.mark.parametrize("text, says", [
    ("A,1\nB\n", ":2: write sku,quantity"),
    ("A,1\nB,x\n", ":2: x: a quantity is a number"),
    ("A,1\nB,1.2345\n", ":2: 1.2345: a quantity is a number"),
    ("A,-1\n", ":1: -1: a quantity is a number"),
    ("A B,1\n", ":1: a SKU has 1 to 64"),
    ("A,1\nA,2\n", "A is there twice"),
])
def test_a_file_with_a_wrong_line_sets_nothing(ctl, tmp_path, text, says):  # noqa: F811
    (tmp_path / "counted.csv").write_text(text)
    done = ctl("stock", "import", tmp_path / "counted.csv")
    assert done.returncode == 64 and says in done.stderr and len(done.stderr.splitlines()) == 1
    assert ctl("stock", "show", "A").returncode == 1
