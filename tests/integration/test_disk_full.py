"""Real disks, really full: PostgreSQL's tables, its write-ahead log, and the logs of everything."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess

import pytest
import requests
from test_brownouts import refused
from test_faults import completed, place_many
from test_outages import local_only, quietly

from harness.disk import MIB, small_disk
from harness.stack import order, wait_for


def home(stack):
    return pathlib.Path(stack.value("SHOW data_directory"))


def tables(stack):
    oid = stack.value("SELECT oid FROM pg_database WHERE datname = current_database()")
    return home(stack) / f"base/{oid}"


def wal(stack):
    return home(stack) / "pg_wal"


def needed(folder):
    """What a PostgreSQL that was stopped in order needs of FOLDER; None: all of it."""
    if folder.name != "pg_wal":
        return None
    told = subprocess.run(["/usr/lib/postgresql/15/bin/pg_controldata", "-D", folder.parent], capture_output=True, text=True,
                          check=True).stdout
    return ["archive_status", re.search(r"REDO WAL file:\s+(\w+)", told)[1]]


@contextlib.contextmanager
def postgres_on(stack, folder, place):
    stack.stop("postgres")
    try:
        with small_disk(folder, place, 48 * MIB, needed(folder)) as disk:
            try:
                stack.start("postgres")
                yield disk
            finally:
                disk.relieve()
                stack.stop("postgres")
    finally:
        stack.start("postgres")


def refusals(stack):
    """503s told by order-api's own metrics."""
    lines = requests.get(f"{stack.metrics_url}/metrics", timeout=60).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith("order_api_requests_total") and 'status="503"' in line)


@pytest.mark.parametrize("part", [tables, wal])
def test_postgresql_on_a_full_disk_takes_no_orders_loses_none_and_goes_on_once_there_is_room(at_rest, load, tmp_path, part):
    local_only(at_rest)
    with postgres_on(at_rest, part(at_rest), tmp_path / "disk") as disk:
        wait_for("orders are taken", lambda: at_rest.post_order(order()).status_code == 201, 120, 0.2)
        counted = refusals(at_rest)
        with load.running(rate=20):
            wait_for("some orders", lambda: load.answers().get(201, 0) > 20, 120, 0.2)
            ends = at_rest.ends("postgres")
            disk.fill()

            def refused_properly():
                if part is wal:
                    quietly(at_rest.query, "SELECT pg_switch_wal()")  # the files at hand would take orders for a while yet
                answer = at_rest.post_order(order())
                return answer.status_code == 503 and refused(answer, "unavailable")

            wait_for("orders are refused", refused_properly, 120)
            assert refusals(at_rest) > counted
            if part is wal:
                wait_for("PostgreSQL ends, again and again", lambda: at_rest.ends("postgres") >= ends + 3, 60)
                wait_for("readiness tells it",
                         lambda: at_rest.get("/api/utility/readiness").status_code == 503, 60)
                wait_for("so do the workers", lambda: at_rest.metric("worker-order", "database_up") == 0, 60)
            wait_for("more refusals", lambda: load.answers().get(503, 0) > 20, 60, 0.2)
            assert "No space left on device" in at_rest.log("postgres")
            disk.relieve()
            wait_for("orders are taken again", lambda: at_rest.post_order(order()).status_code == 201, 120, 0.2)
        assert set(load.answers()) <= {201, 503, 504}
        at_rest.wait_rest(120)
        assert load.audit() == {"lost": 0, "duplicated": 0, "mismatched": 0}


def reopen_logs(stack):
    os.kill(stack.supervisor_pid(), signal.SIGUSR2)


def wait_logged(stack):
    """Until what nginx tells of a new request is in its log."""
    request = stack.get("/docs.json").headers["X-Request-Id"]
    wait_for("logs are written", lambda: request in stack.log("nginx"), 30)


def test_a_full_disk_under_the_logs_stops_nothing(at_rest, tmp_path):
    local_only(at_rest)
    logs = at_rest.log_directory()
    supervisor, before = at_rest.supervisor_pid(), at_rest.pids()
    try:
        with small_disk(logs, tmp_path / "disk", 16 * MIB) as disk:
            reopen_logs(at_rest)
            wait_logged(at_rest)
            disk.fill()
            told = len(at_rest.log("nginx"))
            order_ids = place_many(at_rest, 200)
            wait_for("all completed", lambda: completed(at_rest, order_ids), 90)
            assert disk.free() == 0 and len(at_rest.log("nginx")) < told + 4096, "the disk was full indeed"
            disk.relieve()
            wait_logged(at_rest)
            assert (at_rest.supervisor_pid(), at_rest.pids()) == (supervisor, before), "nobody died of it"
    finally:
        reopen_logs(at_rest)
