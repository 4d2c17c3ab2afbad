"""Alerts, scraping, runbooks and dashboards agree; promtool, where it is, judges as Prometheus would."""
import itertools
import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
RULES = [rule for group in yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARDS = {path.name: json.loads(path.read_text()) for path in sorted((MONITORING / "grafana/dashboards").glob("*.json"))}
PROMTOOL = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is in Debian's package prometheus")


def promtool(*words, text=None):
    done = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@PROMTOOL
def test_rules_are_valid_and_fire_when_they_should():
    promtool("check", "rules", "--lint-fatal", str(MONITORING / "rules.yml"))
    promtool("test", "rules", str(MONITORING / "rules_test.yml"))


def test_every_alert_is_seen_silent_and_firing():
    tests = yaml.safe_load((MONITORING / "rules_test.yml").read_text())["tests"]
    seen = {(case["alertname"], bool(case.get("exp_alerts"))) for test in tests for case in test["alert_rule_test"]}
    assert seen == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


@PROMTOOL
@pytest.mark.parametrize("name", ["prometheus.local.yml", "prometheus.compose.yml"])
def test_scrape_configurations_are_valid(name, tmp_path):
    shutil.copy(MONITORING / name, tmp_path)
    shutil.copy(MONITORING / "rules.yml", tmp_path)
    (tmp_path / "targets.yml").write_text("[{targets: ['127.0.0.1:1'], labels: {program: order-api}}]\n")
    promtool("check", "config", str(tmp_path / name))


def test_compose_scrapes_every_program():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    scrape, = yaml.safe_load((MONITORING / "prometheus.compose.yml").read_text())["scrape_configs"]
    names = {name for source in scrape["dns_sd_configs"] for name in source["names"]}
    assert names == {name for name in services if re.match("worker-|relay-", name)} | {"nginx"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_severity_and_a_runbook(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    document, anchor = rule["annotations"]["runbook"].split("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / document).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_no_runbook_is_of_an_alert_that_is_gone():
    runbooks = (ROOT / "docs/OPERATIONS.md").read_text().split("\n## Runbooks\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", runbooks, re.MULTILINE) == [rule["alert"] for rule in RULES]


# ---- dashboards ----


def overlap(one, other):
    return all(abs(2 * one[at] + one[size] - 2 * other[at] - other[size]) < one[size] + other[size]
               for at, size in (("x", "w"), ("y", "h")))


def test_there_is_a_dashboard_for_each_thing():
    assert set(DASHBOARDS) == {"orders.json", "pipeline.json", "runtime.json", "databases.json"}
    assert len({board["uid"] for board in DASHBOARDS.values()}) == len(DASHBOARDS)


@pytest.mark.parametrize("board", DASHBOARDS.values(), ids=DASHBOARDS)
def test_panels_have_a_place_a_title_and_the_data_source_that_is_chosen(board):
    variable, = board["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels) > 5
    for panel in panels:
        assert panel["type"] in ("timeseries", "stat") and panel["datasource"] == source
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["gridPos"]["x"] >= 0 and panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["targets"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for target in panel["targets"]:
            assert target["datasource"] == source and target["legendFormat"]
    for one, other in itertools.combinations(panels, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


@PROMTOOL
@pytest.mark.parametrize("board", DASHBOARDS.values(), ids=DASHBOARDS)
def test_prometheus_understands_every_panel(board, tmp_path):
    rules = [{"record": f"panel:{panel['id']}{target['refId']}", "expr": target["expr"].replace("$__rate_interval", "1m")}
             for panel in board["panels"] for target in panel["targets"]]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(tmp_path / "rules.yml"))


def test_compose_mounts_what_is_there():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in ("prometheus", "grafana"):
        assert services[name]["profiles"] == ["monitoring"]
        for volume in services[name]["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists()
    provider, = yaml.safe_load((MONITORING / "grafana/provisioning/dashboards/orderline.yml").read_text())["providers"]
    assert any(volume.split(":")[1] == provider["options"]["path"] for volume in services["grafana"]["volumes"])
