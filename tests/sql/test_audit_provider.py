"""orderctl audit --provider: the payment provider's own books against ours, order by order, to the minor unit."""
import http.server
import json
import socket
import sqlite3
import sys
import threading
import time
import uuid

import pytest
from test_orderctl import orderctl
from world import TOTAL

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/integration"))
from harness.provider import TOKEN, Provider

COLUMNS = "key, kind, order_id, currency, amount_minor, status"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    folder = tmp_path_factory.mktemp("provider")
    running = Provider(folder, free_port())
    running.start()
    running.books = sqlite3.connect(folder / "books", isolation_level=None, timeout=60)
    yield running
    running.books.close()
    running.kill()


def enter(provider, kind, order_id, amount=TOTAL, currency="USD", status=None):
    provider.books.execute(f"INSERT INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                           (f"{kind}-{order_id}", kind, str(order_id), currency, amount,
                            status or {"charge": "captured", "refund": "refunded"}[kind]))


@pytest.fixture
def books(provider, audited):
    """The provider has what the world's orders have."""
    orders = audited[0].orders
    for name in ("completed", "early", "sold_out", "refused"):
        enter(provider, "charge", orders[name])
    for name in ("sold_out", "refused"):
        enter(provider, "refund", orders[name])
    enter(provider, "charge", orders["declined"], status="declined")
    yield provider
    provider.books.execute("DELETE FROM entry")


@pytest.fixture
def audit(audited, provider):
    def run(*words, url=None, **settings):
        return orderctl("audit", "--json", "--provider", url or provider.url, *words,
                        **{"DATABASE_URL": audited[1], "PAYMENT_TOKEN": TOKEN, **settings})
    return run


def report_of(done):
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    row, = (row for row in report["invariants"] if row["name"] == "provider")
    assert [other["name"] for other in report["invariants"] if other["broken"] and other is not row] == []
    assert report["clean"] is (row["broken"] == 0) is (done.returncode == 0)
    return report, row


def test_books_that_agree(books, audit, audited):
    report, row = report_of(audit())
    assert (row["broken"], row["examples"]) == (0, [])
    assert report["provider"] == {"charges": 4, "refunds": 2}
    done = orderctl("audit", "--provider", books.url, DATABASE_URL=audited[1], PAYMENT_TOKEN=TOKEN)
    assert done.returncode == 0
    assert "\nok      provider " in done.stdout and "4 charges and 2 refunds in the provider's books" in done.stdout


def test_without_the_url_nobody_is_asked(audited):
    report = json.loads(orderctl("audit", "--json", DATABASE_URL=audited[1]).stdout)
    assert "provider" not in report and "provider" not in [row["name"] for row in report["invariants"]]


# What is done to the provider's books, and what is said of it; {completed} is the id of that order.
TAMPERED = {
    "a cent more": ("UPDATE entry SET amount_minor = 2551 WHERE order_id = '{completed}'",
                    ["order {completed}: charge of 2550 USD in our books, 2551 USD in the provider's"]),
    "a cent less given back": ("UPDATE entry SET amount_minor = 2549 WHERE order_id = '{refused}' AND kind = 'refund'",
                               ["order {refused}: refund of 2550 USD in our books, 2549 USD in the provider's"]),
    "another currency": ("UPDATE entry SET currency = 'EUR' WHERE order_id = '{early}'",
                         ["order {early}: charge of 2550 USD in our books, nothing in the provider's",
                          "order {early}: charge of nothing in our books, 2550 EUR in the provider's"]),
    "never charged": ("DELETE FROM entry WHERE order_id = '{completed}'",
                      ["order {completed}: charge of 2550 USD in our books, nothing in the provider's"]),
    "never given back": ("DELETE FROM entry WHERE order_id = '{sold_out}' AND kind = 'refund'",
                         ["order {sold_out}: refund of 2550 USD in our books, nothing in the provider's"]),
    "a decline that was none": ("UPDATE entry SET status = 'captured' WHERE order_id = '{declined}'",
                                ["order {declined}: charge of nothing in our books, 2550 USD in the provider's"]),
    "charged twice": (f"INSERT INTO entry ({COLUMNS}) SELECT 'again', {COLUMNS.removeprefix('key, ')} FROM entry"
                      " WHERE order_id = '{completed}'",
                      ["order {completed}: charge of 2550 USD in our books, 5100 USD in the provider's"]),
    "an order of nobody": ("UPDATE entry SET order_id = 'A-7' WHERE order_id = '{completed}'",
                           ["order {completed}: charge of 2550 USD in our books, nothing in the provider's",
                            "order A-7: charge of nothing in our books, 2550 USD in the provider's"]),
}


