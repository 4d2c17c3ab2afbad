"""A short run of `./stack chaos`: minutes of it are for the command, this shows that all of it works."""
import pytest

import run


@pytest.fixture(scope="module")
def stack(request):
    running = run.chaos_stack()
    failures = request.session.testsfailed
    try:
        running.up()
        yield running
    finally:
        running.down(keep_logs=request.session.testsfailed > failures)


def test_nothing_is_lost_repeated_or_broken(stack, tmp_path):
    said = []
    outcome = run.chaos(stack, tmp_path, seed=20260401, seconds=20, rate=8, pace=1.2, say=said.append)
    assert outcome.clean(), "\n".join([*said, *outcome.lines()])
    assert outcome.verdict.acknowledged > 0
    assert len(outcome.done) >= 5
