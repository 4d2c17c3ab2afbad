"""Spans go to a collector, one trace from the request on; whatever becomes of the collector, orders go on."""
import collections
import http.server
import json
import os
import subprocess
import threading
import uuid

import pytest

from harness.local import ROOT
from harness.stack import order, wait_for

PROGRAMS = ("order-api", "worker-order", "worker-payment")
SERVER, CLIENT, CONSUMER = 2, 3, 5


class Collector:
    """Keeps what it was sent: (service, span). statuses: its next answers; else 200."""

    def __init__(self):
        self.spans, self.headers, self.statuses = [], [], collections.deque()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = collector.statuses.popleft() if collector.statuses else 200
                if status == 200:
                    collector.take(self, body)
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, request, body):
        self.headers.append((request.path, dict(request.headers.items())))
        for resource in body["resourceSpans"]:
            named = {each["key"]: each["value"] for each in resource["resource"]["attributes"]}
            for scope in resource["scopeSpans"]:
                self.spans += [(named["service.name"]["stringValue"], span) for span in scope["spans"]]

    def of(self, trace):
        return [(service, span) for service, span in list(self.spans) if span["traceId"] == trace]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def collector(request, stack):
    if request.config.getoption("--compose"):
        pytest.skip("containers do not reach servers inside the tests")
    running = Collector()
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": running.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=shop,x-key=of=ours"}
    for program in PROGRAMS:
        stack.restart(program, **settings)
    yield running
    for program in PROGRAMS:
        stack.restart(program)
    running.stop()


def place(stack, trace, flags="01"):
    made = stack.post_order(order(), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-{flags}"})
    return made.json()["orderId"]


def test_an_order_is_one_trace_of_spans_each_below_what_caused_it(at_rest, collector):
    trace = uuid.uuid4().hex
    order_id = place(at_rest, trace)
    expected = {("order-api", "POST /orders/create"), ("worker-payment", "order.created"),
                ("worker-order", "payment.authorized"), ("worker-order", "fulfillment.shipped")}
    spans = wait_for("all spans", lambda: expected <= set(
        found := {(service, span["name"]): span for service, span in collector.of(trace)}) and found, 60)
    asked = spans["order-api", "POST /orders/create"]
    assert (asked["kind"], asked["parentSpanId"], asked["status"]) == (SERVER, "00f067aa0ba902b7", {})
    charged = spans["worker-payment", "order.created"]
    assert (charged["kind"], charged["parentSpanId"]) == (CONSUMER, asked["spanId"])
    assert spans["worker-order", "payment.authorized"]["parentSpanId"] == charged["spanId"]
    for span in spans.values():
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    assert {"key": "order.id", "value": {"stringValue": order_id}} in charged["attributes"]
    path, headers = collector.headers[-1]
    assert path == "/v1/traces" and headers["Content-Type"] == "application/json"
    assert (headers["x-tenant"], headers["x-key"]) == ("shop", "of=ours")


def test_what_nobody_records_is_not_sent(at_rest, collector):
    silent, told = uuid.uuid4().hex, uuid.uuid4().hex
    at_rest.wait_status(place(at_rest, silent, flags="00"), "COMPLETED")
    at_rest.wait_status(place(at_rest, told), "COMPLETED")
    wait_for("the later one", lambda: ("worker-order", "fulfillment.shipped") in {
        (service, span["name"]) for service, span in collector.of(told)}, 60)
    assert collector.of(silent) == []


def test_a_collector_that_is_busy_is_asked_again(at_rest, collector):
    collector.statuses += [503] * 3
    trace = uuid.uuid4().hex
    place(at_rest, trace)
    wait_for("spans of all programs", lambda: {service for service, _ in collector.of(trace)} == set(PROGRAMS), 60)
    assert not collector.statuses


def test_without_a_collector_orders_go_on_and_its_spans_are_counted(at_rest):
    if not hasattr(at_rest, "roll"):
        pytest.skip("settings of containers are compose's")
    with at_rest.with_settings("worker-payment", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"):
        at_rest.wait_status(at_rest.place(), "COMPLETED")
        wait_for("its spans are counted as dropped",
                 lambda: at_rest.metrics("worker-payment")['otlp_spans_total{result="dropped"}'] > 0, 60, 0.2)


@pytest.mark.parametrize("settings, why", [
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_HEADERS": "token"}, "name=value"),
])
def test_wrong_settings_are_refused_at_once(settings, why):
    program = ROOT / "build/test/bin/worker-payment"
    if not program.exists():
        pytest.skip("needs the test build")
    done = subprocess.run([program], env={**os.environ, "DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
                                          "KAFKA_BROKERS": "127.0.0.1:1", **settings},
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78 and why in done.stderr
