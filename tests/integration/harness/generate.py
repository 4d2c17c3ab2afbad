"""Requests made from openapi.yaml: valid ones, nearly valid ones and hostile ones, for every operation."""
import copy
import datetime
import json
import string
import urllib.parse
from dataclasses import dataclass, field

from hypothesis import strategies as st

from .contract import validator

# Of each: how many decimals its amounts may have, which the schema cannot say.
CURRENCIES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECTED", "get")
LINE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, blacklist_characters="\x7f"), max_size=300)


@dataclass
class Sent:
    """A request, and what has to come of it: `refused` (400), `taken` (no 400), or None where either may be."""

    method: str
    path: str
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    verdict: str | None = None


# ---- values of a schema ----

def numbers(schema):
    """Whole numbers of the schema's range, as far as sums stay small."""
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return st.integers(int(least), min(int(schema.get("maximum", 10**6)), 10**6))


def texts(schema):
    if "pattern" not in schema:
        return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 100), 100))
    fits = validator(schema).is_valid
    return st.from_regex(schema["pattern"], fullmatch=True).filter(fits)


def objects(schema):
    required = {name: values(schema["properties"][name]) for name in schema.get("required", [])}
    optional = {name: values(member) for name, member in schema["properties"].items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def lists(schema):
    return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 5), 5))


def values(schema):
    """Valid values of SCHEMA, of the kinds that openapi.yaml uses."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if schema.get("format") == "date-time":
        return st.datetimes(datetime.datetime(1970, 1, 1)).map(lambda time: time.isoformat("T", "milliseconds") + "Z")
    kinds = {
        "object": objects, "string": texts, "number": numbers, "integer": numbers,
        "array": lists,
    }
    return kinds[schema["type"]](schema)


WRONG_TEXT = {
    "integer": ("x", "", "0", "-1", "1.5", "1e1", "999999999999"),
    "date-time": ("yesterday", "", "2026-13-01T00:00:00Z"),
    "uuid": ("x", "", "67993c38-8059-4d8b-8567-1542560584e"),
    "enum": ("BOGUS", "", "pending"),
}


def wrong_texts(schema):
    """Texts that no parameter of SCHEMA takes."""
    kind = "enum" if "enum" in schema else schema.get("format", schema["type"])
    return st.sampled_from(WRONG_TEXT[kind])


# ---- bodies ----

ODD = (None, True, False, 0, -1, 0.5, 1e300, 2**70, "", " ", "\n", "x" * 300, "\u00a0", "\U0001f69a", [], {}, [[]])


@st.composite
def orders(draw, schema):
    """A valid order."""
    order = draw(values(schema))
    order["currency"] = draw(st.sampled_from(sorted(CURRENCIES)))
    for item in order["items"]:
        item["quantity"] = draw(st.integers(1, 10**6)) / draw(st.sampled_from((1, 10, 1000)))
        scale = draw(st.integers(0, CURRENCIES[order["currency"]]))
        item["unitPrice"] = draw(st.integers(0, 10**6)) / 10**scale
    return order


def places(value, above=()):
    """The keys that lead to everything in VALUE."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield (*above, step)
        yield from places(below, (*above, step))


@st.composite
def spoilt_orders(draw, schema):
    """A valid order of which one place was changed: (order, whether the schema still takes it)."""
    order = copy.deepcopy(draw(orders(schema)))
    *above, last = draw(st.sampled_from(list(places(order))))
    parent = order
    for step in above:
        parent = parent[step]
    kind = draw(st.sampled_from(("remove", "add", "replace")))
    if kind == "remove":
        del parent[last]
    elif kind == "add" and isinstance(parent, dict):
        parent[draw(st.text(max_size=5))] = 1
    else:
        parent[last] = draw(st.sampled_from(ODD))
    return order, validator(schema).is_valid(order)


HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.integers(1, 100).map(lambda n: b'{"items":' + b"[" * n + b"]" * n + b"}"),
    st.integers(65500, 66000).map(lambda n: b" " * n),
    st.sampled_from([b'{"a":1e400}', b'{"a":"\\u0000"}', b"\xef\xbb\xbf{}", b'{"a":1,"a":2}', b'"', b"[1,]"]))


