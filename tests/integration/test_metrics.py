"""GET /metrics of order-api: on a port of its own, and from whichever process, about all of them."""
import re
import uuid

import requests

from harness.stack import order, wait_for


def scrape(stack):
    """{sample with its labels: value}"""
    answer = requests.get(f"{stack.metrics_url}/metrics", timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for line in answer.text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)*\})? -?[0-9.e+]+', line), line
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in samples, line
            samples[name] = float(value)
    return samples


def rise(before, after, name):
    return after.get(name, 0) - before.get(name, 0)


def requests_to(method, route, status):
    return f'order_api_requests_total{{method="{method}",route="{route}",status="{status}"}}'


def test_requests_are_counted_by_route_and_status_with_their_times(stack):
    before = scrape(stack)
    key = str(uuid.uuid4())
    created = [stack.post_order(order(), key).json()["orderId"] for _ in range(3)]
    stack.post_order(order(currency="EUR"), key)
    stack.post_order({}, key)
    stack.get(f"/api/v1/orders/{created[0]}")
    stack.get(f"/api/external/v1/orders/{uuid.uuid4()}")
    stack.get("/api/v1/nothing")
    after = scrape(stack)
    for method, route, status, count in (("POST", "/orders/create", 201, 3), ("POST", "/orders/create", 422, 1),
                                         ("POST", "/orders/create", 400, 1), ("GET", "/orders/{id}", 200, 1),
                                         ("GET", "/orders/{id}", 404, 1), ("", "other", 404, 1)):
        assert rise(before, after, requests_to(method, route, status)) == count, (method, route, status)
    labels = 'method="POST",route="/orders/create"'
    assert rise(before, after, f"order_api_request_duration_seconds_count{{{labels}}}") == 5
    assert rise(before, after, f'order_api_request_duration_seconds_bucket{{{labels},le="+Inf"}}') == 5
    assert rise(before, after, f"order_api_request_duration_seconds_sum{{{labels}}}") > 0
    assert rise(before, after, 'order_api_batch_size_sum{queue="writers"}') >= 2
    results = [f'order_api_redis_lookups_total{{result="{result}"}}' for result in ("hit", "miss", "distrust")]
    assert sum(rise(before, after, result) for result in results) <= 4
    assert after['order_api_queue_depth{queue="writers"}'] == 0


def test_any_process_tells_for_all_and_a_crash_loses_nothing(at_rest):
    for _ in range(10):
        at_rest.place()
    mine = requests_to("POST", "/orders/create", 201)
    seen = [scrape(at_rest) for _ in range(20)]
    assert len({samples[mine] for samples in seen}) == 1
    processes = seen[0]["order_api_processes"]
    assert processes >= 2
    at_rest.kill("order-api")
    wait_for("new processes", lambda: at_rest.get("/api/utility/readiness").status_code == 200
             and scrape(at_rest)["order_api_processes"] == processes, 120, 0.2)
    assert scrape(at_rest)[mine] == seen[0][mine]


def test_a_breaker_that_is_open_is_told_by_any_process(at_rest):
    breaker = 'breaker_open{service="order-api",server="postgresql"}'
    assert scrape(at_rest)[breaker] == 0
    at_rest.stop("postgres")
    try:
        assert at_rest.post_order(order()).status_code == 503
        assert {scrape(at_rest)[breaker] for _ in range(10)} == {1}
    finally:
        at_rest.start("postgres")

    def closed():  # each queue by its own next success
        at_rest.post_order(order())
        at_rest.get("/api/utility/readiness")
        return scrape(at_rest)[breaker] == 0

    wait_for("every queue to find it back", closed, 60, 0.05)


def test_clients_are_not_told(stack):
    assert stack.get("/metrics").status_code == 404
    assert stack.get("/api/metrics").status_code == 404
    answer = requests.get(f"{stack.metrics_url}/api/v1/orders", timeout=60)
    assert answer.status_code == 404
