"""openapi.yaml as a judge: what the API answers is held against what the document says it may answer."""
import contextlib
import json
import pathlib
import posixpath
import re
import urllib.parse

import jsonschema
import requests
import yaml

DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / "openapi/openapi.yaml"
PROBLEM = "application/problem+json"

formats = jsonschema.FormatChecker(())


@formats.checks("date-time")
def is_time(text):
    return not isinstance(text, str) or bool(re.fullmatch(
        r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text))


def pattern(_, expression, instance, __):
    """As ECMA 262 has it: '$' is the end, not also a newline before it."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$(?=$|\|)", r"\\Z", expression), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {expression!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})


def validator(schema):
    return Validator(schema, format_checker=formats)


def resolved(document):
    """DOCUMENT with every $ref replaced by what it names."""
    named = {}

    def follow(reference):
        if reference not in named:
            node = document
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]
            named[reference] = walk(node)
        return named[reference]

    def walk(node):
        if isinstance(node, list):
            return [walk(element) for element in node]
        if not isinstance(node, dict):
            return node
        return follow(node["$ref"]) if "$ref" in node else {name: walk(value) for name, value in node.items()}

    return walk(document)


def normalised(path):
    """PATH as the web server hands it on: decoded, no empty segments, no dots."""
    decoded = re.sub("/+", "/", urllib.parse.unquote(path, errors="surrogateescape"))
    whole = posixpath.normpath(decoded)
    return whole + "/" if decoded.endswith("/") and whole != "/" else whole


class Contract:
    def __init__(self):
        self.document = resolved(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
        self._problem = validator(self.document["components"]["schemas"]["Problem"])
        self._validators = {}
        self._paths = []  # (pattern, path item), names before holes
        for path, item in sorted(self.document["paths"].items(), key=lambda entry: "{" in entry[0]):
            hole = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
            for server in item.get("servers", self.document["servers"]):
                self._paths.append((re.compile(re.escape(server["url"]) + hole), item))
        self.judged = 0

    def judge(self, method, path, status, headers, body):
        """Fails where this answer to METHOD PATH is not one that the document describes. HEADERS find names in any case."""
        wrong = list(self._wrong(method, normalised(path.split("?")[0]), status, headers, body))
        assert not wrong, f"{method} {path} answers {status} {dict(headers)} {body[:2000]!r}, against openapi.yaml: {wrong}"
        self.judged += 1

    def _wrong(self, method, path, status, headers, body):
        item = next((item for fits, item in self._paths if fits.fullmatch(path)), None)
        if item is None:
            if status >= 400:
                yield from self._wrong_problem(status, headers, method, body)
            elif path.startswith("/api/"):
                yield "there is nothing at this path"
            return
        described = self._response(item, "get" if method == "HEAD" else method.lower(), str(status))
        if described is None:
            yield "this status is not described"
            return
        yield from self._wrong_headers(described, headers)
        media = headers.get("Content-Type", "")
        content = described.get("content", {})
        if method == "HEAD":
            if body:
                yield "HEAD has a body"
            return
        if not content:
            if body:
                yield "a body is not described"
            return
        if media not in content:
            yield f"{media!r} is not described"
            return
        wrong = list(self._wrong_body(content[media], body))
        yield from wrong
        if media == PROBLEM and not wrong:
            yield from self._wrong_problem(status, headers, method, body)
            code = json.loads(body)["code"]
            if code not in {example["value"]["code"] for example in content[media]["examples"].values()}:
                yield f"no example of this answer shows {code}"

    @staticmethod
    def _response(item, method, status):
        """Of a method that the path does not have, what any other says about 405."""
        if method in item:
            return item[method]["responses"].get(status)
        some = next(item[name] for name in ("get", "post") if name in item)
        return some["responses"][status] if status == "405" or int(status) in (400, 408, 413, 414, 429, 431, 501) else None

    def _wrong_headers(self, described, headers):
        for name, header in described.get("headers", {}).items():
            value = headers.get(name)
            if value is None:
                if header.get("required"):
                    yield f"{name} is missing"
                continue
            if header["schema"]["type"] == "integer" and value.isdigit():
                value = int(value)
            yield from (f"{name}: {error.message}" for error in self._validator(header["schema"]).iter_errors(value))

    def _wrong_body(self, content, body):
        try:
            value = json.loads(body)
        except ValueError as error:
            yield f"the body is not JSON: {error}"
            return
        yield from (f"{error.json_path}: {error.message}" for error in self._validator(content["schema"]).iter_errors(value))

    def _wrong_problem(self, status, headers, method, body):
        if headers.get("Content-Type") != PROBLEM:
            yield "an error is no problem document"
            return
        if method == "HEAD":
            return
        try:
            problem = json.loads(body)
        except ValueError as error:
            yield f"the problem is not JSON: {error}"
            return
        yield from (error.message for error in self._problem.iter_errors(problem))
        if problem.get("status") != status:
            yield "the problem names another status"
        if problem.get("requestId") != headers.get("X-Request-Id"):
            yield "the problem names another request id than the header"
        if problem.get("type") != f"/problems/{problem.get('code', '').replace('_', '-')}":
            yield "the problem's type is not the page of its code"

    def _validator(self, schema):
        if id(schema) not in self._validators:
            self._validators[id(schema)] = validator(schema)
        return self._validators[id(schema)]

    @contextlib.contextmanager
    def judging(self, url):
        """Inside, whatever `requests` is answered from URL is judged, redirects included."""
        send = requests.Session.send

        def judged(session, request, **options):
            answer = send(session, request, **options)
            for hop in (*answer.history, answer):
                if hop.url.startswith(url + "/"):
                    path = hop.request.path_url
                    self.judge(hop.request.method, path, hop.status_code, hop.headers, hop.content)
            return answer

        requests.Session.send = judged
        try:
            yield
        finally:
            requests.Session.send = send

    def judge_raw(self, request, answer):
        """The same for bytes: the first answer in ANSWER to the first request in REQUEST."""
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = request.split(b"\r\n")[0].decode("latin-1").split(" ")
        method, path = words[:2] if len(words) == 3 else ("GET", "/")
        headers = requests.structures.CaseInsensitiveDict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if headers.get("Transfer-Encoding") != "chunked":
            self.judge(method, path, int(lines[0].split()[1]), headers, body)
