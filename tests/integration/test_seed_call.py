"""The call of the README, to the letter, and what comes of it."""
import json
import subprocess

from harness.stack import headers_of, payload_of, wait_for

KEY = "82c412a6-d932-414a-89f0-5f40b1fac1db"
CALL = r"""curl -sS -D {headers} -X POST "{url}/api/external/v1/orders/create" -H "Content-Type: application/json" \
  -H "Idempotency-Key: 82c412a6-d932-414a-89f0-5f40b1fac1db" -d '{{"customerId":"67993c38-8059-4d8b-8567-1542560584ee",
  "items":[{{"sku":"SKU-1","quantity":33,"unitPrice":19.99}},{{"sku":"SKU-2","quantity":14.50,"unitPrice":25}}],"currency":"USD",
  "shippingAddress":{{"country":"USA","city":"Austin","addressLine1":"Lincoln, 65"}}}}'"""


def call(stack, tmp_path):
    """Status, headers in lower case, body of the call."""
    headers = tmp_path / "headers"
    command = CALL.format(url=stack.url, headers=headers)
    body = subprocess.run(["bash", "-c", command], check=True, capture_output=True, timeout=30).stdout
    lines = headers.read_text().splitlines()
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split()[1]), fields, body


def test_the_call_is_answered_and_the_order_walks_to_its_end(stack, tmp_path):
    status, headers, body = call(stack, tmp_path)
    created = json.loads(body)

    assert status == 201
    assert b'"totalAmount":1022.17' in body.replace(b" ", b"")
    assert set(created) == {"createdAt", "currency", "orderId", "status", "totalAmount"}
    assert (created["currency"], created["status"]) == ("USD", "PENDING")
    assert headers["location"].endswith(f"/orders/{created['orderId']}")

    stack.wait_status(created["orderId"], "COMPLETED", 20)
    assert stack.stages(created["orderId"]) == ["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "COMPLETED"]


def test_the_same_call_again_answers_the_same_bytes(stack, tmp_path):
    first_status, _, first = call(stack, tmp_path)
    status, headers, again = call(stack, tmp_path)

    assert (first_status, status) == (201, 201)
    assert again == first
    assert headers["idempotency-replayed"] == "true"
    assert stack.value("SELECT count(*) FROM orders.orders WHERE order_id = %s", json.loads(first)["orderId"]) == 1


def test_its_events_are_cloudevents_keyed_by_the_order(stack, tmp_path):
    order_id = json.loads(call(stack, tmp_path)[2])["orderId"]
    stack.wait_status(order_id, "COMPLETED", 20)
    wait_for("the confirmation", lambda: len(stack.messages("notifications", order_id)) >= 2)

    types = {topic: [headers_of(m)["ce_type"] for m in stack.messages(topic, order_id)]
             for topic in ("orders", "payments", "inventory", "fulfillment")}
    assert types == {
        "orders": ["order.created", "order.confirmed", "order.completed"],
        "payments": ["payment.authorized"],
        "inventory": ["inventory.reserved"],
        "fulfillment": ["fulfillment.shipped"],
    }
    created = stack.messages("orders", order_id)[0]
    headers = headers_of(created)
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_subject"] == order_id
    assert headers["ce_source"] == "/orderline/orders"
    assert headers["content-type"] == "application/json"
    payload = payload_of(created)
    assert payload["totalMinor"] == 102217
    assert [line["quantity"] for line in payload["lines"]] == [33, 14.5]
    assert "shippingAddress" not in payload

    traces = {headers_of(m)["traceparent"].split("-")[1] for topic in types for m in stack.messages(topic, order_id)}
    assert len(traces) == 1
