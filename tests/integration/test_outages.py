"""A session of PostgreSQL shot down, an immediate restart: no accepted order is lost, and it passes.

Redis away and frozen: test_idempotency.py. The broker away and frozen, PostgreSQL killed: test_faults.py.
docs/RELIABILITY.md, "Outages", says what is promised.
"""
import concurrent.futures
import contextlib
import os
import signal

import psycopg2
import pytest
from test_faults import completed, place_many

from harness.stack import wait_for


def local_only(stack):
    if not hasattr(stack, "arm"):
        pytest.skip("reaches into processes and files of a local stack")


def quietly(call, *args):
    with contextlib.suppress(psycopg2.Error):
        return call(*args)


def signal_backend(stack):
    """SIGKILL for one session of order-api: PostgreSQL resets all sessions."""
    row = stack.query("SELECT pid FROM pg_stat_activity WHERE usename = 'orderline_orders' LIMIT 1")
    os.kill(row[0][0], signal.SIGKILL)


def stop_at_once(stack):
    """As `pg_ctl restart -m immediate`: nothing is written down, recovery follows."""
    os.kill(stack.pid("postgres"), signal.SIGQUIT)


@pytest.mark.parametrize("shock", [signal_backend, stop_at_once])
def test_postgresql_shaken_under_load(at_rest, shock):
    local_only(at_rest)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        before = at_rest.value("SELECT count(*) FROM orders.orders")
        placing = pool.submit(place_many, at_rest, 120)
        wait_for("some orders", lambda: at_rest.value("SELECT count(*) FROM orders.orders") > before or placing.done())
        shock(at_rest)
        order_ids = placing.result(timeout=180)
    wait_for("PostgreSQL back", at_rest.answers_sql, 120)
    wait_for("all completed", lambda: quietly(completed, at_rest, order_ids), 180)
