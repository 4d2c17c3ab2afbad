"""Every process is replaced under load, and no client notices."""
import pytest

from harness.clients import clients
from harness.stack import wait_for


def test_a_rolling_restart_fails_no_request(at_rest):
    if not hasattr(at_rest, "roll"):
        pytest.skip("containers are rolled by whoever orchestrates them")
    before = at_rest.pids()
    with clients(at_rest) as told:
        at_rest.roll()

    after = at_rest.pids()
    replaced = {name for name in before if name.startswith(("relay-", "worker-")) and before[name] != after[name]}
    assert replaced == {name for name in before if name.startswith(("relay-", "worker-"))}
    assert told["odd"] == []
    assert told["orders"]
    wait_for("all completed", lambda: at_rest.value(
        "SELECT count(*) FROM orders.progress WHERE status = 'COMPLETED' AND order_id = ANY(%s::uuid[])",
        told["orders"]) == len(told["orders"]), 180, 0.2)
