"""The units of deploy/systemd are what systemd takes, let programs do little, and set only what the programs know."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy/systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
ANALYZE = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is in Debian's package systemd")


def analyze(folder, *words):
    return subprocess.run(["systemd-analyze", *words], env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{folder}:"},
                          capture_output=True, text=True, timeout=120, check=False)


def complaints(done):
    """What was said of our units; those of the machine, which ours lead to, are its own affair."""
    return [line for line in (done.stdout + done.stderr).splitlines() if "orderline" in line]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The units, with programs where they look for them."""
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(UNITS, folder, dirs_exist_ok=True)
    for unit in folder.glob("*.service"):
        text = unit.read_text()
        for path in re.findall(r"^ExecStart=(/\S+)", text, re.MULTILINE):
            stand_in = folder / pathlib.Path(path).name
            stand_in.write_text("#!/bin/sh\n")
            stand_in.chmod(0o755)
            text = text.replace(f"ExecStart={path}", f"ExecStart={stand_in}")
        unit.write_text(text)
    return folder


@ANALYZE
def test_systemd_takes_every_unit_without_a_word(installed):
    names = [str(installed / name) for name in (*SERVICES, "orderline-api.socket", "orderline.target")]
    assert complaints(analyze(installed, "verify", "--man=no", *names)) == []


@ANALYZE
def test_verifying_can_fail(installed, tmp_path):
    shutil.copytree(installed, tmp_path / "units")
    unit = tmp_path / "units/orderline-relay@.service"
    unit.write_text(unit.read_text().replace("[Service]\n", "[Service]\nRestart=sometimes\nNoNewPrivilege=yes\n"))
    found = "".join(complaints(analyze(unit.parent, "verify", "--man=no", str(unit))))
    assert "sometimes" in found and "NoNewPrivilege" in found


@ANALYZE
@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(installed, name):
    done = analyze(installed, "security", "--offline=yes", "--threshold=20", "--no-pager", name.replace("@.", "@payment."))
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_target_wants_every_program():
    settings = (ROOT / "deploy/local/lib/settings.sh").read_text()
    wanted = set(re.findall(r"orderline-[\w@.]+", (UNITS / "orderline.target").read_text()))
    expected = {"orderline-api.socket", "orderline-nginx.service"}
    for kind, name in (("relay", "services"), ("worker", "workers")):
        expected |= {f"orderline-{kind}@{item}.service" for item in
                     re.search(rf"^{name}=\(([^)]*)\)", settings, re.MULTILINE)[1].split()}
    assert wanted == expected


def test_a_copy_of_a_worker_runs_the_program_of_its_service(tmp_path):
    command, = re.findall(r"^ExecStart=/bin/sh -c '(.*)' worker %i$", (UNITS / "orderline-worker@.service").read_text(),
                          re.MULTILINE)
    program = tmp_path / "worker-payment"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    command = command.replace("$$", "$").replace("%%", "%").replace("/usr/local/bin", str(tmp_path))
    for instance in ("payment", "payment-2"):
        assert subprocess.run(["/bin/sh", "-c", command, "worker", instance], capture_output=True, text=True, timeout=60,
                              check=True).stdout == "started\n"


@pytest.mark.parametrize("path", sorted(UNITS.glob("etc/*.env")), ids=lambda path: path.name)
def test_examples_set_what_the_programs_know(path):
    sources = {"common": ["workers/runtime/*.c"], "order-api": ["fcgi/*.c"], "relay-orders": ["workers/relay/*.c"],
               "worker-payment": ["workers/runtime/*.c", "workers/services/payment.c"]}
    known = {name for pattern in sources[path.stem] for file in ROOT.glob(pattern)
             for name in re.findall(r'\{ "([A-Z_]+)", SETTING_', file.read_text())}
    assert {line.split("=")[0] for line in path.read_text().splitlines() if line[0] != "#"} <= known
