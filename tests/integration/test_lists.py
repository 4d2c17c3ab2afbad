"""Lists, single orders, caching and cancels, as a client meets them."""
import contextlib
import json
import threading
import uuid

import pytest
import requests

from harness.stack import order


@pytest.fixture(scope="module")
def customer(stack):
    """A customer with 25 orders, oldest first: (customer id, order ids)."""
    customer_id = str(uuid.uuid4())
    ids = [stack.place(customerId=customer_id) for _ in range(25)]
    for order_id in ids:
        stack.wait_status(order_id, "COMPLETED", 120)
    return customer_id, ids


def walk(stack, path):
    """The pages from PATH on, by `next`."""
    while path:
        answer = stack.get(path)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        link = f'<{body["next"]}>; rel="next"' if body["next"] else None
        assert answer.headers.get("Link") == link
        yield body
        path = body["next"]


def ids_of(pages):
    return [row["orderId"] for page in pages for row in page["data"]]


# ---- lists ----

def test_pages_hold_every_order_once_newest_first(stack, customer):
    customer_id, ids = customer
    seen = []
    for page in (1, 2, 3, 4):
        body = stack.get(f"/api/v1/orders?customerId={customer_id}&page={page}&size=10").json()
        assert body["meta"] == {"page": page, "size": 10, "total": 25, "totalPages": 3}
        seen += [row["orderId"] for row in body["data"]]
    assert seen == ids[::-1]


def test_a_walk_keeps_its_filters_and_its_prefix(stack, customer):
    customer_id, ids = customer
    start = f"/api/external/v1/orders?customerId={customer_id}&status=COMPLETED&createdFrom=2020-01-01&size=7"
    pages = list(walk(stack, start))
    assert ids_of(pages) == ids[::-1]
    assert [len(page["data"]) for page in pages] == [7, 7, 7, 4]
    assert all(page["next"].startswith("/api/external/v1/orders?size=7&customerId=") for page in pages[:-1])


def test_a_walk_sees_each_order_that_was_there_once_while_others_come_in(stack):
    customer_id = str(uuid.uuid4())
    ids = [stack.place(customerId=customer_id) for _ in range(20)]
    over = threading.Event()
    later = []

    def go_on_ordering():
        while not over.is_set():
            later.append(stack.place(customerId=customer_id))

    writer = threading.Thread(target=go_on_ordering)
    writer.start()
    try:
        seen = ids_of(walk(stack, f"/api/v1/orders?customerId={customer_id}&size=3"))
    finally:
        over.set()
        writer.join()
    assert [order_id for order_id in seen if order_id in ids] == ids[::-1]
    assert len(seen) == len(set(seen)) and set(seen) <= {*ids, *later}


def test_lists_filter_by_status_and_time(stack, customer):
    customer_id, ids = customer
    middle = stack.order(ids[10])["createdAt"]
    before = stack.get(f"/api/v1/orders?customerId={customer_id}&createdTo={middle}&size=100").json()
    after = stack.get(f"/api/v1/orders?customerId={customer_id}&createdFrom={middle}&size=100").json()
    got = {row["orderId"] for row in before["data"]}, {row["orderId"] for row in after["data"]}
    assert got[0].isdisjoint(got[1]) and got[0] | got[1] == set(ids)
    assert ids[10] in got[1]

    completed = stack.get(f"/api/v1/orders?customerId={customer_id}&status=COMPLETED&size=100").json()
    assert {row["orderId"] for row in completed["data"]} == set(ids)
    cancelled = stack.get(f"/api/v1/orders?customerId={customer_id}&status=CANCELLED").json()
    assert (cancelled["data"], cancelled["meta"]["totalPages"], cancelled["next"]) == ([], 0, None)


@contextlib.contextmanager
def many_orders(stack, customer_id, count):
    """COUNT completed orders of CUSTOMER_ID, put into the tables as they are."""
    stack.query("""
        INSERT INTO orders.orders
        SELECT orders.uuid_v7_floor('2021-01-01'::timestamptz + i * interval '1 s'), gen_random_uuid(), gen_random_uuid(),
               %s, 'EUR', 1, '[{"sku":"A","quantity":1,"unitPrice":0.01}]', '{"country":"A","city":"B","addressLine1":"C"}'
        FROM generate_series(1, %s) AS i""", customer_id, count)
    stack.query("""
        INSERT INTO orders.progress (order_id, customer_id, status, outcome, version, updated_at)
        SELECT order_id, customer_id, 'COMPLETED', 'COMPLETED', 5, now()
        FROM orders.orders WHERE customer_id = %s""", customer_id)
    try:
        yield
    finally:
        stack.query("DELETE FROM orders.progress USING orders.orders AS o"
                    " WHERE progress.order_id = o.order_id AND o.customer_id = %s", customer_id)
        stack.query("DELETE FROM orders.orders WHERE customer_id = %s", customer_id)