@pytest.mark.parametrize("what", TAMPERED, ids=[what.replace(" ", "-") for what in TAMPERED])
def test_the_providers_books_tampered_with(books, audit, audited, what):
    sql, says = TAMPERED[what]
    orders = audited[0].orders
    books.books.execute(sql.format(**orders))
    _, row = report_of(audit())
    assert (row["broken"], sorted(row["examples"])) == (len(says), sorted(line.format(**orders) for line in says))


def test_our_books_tampered_with(books, audit, audited):
    """Charge, order and books by a cent more, alike: that is whole in itself, and the provider knows better."""
    world, _ = audited
    order = world.orders["refused"]
    more = ["UPDATE payment.ledger_posting SET amount_minor = amount_minor + {} * sign(amount_minor) WHERE order_id = %s",
            "UPDATE payment.charge SET amount_minor = amount_minor + {0}, refunded_minor = refunded_minor + {0}"
            " WHERE order_id = %s"]
    for sql in more:
        world.run(sql.format(1), order)
    world.session.commit()
    try:
        _, row = report_of(audit())
    finally:
        for sql in more:
            world.run(sql.format(-1), order)
        world.session.commit()
    assert row["examples"] == [f"order {order}: {kind} of 2551 USD in our books, 2550 USD in the provider's"
                               for kind in ("charge", "refund")]


def test_books_of_many_pages(books, audit):
    books.books.execute("BEGIN")
    for _ in range(2500):
        enter(books, "charge", uuid.uuid4())
    books.books.execute("COMMIT")
    report, row = report_of(audit())
    assert report["provider"] == {"charges": 2504, "refunds": 2}
    assert (row["broken"], len(row["examples"])) == (2500, 3)


def test_orders_from_before_a_time_are_left_out_on_both_sides(books, audit, audited):
    books.books.execute("DELETE FROM entry WHERE kind = 'refund'")
    assert report_of(audit())[1]["broken"] == 2
    assert report_of(audit("--provider-since", "2020-01-01"))[1]["broken"] == 2
    assert report_of(audit("--provider-since", "2999-01-01T00:00:00Z"))[1]["broken"] == 0
    enter(books, "charge", "no id of ours")
    assert report_of(audit("--provider-since", "2999-01-01T00:00:00Z"))[1]["broken"] == 1


# ---- a provider that cannot be asked ----


@pytest.fixture
def answering():
    """A server that says one thing to everybody; None: nothing."""
    servers = []

    def start(status, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if body is None:
                    time.sleep(30)
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status, body, says", [
    (200, None, "Timeout was reached|timed out"),
    (500, b"{}", "answered 500"),
    (302, b"{}", "answered 302"),
    (200, b"nonsense", "no JSON"),
    (200, b"{}", 'no "entries"'),
    (200, b'{"entries": 3}', 'no "entries"'),
    (200, b'{"entries": [{}]}', "entry 1 after 0 is neither a charge nor a refund"),
    (200, b'{"entries": [{"kind": "charge", "status": "pending"}]}', "entry 1 after 0 has an unknown status"),
    (200, b'{"entries": [{"kind": "charge", "status": "captured", "orderId": "x", "currency": "USD", "amountMinor": 1.5}]}',
     "entry 1 after 0 has no orderId, no currency or no amountMinor"),
    (200, b'{"entries": [], "next": 7}', '"next" leads nowhere after 7'),
    (200, b'{"entries": [], "next": "x"}', '"next" leads nowhere after 0'),
    (200, b" " * 5_000_000, "larger than 4194304 bytes"),
])
def test_a_provider_that_does_not_tell_its_books_fails_the_audit(audit, answering, status, body, says):
    began = time.monotonic()
    done = audit(url=answering(status, body), PAYMENT_TIMEOUT_MS="1000" if body is None else "20000")
    assert (done.returncode, done.stdout) == (2, "")
    assert any(word in done.stderr for word in says.split("|")), done.stderr
    assert body is not None or time.monotonic() - began < 20


def test_settings_that_do_not_fit_are_named(audit):
    for done, says in [
        (audit(PAYMENT_TOKEN="wrong"), "answered 401: set PAYMENT_TOKEN"),
        (audit(PAYMENT_TOKEN=""), "answered 401: set PAYMENT_TOKEN"),
        (audit(url="ftp://127.0.0.1"), "no URL to send to"),
        (audit(url="http://127.0.0.1:1/"), "takes no slash at its end"),
        (audit("--provider-since", "yesterday"), "--provider-since=yesterday: takes a time"),
    ]:
        assert done.returncode == 78 and says in done.stderr, done.stderr
    assert audit(url="http://127.0.0.1:1").returncode == 2
