"""Every mutant of tests/mutants still applies to the tree, and names tests that exist."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/mutants"))

from catalogue import all_of_them, apply, is_unit, unit_parts  # noqa: E402

MUTANTS = all_of_them()


def exists(test):
    if is_unit(test):
        module, name = unit_parts(test)
        source = ROOT / f"tests/unit/{module}_test.c"
        return source.exists() and re.search(rf"^static void {name}\(", source.read_text(), re.MULTILINE)
    file, _, name = test.partition("::")
    return (ROOT / file).exists() and re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_there_are_enough_of_them():
    assert len(MUTANTS) >= 30


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_says_what_is_wrong_and_names_its_tests(mutant):
    done = apply(mutant, ROOT, "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert mutant.defect and mutant.tests and len(mutant.files) == 1
    assert [test for test in mutant.tests if not exists(test)] == []