@st.composite
def bodies(draw, schema):
    """(bytes, verdict)"""
    kind = draw(st.sampled_from(("valid", "valid", "spoilt", "spoilt", "hostile")))
    if kind == "valid":
        ascii_only = draw(st.booleans())
        return json.dumps(draw(orders(schema)), ensure_ascii=ascii_only).encode(), "taken"
    if kind == "spoilt":
        order, valid = draw(spoilt_orders(schema))
        return json.dumps(order).encode(), None if valid else "refused"
    return draw(HOSTILE), None


# ---- whole requests ----

def quoted(text):
    return urllib.parse.quote(text, safe=string.printable if text.isascii() and text.isalnum() else "")


@st.composite
def path_and_query(draw, prefix, path, parameters, order_ids):
    """(path with query, verdict)"""
    verdict = "taken"
    for parameter in parameters:
        if parameter["in"] == "path":
            known, unknown = st.sampled_from(order_ids), st.uuids().map(str)
            text, may_be = draw(st.one_of(*(ids.map(lambda i: (i, "taken")) for ids in (known, known, unknown)),
                                          st.text(min_size=1, max_size=40).map(lambda t: (t, None))))
            verdict = together(verdict, may_be)
            path = path.replace(f"{{{parameter['name']}}}", quoted(text))
    pairs = []
    for parameter in parameters:
        if parameter["in"] != "query" or draw(st.integers(0, 2)):
            continue
        valid = values(parameter["schema"]).map(str).map(lambda t: (t, None))  # page x size: what no parameter says alone
        wrong = wrong_texts(parameter["schema"]).map(lambda t: (t, "refused"))
        text, may_be = draw(st.one_of(valid, valid, wrong, st.text(max_size=30).map(lambda t: (t, None))))
        pairs.append(f"{parameter['name']}={quoted(text)}")
        verdict = together(verdict, may_be)
    if draw(st.integers(0, 9)) == 0:
        pairs.append(draw(st.text(max_size=20).map(quoted)) + draw(st.sampled_from(("", "=", "=1", "%", "%zz", "=%00"))))
        verdict = together(verdict, None)
    return prefix + path + ("?" + "&".join(pairs) if pairs else ""), verdict


@st.composite
def headers(draw, parameters):
    """(headers, verdict)"""
    sent, verdict = {}, "taken"
    for parameter in parameters:
        if parameter["in"] != "header":
            continue
        kinds = ("valid", "valid", "valid", "any", "none") if parameter.get("required") else ("none", "valid", "any")
        kind = draw(st.sampled_from(kinds))
        if kind == "valid" and "pattern" in parameter["schema"]:
            sent[parameter["name"]] = draw(values(parameter["schema"]))
        elif kind != "none":
            sent[parameter["name"]] = draw(LINE).strip()
        if parameter.get("required") and kind != "valid":
            verdict = "refused" if kind == "none" else None
    return sent, verdict


def together(*verdicts):
    """One part that is refused refuses the whole; it is taken where all are."""
    if "refused" in verdicts:
        return "refused"
    return "taken" if set(verdicts) == {"taken"} else None


def latin(name_and_value):
    return {name: value.encode("latin-1", "replace") for name, value in name_and_value.items()}


@st.composite
def requests_to(draw, document, order_ids):
    """A request to some operation of DOCUMENT; ORDER_IDS are those of orders that exist."""
    path, item = draw(st.sampled_from(sorted(document["paths"].items())))
    method = draw(st.sampled_from([name for name in ("get", "post") if name in item]))
    operation = item[method]
    parameters = item.get("parameters", []) + operation.get("parameters", [])
    server = draw(st.sampled_from(item.get("servers", document["servers"])))["url"]
    target, verdict = draw(path_and_query(server, path, parameters, order_ids))
    head, head_verdict = draw(headers(parameters))
    sent = Sent(method.upper(), target, latin(head), b"", together(verdict, head_verdict))
    if "requestBody" in operation:
        sent.headers["Content-Type"] = b"application/json"
        sent.body, body_verdict = draw(bodies(operation["requestBody"]["content"]["application/json"]["schema"]))
        sent.verdict = together(sent.verdict, body_verdict)
        if draw(st.integers(0, 9)) == 0:
            sent.headers["Content-Type"], sent.verdict = draw(LINE).strip().encode("latin-1"), None
    elif draw(st.integers(0, 9)) == 0:
        sent.body, sent.verdict = draw(HOSTILE), None
    if draw(st.integers(0, 9)) == 0:
        sent.method, sent.verdict = draw(st.sampled_from(METHODS)), None
    return sent
