"""openapi.yaml against the running API: requests made from it are answered as it says, whatever is wrong with them.

A short, always equal run is part of the tests; for a long one: --fuzz-minutes 30 [--fuzz-seed N] -k made_from
"""
import random
import time

import hypothesis
import requests

from harness.generate import requests_to
from harness.stack import order, wait_for

EXAMPLES = 400


def settled(session, url, sent):
    """The answer to SENT; one that asks to come again (a machine under load) is asked again for a while."""
    request = session.prepare_request(requests.Request(sent.method, url, headers=sent.headers, data=sent.body or None))
    request.method = sent.method  # as it is, in lower case too
    request.url = url + sent.path  # and without mending
    end = time.monotonic() + 120
    while True:
        answer = session.send(request, timeout=60, allow_redirects=False)
        if answer.status_code not in (502, 503, 504) or time.monotonic() > end:
            return answer
        time.sleep(1)


def run(stack, order_ids, examples, seed=None):
    """Sends EXAMPLES requests, the same ones each time where there is no SEED; every answer is judged on its way."""
    seen = {}
    with requests.Session() as session:

        @hypothesis.settings(max_examples=examples, derandomize=seed is None, database=None, deadline=None,
                             phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck))
        @hypothesis.given(requests_to(stack.contract.document, order_ids))
        def send(sent):
            answer = settled(session, stack.url, sent)
            assert answer.status_code < 500, (sent, answer.text)
            if sent.verdict == "refused":
                assert answer.status_code == 400, (sent, answer.text)
            elif sent.verdict == "taken":
                assert answer.status_code not in (400, 405, 413, 414, 415), (sent, answer.text)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1

        send = send if seed is None else hypothesis.seed(seed)(send)
        send()
    return seen


def test_requests_made_from_the_document_are_answered_as_it_says(stack, pytestconfig):
    order_ids = [stack.place() for _ in range(3)]
    seen = run(stack, order_ids, EXAMPLES)
    assert {200, 201, 400, 404} <= set(seen), seen

    end = time.monotonic() + 60 * pytestconfig.getoption("--fuzz-minutes")
    seed = pytestconfig.getoption("--fuzz-seed") or random.randrange(2**32)
    while time.monotonic() < end:
        print(f"--fuzz-seed {seed}: {run(stack, order_ids, EXAMPLES, seed)}")
        seed += 1
    wait_for("a sound API behind it", lambda: stack.post_order(order()).status_code == 201, 120)
