"""orderctl, run with the addresses of a stack."""
import json
import os
import subprocess

import pytest

from .local import ROOT

ORDERCTL = ROOT / "build" / os.environ.get("BUILD", "test") / "bin/orderctl"


def command(stack, *words, **settings):
    """What subprocess wants to know of it."""
    if not ORDERCTL.exists():
        pytest.skip("there is no orderctl beside the containers' images")
    addresses = {"API_URL": stack.url, "DATABASE_URL": stack.database_url, "KAFKA_BROKERS": stack.brokers}
    return {"args": [ORDERCTL, *map(str, words)], "env": {**os.environ, **addresses, **settings}, "text": True,
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def orderctl(stack, *words, **settings):
    return subprocess.run(**command(stack, *words, **settings), timeout=300, check=False)


def assert_audit_is_clean(stack, *words, more=(), **settings):
    """Waits for rest; then every invariant there is holds, and those that WORDS ask for beside them, which are MORE."""
    done = orderctl(stack, "audit", "--wait", 120, "--json", *words, **settings)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert [row for row in report["invariants"] if row["broken"]] == []
    assert (done.returncode, report["clean"]) == (0, True)
    listed = [name for name, in stack.query("SELECT name FROM ops.invariants()")]
    assert [row["name"] for row in report["invariants"]] == [*listed, "consumers_done", *more]
    return report
