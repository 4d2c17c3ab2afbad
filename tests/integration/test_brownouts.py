"""Servers that are away, or full: what still works, what is refused at once, and that all of it comes back by itself."""
import concurrent.futures
import uuid

import requests
from test_faults import completed, place_many

from harness.stack import order, wait_for


def refused(answer, code):
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return (answer.status_code, answer.json()["code"]) == (503, code) and int(answer.headers["Retry-After"]) > 0


def place_until_refused(stack, code):
    """Places orders until one is refused for CODE: the ids of those accepted, and the key of the refused one."""
    accepted = []

    def refused_key():
        key = str(uuid.uuid4())
        answer = stack.post_order(order(), key)
        if answer.status_code == 201:
            accepted.append(answer.json()["orderId"])
        return key if answer.status_code != 201 and refused(answer, code) else None

    return accepted, wait_for(code, refused_key, 60)


def test_past_the_high_water_mark_creates_are_refused_until_the_outbox_has_drained(at_rest):
    with at_rest.with_settings("order-api", OUTBOX_MAX=20):
        with at_rest.stopped("relay-orders"):
            accepted, key = place_until_refused(at_rest, "backlog_full")
            assert len(accepted) >= 20
            assert at_rest.order(accepted[0])["status"] == "PENDING", "reads go on"
            assert at_rest.get("/api/utility/readiness").status_code == 200
        late = wait_for("the refused one is taken", lambda: (answer := at_rest.post_order(order(), key)).status_code == 201
                        and answer.json()["orderId"], 60, 0.2)
        assert late not in accepted
        wait_for("all completed", lambda: completed(at_rest, [*accepted, late]), 90)


def test_while_postgresql_is_frozen_requests_are_refused_at_once_after_the_first_ones(at_rest):
    """Frozen, not stopped: it accepts connections and answers nothing, so only deadlines tell."""
    order_id = at_rest.place()
    at_rest.pause("postgres")
    try:
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda _: at_rest.post_order(order(), timeout=60), range(64)))
        assert {answer.status_code for answer in answers} <= {503, 504}
        # From now on one probe at a time waits for the database's deadline of 3 s, and everybody else does not.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: at_rest.post_order(order(), timeout=60), range(40)))
        assert any(refused(answer, "unavailable") and answer.elapsed.total_seconds() < 2 for answer in answers)
        assert at_rest.get("/api/utility/liveness").status_code == 200
        assert at_rest.get("/api/utility/readiness").status_code == 503
    finally:
        at_rest.resume("postgres")
    wait_for("orders taken again", lambda: at_rest.post_order(order()).status_code == 201, 120, 0.2)
    at_rest.wait_status(order_id, "COMPLETED", 120)


def test_a_worker_waits_for_a_broker_that_is_away_at_its_start(durable, at_rest):
    at_rest.stop("worker-payment")
    with durable.stopped("kafka"):
        early = place_many(at_rest, 3)
        at_rest.start("worker-payment", wait_ready=False)
        wait_for("it lives", lambda: probe(at_rest, "worker-payment", "liveness") == 200, 60)
        assert probe(at_rest, "worker-payment", "readiness") == 503
    wait_for("it is ready", lambda: probe(at_rest, "worker-payment", "readiness") == 200, 180)
    wait_for("all completed", lambda: completed(at_rest, early), 180)


def test_programs_wait_for_a_database_that_is_away_at_their_start(at_rest):
    at_rest.stop("worker-payment")
    at_rest.stop("relay-orders")
    order_id = at_rest.place()
    with at_rest.stopped("postgres"):
        for program in ("worker-payment", "relay-orders"):
            at_rest.start(program, wait_ready=False)
            wait_for(f"{program} lives", lambda: probe(at_rest, program, "liveness") == 200, 60)  # noqa: B023
            wait_for(f"{program} is not ready", lambda: probe(at_rest, program, "readiness") == 503, 60)  # noqa: B023
    at_rest.wait_status(order_id, "COMPLETED", 120)


def probe(stack, program, name):
    try:
        return requests.get(f"{stack.health_url(program)}/{name}", timeout=5).status_code
    except requests.RequestException:
        return None


def test_a_worker_frozen_past_its_session_comes_back_and_applies_nothing_twice(durable, at_rest):
    with at_rest.another("worker-payment"):
        wait_for("two members", lambda: durable.members("orderline-payment") == 2, 60)
        at_rest.pause("worker-payment")
        try:
            order_ids = place_many(at_rest, 20)
            wait_for("the other one has taken over", lambda: completed(at_rest, order_ids), 120)
        finally:
            at_rest.resume("worker-payment")
        later = place_many(at_rest, 20)
        wait_for("all completed", lambda: completed(at_rest, later), 90)
    assert at_rest.value("SELECT count(*) FROM payment.charge WHERE order_id = ANY(%s::uuid[])", order_ids) == 20


def test_disk_full_is_waited_for_and_harms_no_event(at_rest):
    """PostgreSQL's own error 53100, raised where the worker writes: nothing but a full disk can be told from it."""
    at_rest.query("CREATE FUNCTION payment.test_full() RETURNS trigger LANGUAGE plpgsql AS"
                  " $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$")
    at_rest.query("CREATE TRIGGER test_full BEFORE INSERT ON payment.charge"
                  " FOR EACH ROW EXECUTE FUNCTION payment.test_full()")
    retries = at_rest.metric("worker-payment", "worker_retries_total")
    try:
        order_ids = place_many(at_rest, 3)
        wait_for("several tries", lambda: at_rest.metric("worker-payment", "worker_retries_total") >= retries + 3, 60)
    finally:
        at_rest.query("DROP TRIGGER test_full ON payment.charge")
        at_rest.query("DROP FUNCTION payment.test_full()")
    wait_for("all completed", lambda: completed(at_rest, order_ids), 90)
