"""Bodies against JSONTestSuite: what is not JSON to the letter makes no order, what is comes back as it was sent."""
import functools
import json
import pathlib
import re
import unicodedata
import uuid

import pytest
import requests

from harness.stack import order

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "unit/corpus/JSONTestSuite.txt"
BODY_MAX = 65536


@functools.cache
def suite():
    """{name: (whether it is taken for JSON, the text)}"""
    texts = {}
    for line in CORPUS.read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            continue
        verdict, name, count, text = line.split(" ", 3)
        decoded = re.sub(rb"~(..)", lambda found: bytes.fromhex(found[1].decode()), text.encode())
        texts[name] = verdict == "+", decoded * int(count)
    return texts


def strings_of(value):
    """Every string in VALUE, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from strings_of(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from strings_of(member)


def may_stand_in_an_address(text):
    return bool(text.strip()) and len(text) <= 256 and not any(unicodedata.category(c) == "Cc" for c in text)


@pytest.fixture(scope="module")
def post(stack):
    """Posts bytes as an order, over one connection."""
    with requests.Session() as session:
        yield lambda body: session.post(
            f"{stack.url}/api/v1/orders", data=body, timeout=60,
            headers={"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())})


def test_the_suite_is_there_whole():
    assert [sum(name.startswith(kind) for name in suite()) for kind in ("y_", "n_", "i_")] == [95, 188, 35]


def test_no_text_of_the_suite_is_an_order_and_the_invalid_ones_are_told_why(post):
    for name, (is_json, text) in suite().items():
        answer = post(text)
        assert answer.status_code == (413 if len(text) > BODY_MAX else 400), (name, answer.text)
        if answer.status_code == 400:
            detail = answer.json()["errors"][0]["detail"]
            refused_as_json = " at byte " in detail
            repeats = name.startswith("y_object_duplicated")  # JSON, but no order: its members are named as unknown ones
            assert refused_as_json != (is_json or repeats), (name, detail)


def test_an_invalid_text_is_refused_wherever_it_stands_in_an_order(post):
    """As the value of a member that would be read, unless it is valid there."""
    whole = json.dumps(order(shippingAddress={"country": "USA", "city": "Austin", "addressLine1": "HERE"}))
    for name, (is_json, text) in suite().items():
        body = whole.encode().replace(b'"HERE"', text)
        if is_json or len(body) > BODY_MAX:
            continue
        answer = post(body)
        assert answer.status_code == 400, (name, answer.text)


def test_every_valid_string_comes_back_as_it_was_sent(post, stack):
    strings = {text for is_json, raw in suite().values() if is_json for text in strings_of(json.loads(raw))}
    kept = {text for text in strings if may_stand_in_an_address(text)}
    assert len(kept) >= 30
    for text in sorted(strings):
        for written in (json.dumps(text, ensure_ascii=False), json.dumps(text)):  # as UTF-8 and as \u escapes
            sent = json.dumps(order(shippingAddress={"country": "USA", "city": "Austin", "addressLine1": "HERE"}))
            answer = post(sent.replace('"HERE"', written).encode())
            if text not in kept:
                assert [e["pointer"] for e in answer.json()["errors"]] == ["/shippingAddress/addressLine1"], written
                continue
            assert answer.status_code == 201, (written, answer.text)
            found = stack.get(f"/api/v1/orders/{answer.json()['orderId']}").json()
            assert found["shippingAddress"]["addressLine1"].encode() == text.encode(), written


def test_every_violation_is_named_at_once_by_its_place(post, stack):
    body = ('{"customerId":"x","currency":"JPY","currency":"EUR","a/b~c":1,'
            '"items":[{"sku":"A","quantity":0,"unitPrice":1.5},{"sku":"","quantity":"1","unitPrice":-1,"sku":"B"}],'
            '"shippingAddress":{"country":null,"city":" "}}')
    pointers = ["/customerId", "/items/0/quantity", "/items/0/unitPrice", "/items/1/sku", "/items/1/quantity",
                "/items/1/unitPrice", "/items/1/sku", "/shippingAddress/country", "/shippingAddress/city",
                "/shippingAddress/addressLine1", "/currency", "/a~1b~0c"]
    assert [e["pointer"] for e in post(body.encode()).json()["errors"]] == pointers
    keyless = requests.post(f"{stack.url}/api/v1/orders", data=body, timeout=60,
                            headers={"Content-Type": "application/json"})
    assert keyless.json()["code"] == "idempotency_key_missing"
    assert [e["pointer"] for e in keyless.json()["errors"]] == ["Idempotency-Key", *pointers]


def test_depth_and_size_are_limited(post):
    deep = b"[" * 33 + b"]" * 33
    assert "nested too deeply at byte 32" in post(deep).json()["errors"][0]["detail"]
    assert post(b" " * (BODY_MAX - 2) + b"{}").status_code == 400
    assert post(b" " * (BODY_MAX - 1) + b"{}").json()["code"] == "payload_too_large"
