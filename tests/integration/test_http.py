"""The API as a client meets it through nginx: lists, caching, errors of every maker, documents."""
import concurrent.futures
import time
import uuid

import pytest
import requests

from harness.stack import order, wait_for


def problem_of(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].startswith("/problems/") and body["title"] and body["requestId"]
    return body


@pytest.fixture(scope="module")
def customer(stack):
    """A customer with 25 orders, oldest first: (customer id, order ids)."""
    customer_id = str(uuid.uuid4())
    ids = [stack.place(customerId=customer_id) for _ in range(25)]
    for order_id in ids:
        stack.wait_status(order_id, "COMPLETED")
    return customer_id, ids


def test_both_prefixes_answer_alike(stack):
    order_id = stack.place()
    stack.wait_status(order_id, "COMPLETED")
    one, two = (stack.get(f"{prefix}/orders/{order_id}") for prefix in ("/api/v1", "/api/external/v1"))
    assert one.status_code == two.status_code == 200
    assert one.json() == two.json()


def test_an_order_comes_back_whole_and_exact(stack):
    address = {"country": "日本", "city": "Łódź 🚚", "addressLine1": "a\"b\\c", "postalCode": "<1>"}
    items = [{"sku": "SKU-3", "quantity": 0.5, "unitPrice": 3}, {"sku": "SKU-3", "quantity": 2, "unitPrice": 10}]
    order_id = stack.place(currency="JPY", shippingAddress=address, items=items)
    answer = stack.get(f"/api/v1/orders/{order_id}")
    body = answer.json()
    assert body["shippingAddress"] == address
    assert body["items"] == items
    assert body["totalAmount"] == 22  # 1.5 rounds half up to 2, and 20
    assert '"totalAmount":22,' in answer.text.replace(" ", "") or '"totalAmount":22}' in answer.text.replace(" ", "")


def test_an_unchanged_order_is_not_sent_again(stack):
    order_id = stack.place()
    stack.wait_status(order_id, "COMPLETED")
    path = f"/api/v1/orders/{order_id}"
    etag = stack.get(path).headers["ETag"]
    for sent in (etag, "*", f'"other", W/{etag}'):
        answer = stack.get(path, headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content) == (304, b"")
    assert stack.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_answers_like_get_without_a_body(stack):
    order_id = stack.place()
    stack.wait_status(order_id, "COMPLETED")
    url = f"{stack.url}/api/v1/orders/{order_id}"
    head, get = requests.head(url, timeout=10), requests.get(url, timeout=10)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(get.content))


def test_pages_hold_every_order_once_newest_first(stack, customer):
    customer_id, ids = customer
    seen = []
    for page in (1, 2, 3, 4):
        answer = stack.get(f"/api/v1/orders?customerId={customer_id}&page={page}&size=10")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        meta = body["meta"]
        assert (meta["page"], meta["size"], meta["total"], meta["totalPages"]) == (page, 10, 25, 3)
        seen += [row["orderId"] for row in body["data"]]
    assert seen == ids[::-1]


def test_the_cursor_walks_while_orders_come_in(stack, customer):
    customer_id, ids = customer
    path, seen = f"/api/v1/orders?customerId={customer_id}&size=7", []
    while path:
        body = stack.get(path).json()
        seen += [row["orderId"] for row in body["data"]]
        path = body["next"]
        stack.place(customerId=str(uuid.uuid4()))
    assert seen == ids[::-1]


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


@pytest.mark.parametrize("query", ["page=0", "page=x", "size=0", "size=101", "status=BOGUS", "customerId=x", "createdFrom=x",
                                   "page=200&size=100", "nonsense=1", "page=1&page=2", "cursor=x", "size=%zz"])
def test_a_bad_query_is_refused(stack, query):
    problem_of(stack.get(f"/api/v1/orders?{query}"), 400, "validation_failed")


