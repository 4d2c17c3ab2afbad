"""From the version before the last change of the database to this one, under load: no client notices."""
import pathlib
import shutil
import subprocess

import pytest

from harness.clients import clients
from harness.local import PORT, ROOT, LocalStack
from harness.stack import wait_for
from invariants import broken_invariants

PREVIOUS = ROOT / "build" / "previous"


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True).stdout


@pytest.fixture
def previous():
    """A checkout of the commit before the last one that changed the database; what is fetched is shared with this one."""
    try:
        changes = git("log", "--format=%H", "-1", "--", "sql/*/functions.sql", "sql/*/migrations").decode().split()
        commit = git("rev-parse", "--verify", f"{changes[0]}^").decode().strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        pytest.skip("needs git and the history of this checkout")
    shutil.rmtree(PREVIOUS, ignore_errors=True)
    (PREVIOUS / "build").mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", PREVIOUS], input=git("archive", commit), check=True)
    if (PREVIOUS / "package-lock.json").read_bytes() == (ROOT / "package-lock.json").read_bytes():
        (PREVIOUS / "node_modules").symlink_to(ROOT / "node_modules")
        for note in pathlib.Path(ROOT / "build").glob("npm-*.lock"):
            shutil.copy(note, PREVIOUS / "build")
    if (ROOT / "build/kafka").exists():
        shutil.copytree(ROOT / "build/kafka", PREVIOUS / "build/kafka", copy_function=shutil.copy2)
    yield PREVIOUS
    shutil.rmtree(PREVIOUS)


def functions_of(stack):
    return set(stack.query("SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                           "WHERE n.nspname = 'orders'"))


def test_an_upgrade_fails_no_request(previous, tmp_path):
    stack = LocalStack(tmp_path / "stack", PORT + 200, build="release", root=previous)
    failed = True
    try:
        stack.up()
        before, pids = functions_of(stack), stack.pids()
        with clients(stack) as told:
            stack.upgrade(ROOT)
        assert told["odd"] == []
        assert told["orders"]
        assert before <= functions_of(stack), "programs from before need the functions they call"
        renewed = {name for name, pid in stack.pids().items() if pid != pids[name]}
        assert renewed == {name for name in pids if name.startswith(("relay-", "worker-"))}
        wait_for("all completed", lambda: stack.value(
            "SELECT count(*) FROM orders.progress WHERE status = 'COMPLETED' AND order_id = ANY(%s::uuid[])",
            told["orders"]) == len(told["orders"]), 180, 0.2)
        stack.wait_rest()
        assert broken_invariants(stack) == []
        failed = False
    finally:
        stack.down(keep_logs=failed)
