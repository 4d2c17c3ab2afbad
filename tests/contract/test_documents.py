"""The documents under openapi/ agree with themselves, with each other and with the tables in the code."""

import json
import pathlib
import re
import subprocess

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPENAPI = ROOT / "openapi"


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


API = yaml.safe_load(read("openapi/openapi.yaml"))
EVENTS = yaml.safe_load(read("openapi/asyncapi.yaml"))
MESSAGES = EVENTS["components"]["messages"]


def follow(node):
    """NODE, or what its $ref names in openapi.yaml."""
    while "$ref" in node:
        reference = node["$ref"]
        assert reference.startswith("#/"), reference
        node = API
        for step in reference[2:].split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


def validator(schema):
    """SCHEMA as part of openapi.yaml, so that its references find their place; formats count."""
    resolver = jsonschema.RefResolver("", API)
    checker = jsonschema.FormatChecker(["uuid"])
    return jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=checker)


def operations():
    for path, item in API["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                yield f"{method.upper()} {path}", item, item[method]


def contents():
    """Every body that openapi.yaml describes: where, media type, its schema and examples."""
    for name, _, operation in operations():
        if "requestBody" in operation:
            for media, content in follow(operation["requestBody"])["content"].items():
                yield f"{name} request", media, content
        for status, response in operation["responses"].items():
            for media, content in follow(response).get("content", {}).items():
                yield f"{name} {status}", media, content


def c_table(path, pattern):
    return re.findall(pattern, read(path))


@pytest.mark.parametrize("where, media, content", [pytest.param(*c, id=f"{c[0]} {c[1]}") for c in contents()])
def test_every_body_has_examples_and_they_fit_its_schema(where, media, content):
    assert content["examples"], f"{where} {media} shows no example"
    for name, example in content["examples"].items():
        errors = [error.message for error in validator(content["schema"]).iter_errors(follow(example)["value"])]
        assert not errors, f"{where} {media} {name}"


def test_examples_of_parameters_and_headers_fit_their_schemas():
    found = list(API["components"]["headers"].values()) + list(API["components"]["parameters"].values())
    for _, item, operation in operations():
        found += item.get("parameters", []) + operation.get("parameters", [])
    for described in map(follow, found):
        if "example" in described:
            validator(described["schema"]).validate(described["example"])


def test_an_example_of_a_problem_stands_under_its_own_status():
    for name, _, operation in operations():
        for status, response in operation["responses"].items():
            problems = follow(response).get("content", {}).get("application/problem+json", {"examples": {}})
            for example in problems["examples"].values():
                assert follow(example)["value"]["status"] == int(status), f"{name} {status}"


def test_the_sample_order_comes_to_1022_17():
    sample = API["components"]["examples"]["NewOrder"]["value"]
    assert sum(item["quantity"] * item["unitPrice"] for item in sample["items"]) == pytest.approx(1022.17)
    assert API["components"]["examples"]["OrderReceipt"]["value"]["totalAmount"] == 1022.17


def test_limits_of_the_schema_are_those_of_the_code():
    limits = dict(c_table("common/model/order.h", r"(ORDER_[A-Z]+_MAX) = (\d+)"))
    schemas = API["components"]["schemas"]
    assert schemas["NewOrder"]["properties"]["items"]["maxItems"] == int(limits["ORDER_LINES_MAX"])
    assert schemas["Sku"]["maxLength"] == int(limits["ORDER_SKU_MAX"])
    assert schemas["Text"]["maxLength"] == int(limits["ORDER_ADDRESS_MAX"])


def test_states_and_reasons_are_those_of_the_code():
    source = "common/model/order_state.c"
    schemas = API["components"]["schemas"]
    assert schemas["OrderStatus"]["enum"] == c_table(source, r'\[ORDER_[A-Z]+\] = "([A-Z]+)"')
    assert schemas["FailureReason"]["enum"] == c_table(source, r'\[CANCEL_[A-Z_]+\] = \{ "([a-z_]+)"')


def test_every_route_is_described_and_no_other():
    base = {"ORDERS": "/api/v1", "UTILITY": "/api/utility"}
    routes = {
        f"{method} {base[group]}{pattern.replace('{id}', '{orderId}')}"
        for group, method, pattern in c_table("fcgi/router.c", r'\{ (ORDERS|UTILITY), "([A-Z]+)", "([^"]+)"')
    }
    described = set()
    for name, item, _ in operations():
        method, path = name.split()
        described.add(f"{method} {item.get('servers', API['servers'])[0]['url']}{path}")
    assert described == routes


# ---- problems ----


def test_problems_are_listed_once_and_explained():
    codes = [problem["code"] for problem in API["x-problems"]]
    assert codes == API["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert len(set(codes)) == len(codes)
    assert all(problem["meaning"] and problem["advice"] for problem in API["x-problems"])


def test_problems_of_the_api_are_those_of_the_document():
    documented = {p["code"]: (p["status"], p["title"]) for p in API["x-problems"]}
    rows = c_table("fcgi/problem.c", r'\[PROBLEM_[A-Z_]+\] = \{ (\d+), "([a-z_]+)", "([a-z-]+)",\s+"([^"]+)" \}')
    assert len(rows) == len(c_table("fcgi/problem.c", r"\[PROBLEM_[A-Z_]+\] ="))
    for status, code, slug, title in rows:
        assert documented[code] == (int(status), title)
        assert slug == code.replace("_", "-")


def test_problems_made_by_nginx_are_problems_of_the_document():
    """Each is valid, and between them and the table of the API no code of the document is left without a maker."""
    codes = {code for _, code, _, _ in c_table("fcgi/problem.c", r'\{ (\d+), "([a-z_]+)", "([a-z-]+)",\s+"([^"]+)"')}
    bodies = c_table("nginx/includes/problems.conf", r"return (\d+) '(\{.*\})';")
    assert bodies
    for status, body in bodies:
        problem = json.loads(body)
        validator({"$ref": "#/components/schemas/Problem"}).validate(problem)
        assert problem["status"] == int(status)
        assert problem["type"] == "/problems/" + problem["code"].replace("_", "-")
        codes.add(problem["code"])
    assert codes == {problem["code"] for problem in API["x-problems"]}


# ---- events ----


@pytest.mark.parametrize("event", MESSAGES)
def test_a_sample_of_an_event_fits_its_schema(event):
    schema = json.loads(read(f"openapi/events/{event}.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(read(f"openapi/events/samples/{event}.json")))
    assert MESSAGES[event]["payload"]["schema"]["$ref"] == f"events/{event}.json"
    assert schema["$id"] == f"urn:orderline:event:{event}:1"


def test_events_and_topics_are_those_of_the_code():
    rows = c_table("common/model/event.c", r'EVENT\("([a-z.]+)", "([a-z]+)", "[^"]+"\)')
    documented = [(event, channel["address"]) for channel in EVENTS["channels"].values() for event in channel["messages"]]
    assert documented == rows
    assert list(MESSAGES) == [event for event, _ in rows]
    for folder in ("events", "events/samples"):
        assert {path.stem for path in (OPENAPI / folder).glob("*.json")} == set(MESSAGES)


def test_what_a_worker_takes_is_what_its_table_handles():
    taken = {}
    for operation in EVENTS["operations"].values():
        if operation["action"] == "receive":
            events = {reference["$ref"].rsplit("/", 1)[1] for reference in operation["messages"]}
            taken.setdefault(operation["title"], set()).update(events)
    for worker, events in taken.items():
        service = worker.removeprefix("worker-")
        assert events == set(c_table(f"workers/services/{service}.c", r'\{ "([a-z]+\.[a-z]+)", on_')), worker


def test_the_model_of_the_saga_takes_what_the_workers_take():
    modelled = c_table("tests/unit/saga_model.c", r'\{ SERVICE_([A-Z]+), "([a-z]+\.[a-z]+)" \}')
    services = {service.lower() for service, _ in modelled}
    assert services == {"order", "payment", "inventory", "fulfillment", "notification"}
    for service in services:
        taken = set(c_table(f"workers/services/{service}.c", r'\{ "([a-z]+\.[a-z]+)", on_'))
        assert {event for owner, event in modelled if owner == service.upper()} == taken, service


# ---- the site ----


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    subprocess.run([OPENAPI / "pages.py", out], check=True)
    return out


def test_docs_json_is_the_yaml(site):
    assert json.loads((site / "docs.json").read_text(encoding="utf-8")) == API


def test_every_problem_type_leads_to_a_page(site):
    for problem in API["x-problems"]:
        page = (site / "problems" / (problem["code"].replace("_", "-") + ".html")).read_text(encoding="utf-8")
        assert problem["code"] in page


def test_the_event_page_shows_every_event_and_runs_no_script(site):
    page = (site / "docs/events/index.html").read_text(encoding="utf-8")
    for event in MESSAGES:
        assert f'id="{event}"' in page
    assert "<script" not in page


# ---- metrics ----


def test_metrics_are_those_of_the_document():
    types = "(counter|gauge|histogram)"
    documented = re.findall(rf"^\| `([a-z_]+)` \| {types} \|", read("docs/OPERATIONS.md"), re.MULTILINE)
    files = [*(ROOT / "workers").rglob("*.c"), ROOT / "fcgi/metrics.c", ROOT / "common/base/metric.c"]
    told = {pair for file in files for pair in c_table(file.relative_to(ROOT), rf'"([a-z_]+)",\s+"{types}"')}
    assert len(set(documented)) == len(documented)
    assert set(documented) == told


# ---- deadlines ----


def setting(file, name):
    (default,) = c_table(file, rf'\{{ "{name}", SETTING_INT, .*?, "(\d+)"')
    return int(default)


def test_deadlines_nest_and_retentions_fit():
    routes = read("nginx/includes/routes.conf")
    sql, request = setting("fcgi/main.c", "SQL_TIMEOUT_MS"), setting("fcgi/main.c", "REQUEST_TIMEOUT_MS")
    nginx = int(re.search(r"fastcgi_read_timeout (\d+)s;", routes)[1]) * 1000
    # A request's call may begin just before its deadline and then takes its own.
    assert sql < request < sql + request < nginx
    assert f"SQL_TIMEOUT_MS {sql // 1000} s < REQUEST_TIMEOUT_MS {request // 1000} s < these {nginx // 1000} s" in routes
    assert f"a SQL call ({sql // 1000} s), a request ({request // 1000} s)" in read("docs/OPERATIONS.md")

    worker, topics = "workers/runtime/worker.c", "deploy/topics/make_topics.c"
    topic_hours, inbox_hours = setting(worker, "TOPIC_RETENTION_HOURS"), setting(worker, "INBOX_RETENTION_HOURS")
    assert topic_hours == setting(topics, "TOPIC_RETENTION_HOURS")
    assert inbox_hours >= topic_hours + 24
    for name, value in (("TOPIC_RETENTION_HOURS", topic_hours), ("INBOX_RETENTION_HOURS", inbox_hours)):
        assert f"`{name}`, {value} (" in read("docs/OPERATIONS.md")
    assert f"`OUTBOX_MAX`, {setting('fcgi/main.c', 'OUTBOX_MAX'):,} events" in read("docs/OPERATIONS.md")
