"""The manifests of deploy/kubernetes agree with themselves, with compose and with what the programs know."""
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = ROOT / "deploy/kubernetes/base"
EXAMPLE = ROOT / "deploy/kubernetes/example"


def objects(folder):
    """Every object that FOLDER's kustomization names in files of its own, members of lists one by one."""
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        if name.endswith(".yaml"):
            for document in yaml.safe_load_all((folder / name).read_text()):
                yield from document["items"] if document["kind"] == "List" else [document]


OBJECTS = list(objects(BASE))
EXAMPLES = list(objects(EXAMPLE))


def of_kind(*kinds, among=OBJECTS):
    return {item["metadata"]["name"]: item for item in among if item["kind"] in kinds}


WORKLOADS = of_kind("Deployment", "Job")
WORKERS = sorted(name for name in WORKLOADS if name.startswith("worker-"))
CONTAINERS = [pytest.param(workload, container, id=f"{name}/{container['name']}")
              for name, workload in WORKLOADS.items()
              for container in [*workload["spec"]["template"]["spec"].get("initContainers", []),
                                *workload["spec"]["template"]["spec"]["containers"]]]


def labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def chosen(selector):
    return [name for name, workload in WORKLOADS.items() if selector.items() <= labels(workload).items()]


def known(*patterns):
    """The settings in the tables of these files."""
    return {name for pattern in patterns for file in ROOT.glob(pattern)
            for name in re.findall(r'\{ "([A-Z_]+)", SETTING_', file.read_text())}


def settings_of(container):
    """What the program of CONTAINER takes from its environment."""
    command = container["command"][0]
    if command.startswith("worker-"):
        return known("workers/runtime/*.c", f"workers/services/{command.removeprefix('worker-')}.c")
    tables = {"outbox-relay": known("workers/relay/*.c"), "make-topics": known("deploy/topics/*.c"),
              "order-api-pool": known("fcgi/*.c") | {"ORDER_API_PROCESSES"}}
    script = {"site": "deploy/compose/site", "sql/migrate": "sql/migrate"}.get(command)
    return tables[command] if script is None else set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", (ROOT / script).read_text()))


def test_compose_and_kubernetes_run_the_same_programs():
    compose = set(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])
    assert {name for name in compose if re.match("worker-|relay-|order-api|migrate|topics", name)} == set(WORKLOADS)


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_selector_chooses_its_own_pods_and_no_others(workload):
    if workload["kind"] == "Deployment":
        assert chosen(workload["spec"]["selector"]["matchLabels"]) == [workload["metadata"]["name"]]


def test_budgets_and_services_choose_somebody():
    budgets = [chosen(budget["spec"]["selector"]["matchLabels"]) for budget in of_kind("PodDisruptionBudget").values()]
    deployments = list(of_kind("Deployment"))
    assert sorted(name for budget in budgets for name in budget) == sorted(deployments)
    for service in of_kind("Service").values():
        name, = chosen(service["spec"]["selector"])
        ports = {port["name"] for container in WORKLOADS[name]["spec"]["template"]["spec"]["containers"]
                 for port in container.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


@pytest.mark.parametrize("workload, container", CONTAINERS)
def test_probes_ask_ports_that_are_there_and_containers_are_confined(workload, container):
    pod = workload["spec"]["template"]["spec"]
    ports = {port["name"] for port in container.get("ports", [])}
    probes = {kind: container[kind] for kind in ("startupProbe", "livenessProbe", "readinessProbe") if kind in container}
    if workload["kind"] == "Deployment" and container in pod["containers"]:
        assert {"livenessProbe", "readinessProbe"} <= set(probes)
    assert {probe["httpGet"]["port"] for probe in probes.values() if "httpGet" in probe} <= ports
    confined = container["securityContext"]
    assert confined["allowPrivilegeEscalation"] is False and confined["readOnlyRootFilesystem"] is True
    assert confined["capabilities"] == {"drop": ["ALL"]}
    assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes


@pytest.mark.parametrize("workload, container", CONTAINERS)
def test_programs_know_every_setting_and_every_value_is_somewhere(workload, container):
    given = {entry["name"]: entry for entry in container.get("env", [])}
    maps, secrets = of_kind("ConfigMap"), of_kind("Secret", among=EXAMPLES)
    for entry in given.values():
        source = entry.get("valueFrom", {})
        if "secretKeyRef" in source:
            assert source["secretKeyRef"]["key"] in secrets[source["secretKeyRef"]["name"]]["stringData"]
        if "configMapKeyRef" in source:
            assert source["configMapKeyRef"]["key"] in maps[source["configMapKeyRef"]["name"]]["data"]
    for source in container.get("envFrom", []):
        given |= maps[source["configMapRef"]["name"]]["data"]
    if container["image"] == "orderline":
        assert set(given) <= settings_of(container)
        assert all(isinstance(entry.get("value", ""), str) for entry in given.values() if isinstance(entry, dict))


def test_each_program_sees_the_secret_of_its_service_alone():
    for name in (*WORKERS, *(name for name in WORKLOADS if name.startswith("relay-"))):
        service = name.split("-")[1].replace("order", "orders").replace("orderss", "orders")
        seen = set(re.findall(r"'secretKeyRef': \{'name': '([\w-]+)'", str(WORKLOADS[name])))
        assert seen == {f"orderline-{service}"}


@pytest.mark.parametrize("name", WORKERS)
def test_workers_scale_on_the_lag_of_the_topics_they_read(name):
    service = name.removeprefix("worker-")
    source = (ROOT / f"workers/services/{service}.c").read_text()
    topics = re.findall(r'"(\w+)"', re.search(r"topics\[\] = \{([^}]*)NULL", source)[1])
    scaled = of_kind("ScaledObject")[name]["spec"]
    partitions = re.search(r'"KAFKA_PARTITIONS", SETTING_INT, [^"]*"(\d+)"',
                           (ROOT / "deploy/topics/make_topics.c").read_text())[1]
    assert scaled["scaleTargetRef"]["name"] == name
    assert scaled["maxReplicaCount"] == int(partitions)
    assert [trigger["metadata"]["topic"] for trigger in scaled["triggers"]] == topics
    assert {trigger["metadata"]["consumerGroup"] for trigger in scaled["triggers"]} == {f"orderline-{service}"}


def test_kustomize_builds_the_example():
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is in none of Debian's packages")
    done = subprocess.run(["kubectl", "kustomize", EXAMPLE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(OBJECTS) + len(EXAMPLES)
    assert {item["metadata"]["namespace"] for item in built if item["kind"] != "Namespace"} == {"orderline"}
    assert "image: orderline\n" not in done.stdout
