"""The API as a client meets it through nginx: whole orders, errors of every maker, health, documents."""
import concurrent.futures
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


def test_wrong_methods_and_paths(stack):
    base = f"{stack.url}/api/v1"
    answer = requests.delete(f"{base}/orders/{uuid.uuid4()}", timeout=60)
    problem_of(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
    problem_of(requests.get(f"{base}/orders/create", timeout=60), 405, "method_not_allowed")
    problem_of(requests.get(f"{base}/nothing", timeout=60), 404, "not_found")
    problem_of(requests.get(f"{stack.url}/nothing/at/all", timeout=60), 404, "not_found")


def test_bodies_that_are_refused_before_they_are_read(stack):
    url = f"{stack.url}/api/v1/orders/create"
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    problem_of(requests.post(url, data="{}", headers={**headers, "Content-Type": "text/plain"}, timeout=60),
               415, "unsupported_media_type")
    problem_of(requests.post(url, data="x" * 70000, headers={**headers, "Content-Type": "application/json"}, timeout=60),
               413, "payload_too_large")
    answer = requests.post(url, data="{,}", headers={**headers, "Content-Type": "application/json"}, timeout=60)
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
        wait_for("not ready", lambda: at_rest.get("/api/utility/readiness").status_code == 503, 60)
        assert at_rest.get("/api/utility/liveness").status_code == 200
        answer = at_rest.post_order(order())
        assert answer.status_code == 503 and "Retry-After" in answer.headers
        problem_of(answer, 503, "unavailable")
    wait_for("ready", lambda: at_rest.get("/api/utility/readiness").status_code == 200, 60)


def test_a_stop_answers_what_is_in_flight(at_rest):
    customer_id = str(uuid.uuid4())
    with at_rest.with_settings("order-api", FAILPOINTS="api.after_commit=sleep:1500@1"), \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        pending = pool.submit(at_rest.post_order, order(customerId=customer_id))
        wait_for("the order, while its request is still in work", lambda: at_rest.value(
            "SELECT count(*) FROM orders.orders WHERE customer_id = %s", customer_id))
        at_rest.stop("order-api")
        assert pending.result(timeout=60).status_code == 201
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