def test_a_few_of_one_status_are_found_among_many_of_another(stack):
    customer_id = str(uuid.uuid4())
    with many_orders(stack, customer_id, 3000):
        cancelled = [order_id for order_id, in stack.query("""
            UPDATE orders.progress SET status = 'CANCELLED', outcome = 'CANCELLED', failure_reason = 'timed_out'
            WHERE order_id IN (SELECT order_id FROM (SELECT order_id, row_number() OVER (ORDER BY order_id) AS nth
                                                     FROM orders.orders WHERE customer_id = %s) AS o WHERE nth %% 400 = 1)
            RETURNING order_id::text""", customer_id)]
        path = f"/api/v1/orders?customerId={customer_id}&size=3&status="
        pages = list(walk(stack, f"{path}CANCELLED"))
        assert len(cancelled) == 8 and ids_of(pages) == sorted(cancelled, reverse=True)
        assert [(len(page["data"]), page["meta"]["total"]) for page in pages] == [(3, 8), (3, 8), (2, 8)]
        numbered = [stack.get(f"{path}CANCELLED&page={page}").json() for page in (1, 2, 3, 4)]
        assert ids_of(numbered) == sorted(cancelled, reverse=True)
        assert stack.get(f"{path}COMPLETED").json()["meta"]["total"] == 2992
        assert [(page["data"], page["meta"]["total"]) for page in walk(stack, f"{path}PAYMENT")] == [([], 0)]


def test_a_total_is_exact_to_ten_thousand_and_says_when_it_is_not(stack):
    customer_id = str(uuid.uuid4())
    path = f"/api/v1/orders?customerId={customer_id}&size=100"
    with many_orders(stack, customer_id, 10001):
        assert stack.get(path).json()["meta"] == {"page": 1, "size": 100, "total": 10000, "totalPages": 100,
                                                  "totalIsLowerBound": True}
        last = stack.get(f"{path}&page=100").json()
        assert len(last["data"]) == 100
        assert len(stack.get(last["next"]).json()["data"]) == 1, "the cursor leads on from there"
        assert stack.get(f"{path}&page=101").json()["errors"][0]["pointer"] == "page"
        newest = stack.get(path).json()["data"][0]["orderId"]
        stack.query("DELETE FROM orders.progress WHERE order_id = %s", newest)
        stack.query("DELETE FROM orders.orders WHERE order_id = %s", newest)
        assert stack.get(path).json()["meta"] == {"page": 1, "size": 100, "total": 10000, "totalPages": 100}


def refused(stack, query):
    """Status and problem of a list with QUERY, which is sent as it is: client libraries mend what is broken."""
    request = f"GET /api/v1/orders?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head, body = stack.raw(request.encode())
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize("query, names", [
    ("page=0", ["page"]), ("page=x", ["page"]), ("size=0", ["size"]), ("size=101", ["size"]), ("status=BOGUS", ["status"]),
    ("customerId=x", ["customerId"]), ("createdFrom=x", ["createdFrom"]), ("page=200&size=100", ["page"]),
    ("nonsense=1", ["nonsense"]), ("cursor=x", ["cursor"]),
    ("page=1&cursor=019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52", ["cursor"]),
    ("page=0&size=0&status=x&%C3%A4=1", ["page", "size", "status", "\u00e4"]),
    ("page=1&page=2", ["page"]),
    ("size=%zz", ["size"]), ("size=%", ["size"]), ("size=%00", ["size"]), ("size=%ff", ["size"]),
    ("&".join(f"x{i}=" for i in range(40)), [f"x{i}" for i in range(33)]),
])
def test_a_bad_query_is_refused_and_each_parameter_at_fault_named(stack, query, names):
    status, problem = refused(stack, query)
    assert (status, problem["code"]) == (400, "validation_failed")
    assert [error["pointer"] for error in problem["errors"]] == names


