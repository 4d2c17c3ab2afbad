"""The front door by HTTPS: which versions and ciphers, and what is said to those who speak plain HTTP."""
import json
import ssl
import subprocess

import pytest
from front import read_answer

GET = b"GET /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", directory / "key.pem", "-out", directory / "certificate.pem"],
                   check=True, capture_output=True)
    return directory


@pytest.fixture
def secure(fronts, certificate):
    front = fronts(TLS_CERTIFICATE=certificate / "certificate.pem", TLS_KEY=certificate / "key.pem")
    front.serve()
    return front


def shake_hands(front, certificate, version=None, ciphers=None):
    """A connection by exactly this version, or by whatever both like best."""
    context = ssl.create_default_context(cafile=certificate / "certificate.pem")
    if version:
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    return context.wrap_socket(front.connect(), server_hostname="localhost")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_answer_by_https_says_that_it_stays_so(secure, certificate, version):
    with shake_hands(secure, certificate, version) as connection:
        connection.sendall(GET)
        status, headers, _ = read_answer(connection)
        assert status == 200
        assert dict(headers)["Strict-Transport-Security"] == "max-age=31536000"
        assert connection.cipher()[0].startswith(("ECDHE", "TLS_"))


def test_an_answer_by_plain_http_does_not_speak_of_it(front):
    status, headers, _ = front.raw(GET)
    assert status == 200 and "Strict-Transport-Security" not in dict(headers)


@pytest.mark.parametrize("version, ciphers", [
    pytest.param(ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", id="TLS 1.1"),
    pytest.param(ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256", id="no forward secrecy"),
    pytest.param(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA", id="CBC"),
])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_what_is_out_of_date_is_refused(secure, certificate, version, ciphers):
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        shake_hands(secure, certificate, version, ciphers)
    with shake_hands(secure, certificate):
        pass  # it was not the server that is broken


def test_plain_http_is_told_to_use_https_and_goes_no_further(secure):
    status, headers, body = secure.raw(GET)
    problem = json.loads(body)
    assert (status, problem["status"], problem["code"]) == (400, 400, "bad_request")
    assert "HTTPS" in problem["detail"] and dict(headers)["Content-Type"] == "application/problem+json"
    assert secure.application.calls == []
