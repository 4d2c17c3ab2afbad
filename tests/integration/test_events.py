"""What is really on the broker after orders of every outcome fits the documents, header by header."""
import json
import pathlib
import re
import uuid

import jsonschema
import yaml

from harness.stack import TOPICS, headers_of, order, payload_of, wait_for

OPENAPI = pathlib.Path(__file__).resolve().parents[2] / "openapi"
DOCUMENT = yaml.safe_load((OPENAPI / "asyncapi.yaml").read_text(encoding="utf-8"))
HEADERS = DOCUMENT["components"]["messageTraits"]["event"]["headers"]
TOPIC_OF = {event: channel["address"] for channel in DOCUMENT["channels"].values() for event in channel["messages"]}
TRACE = re.compile(r"^00-([0-9a-f]{32})-[0-9a-f]{16}-0[01]$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def line(sku, quantity=1, price=10):
    return {"sku": sku, "quantity": quantity, "unitPrice": price}


def place_each_outcome(stack):
    """Orders to their ends, each under a trace of its own: {order id: trace id}. The last one is nudged."""
    traces = {}

    def place(**changes):
        trace = uuid.uuid4().hex
        answer = stack.post_order(order(**changes), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}, timeout=60)
        assert answer.status_code == 201, answer.text
        traces[answer.json()["orderId"]] = trace
        return answer.json()["orderId"]

    place()
    place(items=[line("SKU-1", 1, 1000000.01)])
    place(items=[line("SKU-1"), line("SKU-SOLDOUT")])
    place(shippingAddress={"country": "Antarctica", "city": "Vostok", "addressLine1": "1"})
    with stack.stopped("worker-payment"), stack.with_settings("worker-order", NUDGE_AFTER_MS=300):
        cancelled = place()
        stack.wait_status(cancelled, "PAYMENT", 60)
        wait_for("a nudge", lambda: "order.nudged" in types_of(stack.messages("orders", cancelled)), 60, 0.2)
        assert stack.cancel(cancelled).status_code == 200
    return traces


def types_of(messages):
    return {headers_of(message)["ce_type"] for message in messages}


def validator(schema):
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["uuid"]))


def check(message, topic, trace):
    headers = headers_of(message)
    validator(HEADERS).validate(headers)
    assert len(message.headers()) == len(headers), "a header is there twice"
    event = headers["ce_type"]
    assert (TOPIC_OF[event], headers["ce_specversion"]) == (topic, "1.0")
    assert headers["ce_dataschema"] == f"urn:orderline:event:{event}:1"
    assert headers["ce_subject"] == message.key().decode()
    assert uuid.UUID(headers["ce_id"]).version == 7
    assert TIME.match(headers["ce_time"])
    assert TRACE.match(headers["traceparent"])[1] == trace or trace is None
    schema = json.loads((OPENAPI / f"events/{event}.json").read_text(encoding="utf-8"))
    validator(schema).validate(payload_of(message))
    return event


def test_every_event_on_the_broker_is_as_documented(at_rest):
    traces = place_each_outcome(at_rest)
    at_rest.wait_rest()
    seen = set()
    for order_id, trace in traces.items():
        found = [(topic, message) for topic in TOPICS for message in at_rest.messages(topic, order_id)]
        # what answers a nudge is of the nudge's own trace; on a slow machine any order may be nudged
        nudged = "order.nudged" in types_of(message for _, message in found)
        seen |= {check(message, topic, None if nudged else trace) for topic, message in found}
    assert seen == set(DOCUMENT["components"]["messages"])
