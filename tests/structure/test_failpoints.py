"""Every failpoint of the code is in the kill matrix, and the other way round (tests/integration/failpoints.py)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from failpoints import ELSEWHERE, MATRIX, rounds  # noqa: E402

NAME = re.compile(r'"((?:api|relay|worker|effect)\.(?:before|after)_\w+)"')


def in_the_code():
    files = [path for part in ("common", "fcgi", "workers") for path in (ROOT / part).rglob("*.c")]
    return {name for path in files for name in NAME.findall(path.read_text())}


def test_every_failpoint_has_its_row():
    assert in_the_code() == MATRIX.keys() | ELSEWHERE.keys()


def test_names_of_failpoints_are_of_the_one_form():
    """So that none hides from this test."""
    calls = [line.strip() for part in ("fcgi", "workers", "common/store", "common/io") for path in (ROOT / part).rglob("*.c")
             for line in path.read_text().splitlines() if "failpoint_hit(" in line]
    passed_on = re.compile(r"failpoint_hit\((before|after)\)")
    assert [call for call in calls if not NAME.search(call) and not passed_on.search(call)] == []


def test_the_rounds_leave_no_row_out():
    met = [(name, program) for each in rounds() for program, name in each.items()]
    assert sorted(met) == sorted((name, program) for name, programs in MATRIX.items() for program in programs)
