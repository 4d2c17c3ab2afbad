"""A broker of Apache Kafka that takes TLS with SASL, or TLS with client certificates, and what gets in.

make-topics is the program that asks: all of ours read KAFKA_SECURITY_FILE the same way, and it ends with an answer."""
import os
import pathlib
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBS = ROOT / "build/kafka/libs"
MAKE_TOPICS = ROOT / "build/test/bin/make-topics"

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=SASL_SSL
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
log.dirs={directory}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  username="broker" password="of the broker" user_broker="of the broker" user_orderline="open sesame";
listener.name.ssl.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={directory}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={directory}/ca.pem
"""


def openssl(*words, directory):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=directory)


def make_certificates(directory):
    """An authority, and what it vouches for: the broker, the client."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key",
            "-out", "ca.pem", directory=directory)
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    for name in ("broker", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", "request",
                directory=directory)
        openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "names", "-out", f"{name}.crt", directory=directory)
    (directory / "broker.pem").write_text((directory / "broker.key").read_text() + (directory / "broker.crt").read_text())


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def java(directory, *words):
    return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            f"-Dlog4j.configuration=file:{ROOT}/deploy/local/kafka/log4j.properties", "-cp", f"{LIBS}/*", *words,
            str(directory / "server.properties")]


@pytest.fixture(scope="module")
def broker():
    if not LIBS.exists():
        pytest.skip("needs Apache Kafka's jars")
    with tempfile.TemporaryDirectory(prefix="orderline-kafka-") as name:
        directory = pathlib.Path(name)
        make_certificates(directory)
        sasl, ssl, controller = free_ports(3)
        (directory / "server.properties").write_text(PROPERTIES.format(sasl=sasl, ssl=ssl, controller=controller,
                                                                       directory=directory))
        subprocess.run([*java(directory, "kafka.tools.StorageTool", "format", "--cluster-id", "b3JkZXJsaW5lLWxvY2FsMQ",
                              "--config")], check=True, capture_output=True, timeout=120)
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(java(directory, "kafka.Kafka"), stdout=log, stderr=log)
        try:
            wait_listening(process, sasl, directory / "log")
            yield Broker(directory, sasl, ssl)
        finally:
            process.kill()
            process.wait()


def wait_listening(process, port, log):
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)


class Broker:
    def __init__(self, directory, sasl, ssl):
        self.directory, self.sasl, self.ssl = directory, sasl, ssl

    def ask(self, port, seconds, **properties):
        """make-topics with these properties, "." written as "_", and so long to try."""
        file = self.directory / "client.properties"
        file.write_text("".join(f"{name.replace('_', '.')} = {value}\n" for name, value in properties.items()))
        return subprocess.run([MAKE_TOPICS], env={**os.environ, "KAFKA_BROKERS": f"127.0.0.1:{port}",
                                                  "KAFKA_SECURITY_FILE": str(file) if properties else "",
                                                  "WAIT_SECONDS": str(seconds)},
                              capture_output=True, text=True, timeout=180, check=False)

    def by_password(self, password, seconds, ca="ca.pem"):
        return self.ask(self.sasl, seconds, security_protocol="SASL_SSL", sasl_mechanisms="PLAIN", sasl_username="orderline",
                        sasl_password=password, ssl_ca_location=self.directory / ca)


def test_a_password_over_tls_gets_in(broker):
    done = broker.by_password("open sesame", 120)
    assert done.returncode == 0, done.stderr


def test_a_certificate_gets_in(broker):
    done = broker.ask(broker.ssl, 120, security_protocol="SSL", ssl_ca_location=broker.directory / "ca.pem",
                      ssl_certificate_location=broker.directory / "client.crt",
                      ssl_key_location=broker.directory / "client.key")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("who", ["a wrong password", "an authority we do not trust", "plain text", "no certificate"])
def test_others_stay_outside(broker, who):
    """The broker answers those above, so it is not its being away that keeps them out."""
    refused = {
        "a wrong password": lambda: broker.by_password("open says me", 3),
        "an authority we do not trust": lambda: broker.by_password("open sesame", 3, ca="client.crt"),
        "plain text": lambda: broker.ask(broker.sasl, 3),
        "no certificate": lambda: broker.ask(broker.ssl, 3, security_protocol="SSL",
                                             ssl_ca_location=broker.directory / "ca.pem"),
    }[who]()
    assert refused.returncode == 1
    assert "no broker with all topics" in refused.stderr
    assert "open s" not in refused.stderr


@pytest.mark.parametrize("program", ["make-topics", "outbox-relay", "worker-payment"])
def test_a_wrong_file_ends_the_start(program, tmp_path):
    file = tmp_path / "client.properties"
    file.write_text("security.protocol = NOBODY-SHOULD-SEE-THIS\n")
    done = subprocess.run([MAKE_TOPICS.parent / program], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "KAFKA_BROKERS": "127.0.0.1:1", "KAFKA_SECURITY_FILE": str(file),
                               "SERVICE": "payment", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    said = done.stdout + done.stderr
    assert done.returncode in (1, 78)
    assert f"{file}, line 1: not a value of security.protocol" in said and "NOBODY" not in said
