"""The judge of answers (tests/integration/harness/contract.py) takes what openapi.yaml describes and nothing else."""
import json
import pathlib
import sys

import pytest
from requests.structures import CaseInsensitiveDict

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from harness.contract import Contract, normalised

CONTRACT = Contract()
ORDER = "/api/v1/orders/019d47a1-f4c6-7b01-9d5e-3c1f0a7e6b52"
PROBLEM = {"type": "/problems/not-found", "title": "Not found", "status": 404, "detail": "x", "code": "not_found",
           "requestId": "12345678"}
HEAD = {"X-Request-Id": "12345678", "Content-Type": "application/problem+json"}


def judge(method="GET", path=ORDER, status=404, headers=None, body=None, **changes):
    CONTRACT.judge(method, path, status, CaseInsensitiveDict({**HEAD, **(headers or {})}),
                   json.dumps({**PROBLEM, **changes}).encode() if body is None else body)


def test_a_described_answer_is_taken():
    judge()
    judge(path="/api/external/v1/orders/x/timeline?y=1")
    judge(method="HEAD", body=b"")
    judge(path="/nothing", status=404)
    refusal = {**PROBLEM, "status": 405, "code": "method_not_allowed", "type": "/problems/method-not-allowed"}
    judge(method="PUT", status=405, headers={"Allow": "GET, HEAD"}, body=json.dumps(refusal).encode())
    judge(status=304, headers={"ETag": '"6"', "Cache-Control": "no-cache"}, body=b"")


@pytest.mark.parametrize("wrong", [
    {"status": 418}, {"status": 400}, {"path": "/api/v1/orders"}, {"path": "/api/v1/nothing", "status": 200},
    {"headers": {"Content-Type": "application/json"}}, {"headers": {"Content-Type": "text/html"}},
    {"headers": {"X-Request-Id": "another1"}}, {"body": b""}, {"body": b"{"}, {"code": "internal"}, {"code": "nonsense"},
    {"type": "/problems/internal"}, {"detail": None}, {"method": "HEAD"}, {"method": "PUT"},
    {"status": 304, "body": b"", "headers": {"Cache-Control": "no-cache"}},
    {"status": 304, "body": b"", "headers": {"Cache-Control": "no-cache", "ETag": 'W/"6"'}},
    {"status": 304, "headers": {"Cache-Control": "no-cache", "ETag": '"6"'}},
])
def test_any_other_is_not(wrong):
    with pytest.raises(AssertionError, match="against openapi.yaml"):
        judge(**wrong)


@pytest.mark.parametrize("time, good", [("2026-04-01T06:01:29.542Z", True), ("2026-04-01T06:01:29Z", False),
                                        ("2026-04-01T06:01:29.542Z\n", False)])
def test_times_of_answers_have_one_form(time, good):
    receipt = {**CONTRACT.document["components"]["examples"]["OrderReceipt"]["value"], "createdAt": time}
    headers = {"Content-Type": "application/json", "Location": "/x", "Cache-Control": "no-store"}
    try:
        judge(method="POST", path="/api/v1/orders", status=201, headers=headers, body=json.dumps(receipt).encode())
        assert good
    except AssertionError:
        assert not good


def test_paths_are_those_that_the_server_makes_of_them():
    assert normalised("/api//v1/./x/../orders/%61") == "/api/v1/orders/a"
    assert normalised("/docs/") == "/docs/"
