"""The front door by raw bytes: what passes, what is refused and how, and how often the application is asked."""
import json
import threading
import time

import pytest
import yaml
from application import OK
from front import ROOT, read_answer

POST = b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\n"
STATUSES = {problem["code"]: problem["title"]
            for problem in yaml.safe_load((ROOT / "openapi/openapi.yaml").read_text())["x-problems"]}


def until(what, probe, seconds=60.0):
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def problem_of(answer, status, code):
    """Checks that ANSWER is that problem, whole and documented; its headers."""
    got, headers, body = answer
    named = dict(headers)
    assert (got, named.get("Content-Type")) == (status, "application/problem+json"), answer
    problem = json.loads(body)
    assert (problem["status"], problem["code"], problem["title"]) == (status, code, STATUSES[code])
    assert problem["type"] == "/problems/" + code.replace("_", "-")
    assert problem["requestId"] == named["X-Request-Id"] and named["X-Content-Type-Options"] == "nosniff"
    assert "nginx/" not in named.get("Server", "")
    return named


# ---- what is refused ----


@pytest.mark.parametrize("request_bytes", [
    pytest.param(b"nonsense\r\n\r\n", id="no request line"),
    pytest.param(b"GET /api/v1/orders HTTP/1.1\r\n\r\n", id="no Host"),
    pytest.param(GET + b"Host: y\r\n\r\n", id="two Hosts"),
    pytest.param(GET + b"X-A: a\0b\r\n\r\n", id="NUL in a header"),
    pytest.param(b"GET /api/v1/ord\0ers HTTP/1.1\r\nHost: x\r\n\r\n", id="NUL in the address"),
    pytest.param(b"GET /docs/%00 HTTP/1.1\r\nHost: x\r\n\r\n", id="NUL, escaped"),
    pytest.param(b"GET /docs/%zz HTTP/1.1\r\nHost: x\r\n\r\n", id="broken escape"),
    pytest.param(POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length and chunks"),
    pytest.param(POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", id="chunks and length"),
    pytest.param(POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two lengths"),
    pytest.param(POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", id="the same length twice"),
    pytest.param(POST + b"Content-Length: -2\r\n\r\n{}", id="negative length"),
    pytest.param(POST + b"Content-Length: 0x2\r\n\r\n{}", id="hexadecimal length"),
    pytest.param(POST + b"Content-Length: 2,2\r\n\r\n{}", id="list of lengths"),
    pytest.param(POST + b"Content-Length : 2\r\n\r\n{}", id="space before the colon"),
    pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="chunk without a size"),
    pytest.param(b"GET http:///api HTTP/1.1\r\nHost: x\r\n\r\n", id="absolute address without a host"),
    pytest.param(b"GET /../secret HTTP/1.1\r\nHost: x\r\n\r\n", id="above the root"),
])
def test_what_is_no_proper_http_is_a_problem_and_goes_no_further(front, request_bytes):
    problem_of(front.raw(request_bytes), 400, "bad_request")
    assert front.application.calls == []


def test_a_transfer_encoding_nobody_knows(front):
    problem_of(front.raw(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501, "bad_request")
    assert front.application.calls == []


def test_sizes_that_pass_and_sizes_that_do_not(front):
    assert front.raw(GET + b"X-A: %s\r\n\r\n" % (b"a" * 15000))[0] == 200
    assert front.raw(b"GET /api/v1/orders?%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 15000))[0] == 200
    assert front.raw(POST + b"Content-Length: 65536\r\n\r\n" + b"a" * 65536)[0] == 200
    served = len(front.application.calls)
    problem_of(front.raw(GET + b"X-A: %s\r\n\r\n" % (b"a" * 17000)), 431, "headers_too_large")
    problem_of(front.raw(GET + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 12000) for i in range(6)) + b"\r\n"), 431,
               "headers_too_large")
    problem_of(front.raw(b"GET /api/v1/orders?%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 17000)), 414, "uri_too_long")
    problem_of(front.raw(POST + b"Content-Length: 65537\r\n\r\n"), 413, "payload_too_large")
    problem_of(front.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n10001\r\n" + b"a" * 65537 + b"\r\n0\r\n\r\n"), 413,
               "payload_too_large")
    assert len(front.application.calls) == served


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_files_have_two_methods(front, method):
    for path in ("/", "/docs.json", "/docs", "/problems/not-found"):
        answer = front.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        assert problem_of(answer, 405, "method_not_allowed")["Allow"] == "GET, HEAD"


def test_trace_is_nobodys_method(front):
    assert front.raw(b"TRACE /api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 405
    assert front.application.calls == []


def test_the_problems_have_no_address_of_their_own(front):
    problem_of(front.raw(b"GET /-/problem/500 HTTP/1.1\r\nHost: x\r\n\r\n"), 404, "not_found")


# ---- what the application is told ----


def params(front, name):
    return front.application.calls[-1].param(name)


def test_a_header_proxy_becomes_nothing(front):
    assert front.raw(GET + b"Proxy: http://evil\r\n\r\n")[0] == 200
    assert params(front, "HTTP_PROXY") in ([], [""])


def test_a_key_sent_twice_arrives_twice(front):
    assert front.raw(POST + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n\r\n{}")[0] == 200
    keys = params(front, "HTTP_IDEMPOTENCY_KEY")
    assert keys in (["a", "b"], ["a, b"])  # nginx 1.22; from 1.23 on they are joined. order-api refuses either.


def test_underscores_are_no_second_way_to_write_a_header(front):
    assert front.raw(POST + b"Idempotency_Key: evil\r\nX_Request_Id: evil-evil\r\nContent-Length: 2\r\n\r\n{}")[0] == 200
    assert params(front, "HTTP_IDEMPOTENCY_KEY") == []
    assert "evil" not in str(front.application.calls[-1].params)


def test_a_folded_line_is_not_joined_to_a_header(front):
    status, _, _ = front.raw(GET + b"Idempotency-Key: a\r\n folded\r\n\r\n")
    assert status in (200, 400)
    for call in front.application.calls:
        assert call.param("HTTP_IDEMPOTENCY_KEY") == ["a"]
        assert "folded" not in str(call.params)


def test_a_client_cannot_speak_for_the_server(front):
    assert front.raw(GET + b"Remote-Addr: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nScript-Name: /x\r\n\r\n")[0] == 200
    assert params(front, "REMOTE_ADDR") == ["127.0.0.1"]
    assert params(front, "SCRIPT_NAME") == ["/api/v1/orders"]


@pytest.mark.parametrize("sent, kept", [(b"abc-12345", True), (b"short", False), (b"a" * 65, False), (b'x"y z.....', False)])
def test_a_request_id_is_taken_where_it_is_a_plain_token(front, sent, kept):
    _, headers, _ = front.raw(GET + b"X-Request-Id: %s\r\n\r\n" % sent)
    answered = [value for name, value in headers if name == "X-Request-Id"]
    assert params(front, "HTTP_X_REQUEST_ID") == answered and len(answered) == 1
    assert (answered[0] == sent.decode()) == kept


def test_chunks_arrive_whole_with_their_length(front):
    assert front.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n")[0] == 200
    assert front.application.calls[-1].body == b'{"a":1}'
    assert params(front, "CONTENT_LENGTH") == ["7"]


def test_paths_arrive_normalised(front):
    assert front.raw(b"GET //api/./v1/x/../orders?a=%2F HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200
    assert params(front, "DOCUMENT_URI") == ["/api/v1/orders"]
    assert params(front, "QUERY_STRING") == ["a=%2F"]


# ---- how often it is asked ----


@pytest.mark.parametrize("answer", [pytest.param(None, id="hangs up"), pytest.param(b"no headers", id="talks nonsense")])
def test_a_post_that_was_sent_is_never_sent_again(fronts, answer):
    front = fronts()
    front.serve(lambda call: answer)
    named = problem_of(front.raw(POST + b"Content-Length: 2\r\n\r\n{}"), 502, "unavailable")
    assert named["Retry-After"] == "1"
    problem_of(front.raw(GET + b"\r\n"), 502, "unavailable")
    assert [call.param("REQUEST_METHOD") for call in front.application.calls] == [["POST"], ["GET"]]


def test_no_answer_in_time_is_asked_for_once(fronts):
    front = fronts([("fastcgi_read_timeout 10s", "fastcgi_read_timeout 1s")])
    answered = threading.Event()
    front.serve(lambda call: answered.wait(300) and None)
    named = problem_of(front.raw(POST + b"Content-Length: 2\r\n\r\n{}"), 504, "timeout")
    answered.set()
    assert named["Retry-After"] == "1"
    assert len(front.application.calls) == 1


def test_nobody_there_is_unavailable(fronts):
    assert problem_of(fronts().raw(GET + b"\r\n"), 502, "unavailable")["Retry-After"] == "1"


def test_errors_of_the_application_pass_as_they_are(fronts):
    front = fronts()
    front.serve(lambda call: b"Status: 503 Service Unavailable\r\nContent-Type: text/x\r\nRetry-After: 7\r\n\r\nmine")
    status, headers, body = front.raw(GET + b"Connection: close\r\n\r\n")
    assert (status, dict(headers)["Retry-After"], b"mine" in body) == (503, "7", True)


# ---- slow ones and many ----


def test_slow_bodies_hold_nobody_up(fronts):
    front = fronts([("client_body_timeout 10s", "client_body_timeout 600s")])
    front.serve()
    slow = [front.connect() for _ in range(200)]
    for connection in slow:
        connection.sendall(POST + b"Content-Length: 10\r\n\r\n01234")
    for _ in range(20):
        assert front.raw(GET + b"\r\n")[0] == 200
    assert {call.param("REQUEST_METHOD")[0] for call in front.application.calls} == {"GET"}
    for connection in slow:
        connection.sendall(b"56789")
    for connection in slow:
        assert read_answer(connection)[0] == 200
        connection.close()
    assert len(front.application.calls) == 220


def test_who_stops_in_the_middle_of_a_request_is_cut_off(fronts):
    front = fronts([("client_body_timeout 10s", "client_body_timeout 1s"),
                    ("client_header_timeout 10s", "client_header_timeout 1s")])
    front.serve()
    for sent in (POST, POST + b"Content-Length: 10\r\n\r\n01234"):
        assert front.raw(sent)[0] in (0, 408)
    assert front.application.calls == []


def test_more_connections_than_an_address_may_have(fronts):
    front = fronts(CLIENT_CONNECTIONS=3)
    done = threading.Event()
    front.serve(lambda call: done.wait(300) and OK)
    busy = [front.connect() for _ in range(3)]
    for connection in busy:
        connection.sendall(GET + b"\r\n")
    until("three in work", lambda: len(front.application.calls) == 3)
    assert problem_of(front.raw(GET + b"\r\n"), 429, "too_many_requests")["Retry-After"] == "1"
    done.set()
    assert [read_answer(connection)[0] for connection in busy] == [200, 200, 200]
    until("there is room again", lambda: front.raw(GET + b"\r\n")[0] == 200)
    for connection in busy:
        connection.close()


def test_more_requests_than_an_address_may_send(fronts):
    front = fronts(CLIENT_RATE=1)
    front.serve()
    until("one too many", lambda: front.raw(GET + b"\r\n")[0] == 429)
    until("it passes with time", lambda: front.raw(GET + b"\r\n")[0] == 200)


# ---- files ----


@pytest.mark.parametrize("path", ["/docs../secret", "/docs/../../secret", "/docs/%2e%2e/%2e%2e/secret",
                                  "/docs/..%2f..%2fsecret", "/..%2fsecret", "/docs/..%5c..%5csecret",
                                  "/docs/..\\..\\secret", "//..//secret",
                                  "/docs/%252e%252e/%252e%252e/secret", "/docs/....//....//secret", "/docs/.git/config",
                                  "/docs/..;/secret", "/secret", "/nginx.conf", "/includes/routes.conf"])
def test_nobody_climbs_out_of_the_site(front, path):
    status, _, body = front.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status in (400, 404)
    assert b"secret" not in body and b"fastcgi" not in body


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/events", "/docs/events/", "/problems/", "/problems/not-found"])
def test_pages_run_nothing_from_elsewhere(front, path):
    status, headers, _ = front.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    named = dict(headers)
    policy = named["Content-Security-Policy"]
    assert status == 200 and len(headers) == len(named)
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
    assert (named["X-Content-Type-Options"], named["Referrer-Policy"]) == ("nosniff", "no-referrer")


def test_answers_of_the_application_keep_their_headers(fronts):
    front = fronts()
    front.serve(lambda call: OK.replace(b"\r\n\r\n", b"\r\nETag: \"1\"\r\nX-Request-Id: other\r\n\r\n"))
    status, headers, _ = front.raw(GET + b"\r\n")
    named = dict(headers)
    assert status == 200 and len(named) == len(headers)
    assert named["ETag"] == '"1"' and named["X-Request-Id"] != "other" and named["X-Content-Type-Options"] == "nosniff"
