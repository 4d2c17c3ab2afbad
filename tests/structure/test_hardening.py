"""What the flags of cmake/flags.cmake leave in a program that was built for release."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDS = [ROOT / "build" / preset / "bin" for preset in ("release", "clang")]
PROGRAMS = ["order-api", "outbox-relay", "worker-order", "worker-payment", "worker-inventory", "worker-fulfillment",
            "worker-notification", "orderctl", "make-topics"]


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=PROGRAMS)
def program(request):
    built = [folder / request.param for folder in BUILDS if (folder / request.param).exists()]
    if not built:
        pytest.skip("no release was built")
    return built


def test_a_release_is_hardened(program):
    for path in program:
        header, segments, dynamic, symbols = (readelf(word, path) for word in ("-h", "-l", "-d", "--dyn-syms"))
        assert re.search(r"Type:\s+DYN \(Position-Independent Executable", header), f"{path}: not PIE"
        assert "GNU_RELRO" in segments and re.search(r"\(FLAGS\).*BIND_NOW", dynamic), f"{path}: not full RELRO"
        assert re.search(r"GNU_STACK\s.*\sRW\s", segments), f"{path}: an executable stack"
        assert "__stack_chk_fail" in symbols, f"{path}: no stack protector"
        assert re.search(r"__\w+_chk@", symbols.replace("__stack_chk_fail", "")), f"{path}: nothing fortified"
        assert "RPATH" not in dynamic and "RUNPATH" not in dynamic, f"{path}: searches libraries in a place of its own"
