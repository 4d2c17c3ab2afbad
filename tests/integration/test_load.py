"""orderctl load: orders at a fixed rate, with a journal that the audit can be held against."""
import json
import os

from harness.orderctl import assert_audit_is_clean, orderctl


def test_every_order_of_a_load_is_created_once_whatever_becomes_of_it(at_rest, tmp_path):
    journal = tmp_path / "journal.jsonl"
    seed = int.from_bytes(os.urandom(6), "big")
    words = ("load", "--rate", 40, "--seconds", 3, "--spoiled", 30, "--seed", seed, "--json", "--journal", journal)
    done = orderctl(at_rest, *words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["sent"], told["created"], told["unanswered"]) == (120, 120, 0)
    assert 0 < told["p50Ms"] <= told["p90Ms"] <= told["p99Ms"] <= told["maxMs"]
    facts = [json.loads(line) for line in journal.read_text().splitlines()]
    ids = {fact["order"] for fact in facts if "order" in fact}
    assert len(ids) == 120 and len({fact["key"] for fact in facts if "key" in fact}) == 120

    assert json.loads(orderctl(at_rest, *words).stdout)["created"] == 120  # the same seed repeats them: replays
    assert {fact["order"] for line in journal.read_text().splitlines() if "order" in (fact := json.loads(line))} == ids
    at_rest.wait_rest()
    ends = dict(at_rest.query(
        "SELECT status::text, count(*) FROM orders.progress WHERE order_id = ANY(%s::uuid[]) GROUP BY 1", list(ids)))
    assert ends["COMPLETED"] + ends["CANCELLED"] == 120 and ends["CANCELLED"] > 0
    seen = assert_audit_is_clean(at_rest, "--journal", journal, more=["journal"])["journal"]
    wanted = {"sent": 120, "attempts": 240, "acknowledged": 120, "found": 120, "lost": 0, "duplicated": 0, "mismatched": 0}
    assert {name: seen[name] for name in wanted} == wanted


def test_a_load_that_nobody_answers_says_so(stack):
    words = ("load", "--rate", 5, "--seconds", 1, "--json")
    assert json.loads(orderctl(stack, *words).stdout)["sent"] == 5
    dead = orderctl(stack, *words, API_URL="http://127.0.0.1:9")
    assert dead.returncode == 1
    assert json.loads(dead.stdout)["unanswered"] == 5
