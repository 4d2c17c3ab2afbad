"""Alert rules, scrape configurations and runbooks agree; promtool, where it is, judges as Prometheus would."""
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
RULES = [rule for group in yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"] for rule in group["rules"]]
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