def test_parameters_that_cannot_be_read_are_named_beside_those_that_can(stack):
    _, problem = refused(stack, "page=0&size=%zz&%ff=1&status=%00&%70age=1&createdTo=%C3&customerId=%41")
    escape = "has a '%' that is not followed by two hexadecimal digits"
    assert problem["detail"] == "7 parameters are not valid."
    assert [(error["pointer"], error["detail"]) for error in problem["errors"]] == [
        ("page", "must be a whole number from 1"), ("size", escape), ("%ff", "is not UTF-8"), ("status", "holds a NUL"),
        ("page", "is given twice"), ("createdTo", "is not UTF-8"), ("customerId", "must be a UUID")]


# ---- one order ----

def test_an_unchanged_order_is_not_sent_again(stack):
    order_id = stack.place()
    stack.wait_status(order_id, "COMPLETED", 120)
    path = f"/api/v1/orders/{order_id}"
    etag = stack.get(path).headers["ETag"]
    for sent in (etag, f"W/{etag}", "*", f'"other", W/{etag}', f'"0",{etag},"9999"'):
        answer = stack.get(path, headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag), sent
    for sent in ('"other"', etag.strip('"'), "W/*", ""):
        assert stack.get(path, headers={"If-None-Match": sent}).status_code == 200, sent
    head, body = stack.raw(f'GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: "other"\r\n'
                           f"If-None-Match: {etag}\r\n\r\n".encode())
    assert head.split()[1] == b"400" and b"bad_request" in body, "nginx takes one such header"
    assert stack.get(f"/api/v1/orders/{uuid.uuid4()}", headers={"If-None-Match": "*"}).status_code == 404


def test_a_uuid_is_read_in_any_case_and_written_in_lower_case(stack):
    customer_id = str(uuid.uuid4())
    order_id = stack.place(customerId=customer_id.upper())
    found = stack.order(order_id.upper())
    assert (found["orderId"], found["customerId"]) == (order_id, customer_id)


def test_a_cancel_repeated_changes_nothing(at_rest):
    with at_rest.stopped("relay-orders"):  # nobody hears of the order: it stays PENDING
        order_id = at_rest.place()
        created = at_rest.get(f"/api/v1/orders/{order_id}")
        first = at_rest.cancel(order_id)
        again = at_rest.cancel(order_id)
        assert (first.status_code, first.json()["failureReason"]) == (200, "cancelled_by_customer")
        assert (again.status_code, again.content, again.headers["ETag"]) == (200, first.content, first.headers["ETag"])
        assert at_rest.get(f"/api/v1/orders/{order_id}").content == first.content
        assert created.headers["ETag"] != first.headers["ETag"]
        changed = at_rest.get(f"/api/v1/orders/{order_id}", headers={"If-None-Match": created.headers["ETag"]})
        assert changed.status_code == 200
        steps = at_rest.get(f"/api/v1/orders/{order_id}/timeline").json()["data"]
        assert [(step["from"], step["to"], step["reason"]) for step in steps] == [
            (None, "PENDING", None), ("PENDING", "CANCELLED", "cancelled_by_customer")]


# ---- HEAD and caching, everywhere ----

@pytest.fixture(scope="module")
def paths(stack, customer):
    """Every GET of the API, with the Cache-Control of its answers."""
    customer_id, ids = customer
    return {
        f"/api/v1/orders/{ids[0]}": "private, no-cache",
        f"/api/v1/orders/{ids[0]}/timeline": "private, no-cache",
        f"/api/v1/orders?customerId={customer_id}&size=3": "private, no-cache",
        "/api/utility/liveness": "no-store",
        "/api/utility/readiness": "no-store",
        f"/api/v1/orders/{uuid.uuid4()}": "no-store",
        "/api/v1/orders?size=0": "no-store",
        "/api/v1/nothing": "no-store",
    }


def test_head_answers_like_get_without_a_body(stack, paths):
    def compared(answer):
        return {name: value for name, value in answer.headers.items() if name not in ("Date", "X-Request-Id")}

    for path in (*paths, "/", "/docs", "/docs.json"):
        head, get = (requests.request(method, stack.url + path, timeout=60, headers={"Accept-Encoding": "identity"})
                     for method in ("HEAD", "GET"))
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert compared(head) == compared(get), path


def test_caches_are_told_what_they_may_keep(stack, paths):
    assert {path: stack.get(path).headers["Cache-Control"] for path in paths} == paths
    assert stack.post_order(order()).headers["Cache-Control"] == "no-store"


def test_head_is_for_what_can_be_got(stack):
    answer = requests.head(f"{stack.url}/api/v1/orders/{uuid.uuid4()}/cancel", timeout=60)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
