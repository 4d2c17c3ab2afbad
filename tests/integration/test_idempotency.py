"""One key, one order: whatever Redis does, whoever asks at the same time."""
import concurrent.futures
import contextlib
import json
import uuid

import pytest
import requests

from harness.stack import headers_of, order, wait_for


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


@pytest.mark.parametrize("one, other", [('"abc-{}"', "abc-{}"), (r'"a\"b\\c{}"', r'a"b\c{}'), ("a,b;c={}", '"a,b;c={}"')])
def test_a_key_is_the_same_quoted_and_bare(stack, one, other):
    mark = uuid.uuid4().hex
    first = stack.post_order(order(), one.format(mark))
    again = stack.post_order(order(), other.format(mark))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again.headers["Location"]) == (first.content, first.headers["Location"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert stack.post_order(order(currency="EUR"), other.format(mark)).status_code == 422


def test_keys_from_one_to_255_characters_are_taken_and_case_counts(stack):
    mark = uuid.uuid4().hex
    keys = [mark, mark.upper() + "X", mark + "x" * (255 - len(mark)), f'"{mark}{"y" * (255 - len(mark))}"', f"{mark}~!"]
    assert [stack.post_order(order(), key).headers.get("Idempotency-Replayed") for key in keys] == [None] * len(keys)


@pytest.mark.parametrize("lines, code", [
    ([], "missing"), ([b""], "invalid"), ([b"a", b"b"], "invalid"), ([b"a", b"a"], "invalid"), ([b"a, b"], "invalid"),
    ([b"two words"], "invalid"), ([b"tab\tbed"], "invalid"), ([b"caf\xc3\xa9"], "invalid"), ([b"x" * 256], "invalid"),
    ([b'""'], "invalid"), ([b'"' + b"x" * 256 + b'"'], "invalid"), ([b'"unfinished'], "invalid"), ([b'"a" b'], "invalid"),
    ([rb'"bad\escape"'], "invalid"), ([b'"two words"'], "invalid"), ([b'"'], "invalid"), ([b'"a\\'], "invalid"),
])
def test_a_create_without_a_usable_key_is_refused_unseen(stack, lines, code):
    customer_id = str(uuid.uuid4())
    body = json.dumps(order(customerId=customer_id)).encode()
    head, answer = stack.raw(b"\r\n".join([
        b"POST /api/v1/orders HTTP/1.1", b"Host: x", b"Connection: close", b"Content-Type: application/json",
        b"Content-Length: %d" % len(body), *(b"Idempotency-Key: " + line for line in lines), b"", body]))
    assert b" 400 " in head.splitlines()[0]
    assert json.loads(answer)["code"] == f"idempotency_key_{code}"
    assert [e["pointer"] for e in json.loads(answer)["errors"]] == ["Idempotency-Key"]
    assert stack.value("SELECT count(*) FROM orders.orders WHERE customer_id = %s", customer_id) == 0


@pytest.mark.parametrize("status, body, headers", [
    (400, "{", {}), (400, json.dumps(order(currency="XXX")), {}), (413, " " * 70000, {}),
    (415, json.dumps(order()), {"Content-Type": "text/plain"}),
    (415, json.dumps(order()), {"Content-Encoding": "gzip"}),
])
def test_a_request_that_is_refused_has_not_used_its_key(stack, status, body, headers):
    key = str(uuid.uuid4())
    refused = requests.post(f"{stack.url}/api/v1/orders", data=body, timeout=60,
                            headers={"Content-Type": "application/json", "Idempotency-Key": key, **headers})
    assert refused.status_code == status
    first = stack.post_order(order(), key)
    assert (first.status_code, first.headers.get("Idempotency-Replayed")) == (201, None)


# ---- what happens at COMMIT, arranged within PostgreSQL ----

@contextlib.contextmanager
def at_commit(stack, customer_id, statement):
    """Inside, each transaction that creates an order of CUSTOMER_ID runs STATEMENT (plpgsql) as the last thing before it
    is committed."""
    stack.query(f"""
        CREATE SEQUENCE orders.test_passages;
        GRANT USAGE ON SEQUENCE orders.test_passages TO PUBLIC;
        CREATE FUNCTION orders.test_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {statement}; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER test_at_commit AFTER INSERT ON orders.orders DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.customer_id = '{customer_id}') EXECUTE FUNCTION orders.test_at_commit()""")
    try:
        yield
    finally:
        stack.query("DROP TRIGGER test_at_commit ON orders.orders; DROP FUNCTION orders.test_at_commit;"
                    " DROP SEQUENCE orders.test_passages")


def orders_of(stack, customer_id):
    rows = stack.query("SELECT order_id::text FROM orders.orders WHERE customer_id = %s", customer_id)
    return [row[0] for row in rows]


GATE = 471100  # an advisory lock of these tests


def test_who_meets_its_key_in_flight_waits_is_told_to_come_back_and_then_gets_the_answer(at_rest):
    customer_id, key = str(uuid.uuid4()), str(uuid.uuid4())
    body = order(customerId=customer_id)
    waiting = ("PERFORM nextval('orders.test_passages');"
               f" WHILE NOT pg_try_advisory_xact_lock_shared({GATE}) LOOP PERFORM pg_sleep(0.02); END LOOP")
    with at_rest.with_settings("order-api", SQL_TIMEOUT_MS=60000, REQUEST_TIMEOUT_MS=60000), \
            at_commit(at_rest, customer_id, waiting), \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        with at_rest.session() as gate:
            gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
            first = pool.submit(at_rest.post_order, body, key, timeout=60)
            wait_for("the first at its commit", lambda: at_rest.value("SELECT is_called FROM orders.test_passages"), 60)
            early = at_rest.post_order(body, key, timeout=60)
            stranger = at_rest.post_order(order())
        assert (early.status_code, early.json()["code"]) == (409, "request_in_progress")
        assert early.headers["Retry-After"] == "1"
        assert stranger.status_code == 201, "another key is not held up"
        answer = first.result(60)
        again = at_rest.post_order(body, key, timeout=60)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    if answer.status_code != 504:  # nginx has waited 10 s on a very busy machine
        assert (answer.status_code, answer.content, answer.headers.get("Idempotency-Replayed")) == (201, again.content, None)
    assert len(orders_of(at_rest, customer_id)) == 1


def test_a_connection_killed_before_its_commit_costs_a_second_try_and_no_answer(at_rest):
    customer_id = str(uuid.uuid4())
    once = "IF nextval('orders.test_passages') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF"
    with at_commit(at_rest, customer_id, once):
        answer = at_rest.post_order(order(customerId=customer_id), timeout=60)
        assert at_rest.value("SELECT last_value FROM orders.test_passages") >= 2, "it was tried twice"
    assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (201, None)
    assert orders_of(at_rest, customer_id) == [answer.json()["orderId"]]


@contextlib.contextmanager
def commits_without_answer(stack):
    """Inside, PostgreSQL commits, and then waits for a standby that nobody has before it says so."""
    with stack.session() as session:
        session.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        session.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            session.execute("ALTER SYSTEM RESET synchronous_standby_names")
            session.execute("SELECT pg_reload_conf()")


def test_a_commit_whose_answer_is_lost_is_looked_up(at_rest):
    """The connection dies when the order is committed and order-api has not been told."""
    waits = ("SELECT pid, backend_xid::text FROM pg_stat_activity"
             " WHERE application_name = 'order-api' AND wait_event = 'SyncRep'")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for _ in range(100):  # the setting takes a moment to be in force
            customer_id = str(uuid.uuid4())
            with commits_without_answer(at_rest):
                pending = pool.submit(at_rest.post_order, order(customerId=customer_id), timeout=60)
                caught = wait_for("a commit", lambda p=pending: at_rest.query(waits) or (p.done() and [None]), 60)
                if caught != [None]:
                    at_rest.query("SELECT pg_terminate_backend(%s)", caught[0][0])
            answer = pending.result(60)
            if caught != [None]:
                break
        else:
            raise AssertionError("no commit was caught before its answer")
    assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (201, None)
    (order_id, transaction), = at_rest.query("SELECT order_id::text, xmin::text FROM orders.orders WHERE customer_id = %s",
                                             customer_id)
    assert order_id == answer.json()["orderId"]
    assert transaction == caught[0][1], "the very transaction whose answer was lost"
    at_rest.wait_status(order_id, "COMPLETED", 90)
    heads = [headers_of(message) for message in at_rest.messages("orders", order_id)]
    assert len({head["ce_id"] for head in heads if head["ce_type"] == "order.created"}) == 1


# ---- Redis, out of order ----

def full(redis):
    redis.config_set("maxmemory", "1")
    return lambda: redis.config_set("maxmemory", "128mb")


def read_only(redis):
    redis.replicaof("127.0.0.1", "1")
    return lambda: redis.replicaof("NO", "ONE")


def locked(redis):
    redis.config_set("requirepass", "another")
    redis.client_kill_filter(_type="normal", skipme=True)
    return lambda: redis.config_set("requirepass", "")


def emptied(redis):
    redis.flushall()
    return lambda: None


@pytest.mark.parametrize("spoil", [full, read_only, locked, emptied])
def test_whatever_redis_answers_the_answers_are_the_same(at_rest, spoil):
    key = str(uuid.uuid4())
    first = at_rest.post_order(order(), key)
    with contextlib.closing(at_rest.redis()) as redis:
        redis.ping()
        mend = spoil(redis)
        try:
            for _ in range(8):  # past the failures that open the breaker
                again = at_rest.post_order(order(), key)
                assert (again.status_code, again.content) == (201, first.content)
                assert again.headers["Idempotency-Replayed"] == "true"
            assert at_rest.post_order(order(currency="EUR"), key).status_code == 422
            fresh = at_rest.post_order(order())
            assert (fresh.status_code, fresh.headers.get("Idempotency-Replayed")) == (201, None)
        finally:
            mend()


def test_a_spoilt_value_in_redis_never_reaches_a_client(at_rest):
    key = str(uuid.uuid4())
    first = at_rest.post_order(order(), key)
    redis = at_rest.redis()

    def remembered():  # by replays, once the breaker is closed
        redis.flushall()
        at_rest.post_order(order(), key)
        return redis.keys("*")

    name, = wait_for("the answer in Redis", remembered, 60, 0.2)
    sealed = redis.get(name)
    assert sealed.count(b"1022.17") == 1
    spoilt = [sealed[:n] for n in range(0, len(sealed), 7)]
    spoilt += [sealed + b"x", sealed * 2, b"\0" * len(sealed), b"x" * 1_000_000, first.content]
    spoilt += [sealed.replace(b"1022.17", b"0000.01")]
    for value in spoilt:
        redis.set(name, value)
        again = at_rest.post_order(order(), key)
        assert (again.status_code, again.content) == (201, first.content), value[:100]
        assert at_rest.post_order(order(currency="EUR"), key).status_code == 422
    redis.delete(name)
    redis.rpush(name, "a list")
    assert at_rest.post_order(order(), key).content == first.content
    redis.flushall()
