"""What the programs really tell is what Prometheus takes, and has every metric that an alert or a dashboard asks for."""
import json
import pathlib
import re
import shutil
import subprocess

import pytest
import requests
import yaml

from harness.stack import RELAYS, WORKERS, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
# What PromQL has of its own, and what Prometheus knows of each target by itself.
WORDS = {"and", "or", "unless", "on", "ignoring", "by", "without", "bool", "up"}


def metrics_of(expression):
    """The metrics that EXPRESSION asks for."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)', " ", expression)
    return set(re.findall(r"\b[a-z_]{2,}\b(?!\s*\()", bare)) - WORDS


def expressions():
    for group in yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])
    for path in (MONITORING / "grafana/dashboards").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            yield from ((f"{path.name}: {panel['title']}", target["expr"]) for target in panel["targets"])


@pytest.fixture(scope="module")
def told(stack):
    """{program: its /metrics}"""
    pages = {"order-api": f"{stack.metrics_url}/metrics",
             **{name: f"{stack.health_url(name)}/metrics" for name in (*RELAYS, *WORKERS)}}
    return {name: requests.get(page, timeout=60).text for name, page in pages.items()}


def test_prometheus_takes_what_every_program_tells(told):
    if not shutil.which("promtool"):
        pytest.skip("promtool is in Debian's package prometheus")
    for name, text in told.items():
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}"


def test_every_program_tells_what_it_is(told):
    for name, text in told.items():
        program = "outbox-relay" if name in RELAYS else name
        assert re.search(rf'^build_info\{{.*program="{program}",version="[0-9.]+"\}} 1$', text, re.MULTILINE), name


def test_every_metric_that_is_asked_for_is_told(told):
    there = {name for text in told.values() for name in re.findall(r"^([a-z_]+)[{ ]", text, re.MULTILINE)}
    asked = {metric: where for where, expression in expressions() for metric in metrics_of(expression)}
    assert len(asked) > 10
    assert {metric: where for metric, where in asked.items() if metric not in there} == {}


def test_the_age_of_an_order_is_told_when_it_is_done(stack):
    def done():
        text = requests.get(f"{stack.health_url('worker-order')}/metrics", timeout=60).text
        line = re.search(r'^worker_order_age_seconds_count\{.*type="fulfillment.shipped"\} (\d+)$', text, re.MULTILINE)
        return int(line[1])

    before = done()
    stack.wait_status(stack.place(), "COMPLETED", 60)
    wait_for("its age", lambda: done() > before, 60)


def test_prometheus_of_the_stack_asks_every_program_and_watches(stack):
    if not stack.prometheus_url:
        pytest.skip("containers have it in a profile of its own")

    def ask(what):
        return requests.get(f"{stack.prometheus_url}/api/v1/{what}", timeout=60).json()["data"]

    def health():
        return {target["labels"]["program"]: target["health"] for target in ask("targets")["activeTargets"]}

    wait_for("an answer of each", lambda: health() == dict.fromkeys(("order-api", *RELAYS, *WORKERS), "up"), 90, 0.5)
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {name for name, _ in expressions() if ".json" not in name}
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
