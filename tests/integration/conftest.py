"""One stack of its own for all tests here: local processes, or with --compose containers."""
import pytest

from harness.compose import ComposeStack
from harness.load import Load
from harness.local import LocalStack
from invariants import broken_invariants


def pytest_addoption(parser):
    parser.addoption("--compose", action="store_true", help="run against containers instead of local processes")
    parser.addoption("--fuzz-minutes", type=float, default=0, help="send requests made from openapi.yaml for so long")
    parser.addoption("--fuzz-seed", type=int, help="with --fuzz-minutes: begin with the run that printed this number")
    parser.addoption("--orders", type=int, help="how many random orders test_random.py places, instead of 1000")
    parser.addoption("--seed", type=int, default=1, help="what decides about them")


@pytest.fixture(scope="session")
def stack(request, tmp_path_factory):
    compose = request.config.getoption("--compose")
    running = ComposeStack(tmp_path_factory.mktemp("stack")) if compose else LocalStack(MONITORING="on")
    failures = request.session.testsfailed
    try:
        running.up()
        with running.contract.judging(running.url):
            yield running
    finally:
        running.down(keep_logs=request.session.testsfailed > failures)


@pytest.fixture
def durable(stack):
    """For what an embedded broker cannot show: it forgets everything when it stops."""
    if not stack.durable_broker:
        pytest.skip("needs a durable broker; this stack runs the embedded one")
    return stack


@pytest.fixture
def at_rest(stack):
    """Behind the test everything comes to rest, and no invariant is broken."""
    yield stack
    stack.wait_rest()
    assert broken_invariants(stack) == []


@pytest.fixture
def load(stack, tmp_path):
    """Orders at a fixed rate in the background, with a journal that the audit is held against."""
    return Load(stack, tmp_path / "journal.jsonl")
