"""One key, one order: whatever Redis does, whoever asks at the same time."""
import concurrent.futures
import json
import uuid

import requests

from harness.stack import order, wait_for


def keys_of(stack, order_id):
    return stack.value("SELECT count(*) FROM orders.orders WHERE key_digest = "
                       "(SELECT key_digest FROM orders.orders WHERE order_id = %s)", order_id)


def test_another_order_under_the_same_key_is_refused(stack):
    key = str(uuid.uuid4())
    assert stack.post_order(order(), key).status_code == 201
    answer = stack.post_order(order(currency="EUR"), key)
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"


def test_the_same_order_written_differently_is_a_replay(stack):
    key = str(uuid.uuid4())
    first = stack.post_order(order(), key)
    body = json.dumps(order(), indent=3, sort_keys=True).replace("14.5", "1.450e1").replace("19.99", "19.990")
    for prefix in ("/api/v1", "/api/external/v1"):
        again = requests.post(f"{stack.url}{prefix}/orders/create", data=body, timeout=15,
                              headers={"Idempotency-Key": f'"{key}"', "Content-Type": "application/json"})
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


def test_a_create_without_a_usable_key_is_refused(stack):
    for key in (None, "", "two words", "x" * 256, '"unfinished'):
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = requests.post(f"{stack.url}/api/v1/orders/create", json=order(), headers=headers, timeout=15)
        assert answer.status_code == 400, key
        assert answer.json()["code"] in ("idempotency_key_missing", "idempotency_key_invalid")


def test_a_refused_order_leaves_its_key_free(stack):
    key = str(uuid.uuid4())
    assert stack.post_order(order(currency="XXX"), key).status_code == 400
    assert stack.post_order(order(), key).status_code == 201


def test_sixty_four_at_once_make_one_order(at_rest):
    key = str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: at_rest.post_order(order(), key), range(64)))
    good = [a for a in answers if a.status_code == 201]
    assert {a.status_code for a in answers} <= {201, 409}
    assert len({a.content for a in good}) == 1
    assert sum("Idempotency-Replayed" not in a.headers for a in good) == 1
    assert keys_of(at_rest, good[0].json()["orderId"]) == 1


def test_without_redis_the_answers_are_the_same(at_rest):
    key = str(uuid.uuid4())
    first = at_rest.post_order(order(), key)
    with at_rest.stopped("redis"):
        again = at_rest.post_order(order(), key)
        assert (again.status_code, again.content) == (201, first.content)
        assert at_rest.post_order(order(currency="EUR"), key).status_code == 422
        assert at_rest.post_order(order()).status_code == 201
        ready = at_rest.get("/api/utility/readiness")
        assert ready.status_code == 200
        assert "degraded" in ready.text


def test_a_frozen_redis_costs_little_and_changes_nothing(at_rest):
    key = str(uuid.uuid4())
    first = at_rest.post_order(order(), key)
    at_rest.pause("redis")
    try:
        answers = [at_rest.post_order(order(), key, timeout=5) for _ in range(20)]
    finally:
        at_rest.resume("redis")
    assert {(a.status_code, a.content) for a in answers} == {(201, first.content)}


def test_a_lying_redis_is_not_believed(at_rest):
    key, other = str(uuid.uuid4()), str(uuid.uuid4())
    first = at_rest.post_order(order(), key)
    at_rest.post_order(order(currency="EUR"), other)
    redis = at_rest.redis()

    def both_remembered():  # replays fill what is missing, once the breaker is closed
        at_rest.post_order(order(), key)
        at_rest.post_order(order(currency="EUR"), other)
        return len(redis.keys("*")) >= 2

    wait_for("both answers in Redis", both_remembered, 10, 0.2)
    entries = {name: redis.get(name) for name in redis.keys("*")}
    # Every value under a foreign name, and then every value spoilt in its last byte.
    values = list(entries.values())
    for shift, name in enumerate(entries):
        redis.set(name, values[(shift + 1) % len(values)])
    assert at_rest.post_order(order(), key).content == first.content
    for name, value in entries.items():
        redis.set(name, value[:-1] + bytes([value[-1] ^ 1]))
    assert at_rest.post_order(order(), key).content == first.content
    redis.flushall()
    assert at_rest.post_order(order(), key).content == first.content
