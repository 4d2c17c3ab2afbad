"""./stack says what is wrong, in one line that tells what to do, before it does anything."""
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def stack(*words, prefix=(), **settings):
    return subprocess.run([*prefix, ROOT / "stack", *words], capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, **settings}, stdin=subprocess.DEVNULL)


def one_line(done):
    """The one line that a failed call left on stderr."""
    lines = done.stderr.splitlines()
    assert done.returncode != 0
    assert len(lines) == 1 and lines[0].startswith("stack: "), done.stderr
    return lines[0]


@pytest.fixture
def folder():
    """One that is open to everybody, unlike pytest's own: ./stack keeps what others must reach elsewhere else."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="orderline-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def place(folder):
    """Settings of a stack of its own, on ports that nobody has."""
    return {"STACK_DIR": str(folder / "s"), "PORT_BASE": "47801"}


@pytest.mark.parametrize("command", ["up", "down", "roll", "status", "logs", "ctl", "demo", "reset", "sbom", "test", "chaos",
                                     "mutants", "bench", "screenshots"])
def test_every_command_explains_itself(command):
    done = stack(command, "--help")
    assert done.returncode == 0
    assert f"./stack {command}" in done.stdout
    assert f"  {command} " in stack("--help").stdout


def test_an_unknown_command_is_a_usage_error():
    done = stack("upp")
    assert done.returncode == 64
    assert "Usage" in done.stderr


@pytest.mark.parametrize("name", ["CLIENT_CONNECTIONS", "CLIENT_RATE"])
def test_a_limit_that_is_no_number_is_refused(place, name):
    assert name in one_line(stack("up", **place, **{name: "many"}))


def test_a_taken_port_is_named_with_its_owner(place):
    with socket.create_server(("127.0.0.1", int(place["PORT_BASE"]) + 2)):
        line = one_line(stack("up", **place))
    assert "port 47803 for postgres is taken by" in line
    assert "PORT_BASE" in line


def test_without_root_and_sudo_it_says_so(place):
    nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", "PATH=/nowhere:/bin")
    if subprocess.run(["sh", "-c", "command -v sudo"], capture_output=True, check=False).returncode == 0:
        pytest.skip("this machine has sudo")
    assert "root" in one_line(stack("up", prefix=nobody, **place))


def test_a_full_disk_is_noticed_first(place, folder):
    small = folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", small]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a container that may not mount")
    try:
        line = one_line(stack("up", **{**place, "STACK_DIR": str(small / "s")}))
    finally:
        subprocess.run(["umount", small], check=True)
    assert "MiB free" in line and "make room" in line


def test_an_unknown_broker_is_refused(place):
    assert "kafka or embedded" in stack("up", **place, BROKER="rabbit").stderr


def test_what_is_not_a_stack_is_not_deleted(folder):
    kept = folder / "precious"
    kept.write_text("x")
    assert "delete it yourself" in one_line(stack("reset", "--yes", STACK_DIR=str(folder)))
    assert kept.exists()


def test_status_of_a_stack_that_is_down(place):
    done = stack("status", **place)
    assert done.returncode == 3
    assert "down" in done.stdout + done.stderr


@pytest.mark.parametrize("name, value", [("LISTEN_ADDRESS", "here"), ("TLS", "yes"), ("TLS_KEY", "/only/one.pem"),
                                         ("MONITORING", "yes")])
def test_where_to_listen_and_how_is_checked_first(place, name, value):
    assert name in one_line(stack("up", **place, **{name: value}))


def test_pictures_are_of_a_stack_that_is_up(place):
    assert "./stack up" in one_line(stack("screenshots", **place))
    assert "--fast" in one_line(stack("screenshots", "--fast", **place))


def test_up_takes_no_other_words(place):
    assert "--fast" in one_line(stack("up", "--fast", **place))


def test_the_list_of_parts_has_programs_libraries_servers_and_jars():
    programs = ROOT / "build/test/bin"
    done = stack("sbom", BUILD="test")
    parts = json.loads(done.stdout)
    assert (parts["bomFormat"], parts["specVersion"]) == ("CycloneDX", "1.5")
    found = {part["name"]: part for part in parts["components"]}
    digest = hashlib.sha256((programs / "order-api").read_bytes()).hexdigest()
    assert found["order-api"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    for name in ("libpq5", "librdkafka1", "libhiredis0.14", "libc6", "postgresql-15", "redis-server"):
        assert found[name]["purl"].startswith(f"pkg:deb/debian/{name}@"), name
    assert found["swagger-ui-dist"]["purl"] == f"pkg:npm/swagger-ui-dist@{found['swagger-ui-dist']['version']}"
    assert "playwright-core" not in found, "a tool of development"
    refs = [part["bom-ref"] for part in parts["components"]]
    assert len(refs) == len(set(refs))