def test_wrong_methods_and_paths(stack):
    base = f"{stack.url}/api/v1"
    answer = requests.delete(f"{base}/orders/{uuid.uuid4()}", timeout=10)
    problem_of(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
    problem_of(requests.get(f"{base}/orders/create", timeout=10), 405, "method_not_allowed")
    problem_of(requests.get(f"{base}/nothing", timeout=10), 404, "not_found")
    problem_of(requests.get(f"{stack.url}/nothing/at/all", timeout=10), 404, "not_found")


def test_bodies_that_are_refused_before_they_are_read(stack):
    url = f"{stack.url}/api/v1/orders/create"
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    problem_of(requests.post(url, data="{}", headers={**headers, "Content-Type": "text/plain"}, timeout=10),
               415, "unsupported_media_type")
    problem_of(requests.post(url, data="x" * 70000, headers={**headers, "Content-Type": "application/json"}, timeout=10),
               413, "payload_too_large")
    answer = requests.post(url, data="{,}", headers={**headers, "Content-Type": "application/json"}, timeout=10)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_malformed_request_gets_a_problem_document(stack):
    head, body = stack.raw(b"POST /api/v1/orders/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                            b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}")
    assert b" 400 " in head.splitlines()[0]
    assert b"application/problem+json" in head and b'"requestId"' in body


def test_the_request_id_is_echoed_when_it_is_sane(stack):
    assert stack.get("/api/v1/orders", headers={"X-Request-Id": "abc-12345"}).headers["X-Request-Id"] == "abc-12345"
    forged = stack.get("/api/v1/orders", headers={"X-Request-Id": 'a"b c'}).headers["X-Request-Id"]
    assert forged != 'a"b c' and len(forged) >= 16


def test_health(stack):
    live = stack.get("/api/utility/liveness")
    ready = stack.get("/api/utility/readiness")
    assert (live.status_code, ready.status_code) == (200, 200)
    assert live.headers["Content-Type"] == ready.headers["Content-Type"] == "application/json"


def test_readiness_follows_postgresql_and_liveness_does_not(at_rest):
    with at_rest.stopped("postgres"):
        wait_for("not ready", lambda: at_rest.get("/api/utility/readiness").status_code == 503, 15)
        assert at_rest.get("/api/utility/liveness").status_code == 200
        began = time.monotonic()
        answer = at_rest.post_order(order())
        assert time.monotonic() - began < 8
        assert answer.status_code == 503 and "Retry-After" in answer.headers
        problem_of(answer, 503, "unavailable")
    wait_for("ready", lambda: at_rest.get("/api/utility/readiness").status_code == 200, 30)


def test_a_stop_answers_what_is_in_flight(at_rest):
    customer_id = str(uuid.uuid4())
    with at_rest.with_settings("order-api", FAILPOINTS="api.after_commit=sleep:1500@1"), \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        pending = pool.submit(at_rest.post_order, order(customerId=customer_id))
        wait_for("the order, while its request is still in work", lambda: at_rest.value(
            "SELECT count(*) FROM orders.orders WHERE customer_id = %s", customer_id))
        at_rest.stop("order-api")
        assert pending.result(timeout=20).status_code == 201
        at_rest.start("order-api")


def test_the_documents_are_served(stack):
    docs = stack.get("/docs/")
    assert docs.status_code == 200 and "swagger-ui" in docs.text
    assert "Content-Security-Policy" in docs.headers
    assert stack.get("/docs").status_code == 200  # follows the redirect
    document = stack.get("/docs.json")
    assert document.headers["Content-Type"] == "application/json"
    assert document.json()["openapi"].startswith("3.1")
    assert stack.get("/docs/events/").status_code == 200
    assert stack.get("/docs/swagger-ui-bundle.js").status_code == 200
    assert stack.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/docs../nginx.conf", "/docs/../../etc/passwd", "/docs/%2e%2e/%2e%2e/etc/passwd",
                                  "/docs/..%2f..%2fetc/passwd", "/docs/.git/config", "/docs/%00"])
def test_nobody_climbs_out_of_the_documents(stack, path):
    head, body = stack.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert head.split()[1] in (b"400", b"404"), head
    assert b"root:" not in body
