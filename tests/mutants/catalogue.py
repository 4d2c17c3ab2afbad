"""The mutants of this folder: defects put into the tree on purpose, and the tests that have to notice.

A mutant is a unified diff under two kinds of lines:

    Defect: what is wrong now, and what comes of it.
    Caught by: unit.MODULE:test          a test of tests/unit/MODULE_test.c
    Caught by: tests/FOLDER/FILE.py::test
"""
import dataclasses
import pathlib
import re
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    defect: str
    tests: tuple
    files: tuple  # those it changes

    @property
    def patch(self):
        return FOLDER / f"{self.name}.patch"

    def changes_c(self):
        return any(file.endswith((".c", ".h")) for file in self.files)


def read(path):
    text = path.read_text()
    return Mutant(path.stem, "".join(re.findall(r"^Defect: (.+)$", text, re.MULTILINE)),
                  tuple(re.findall(r"^Caught by: (\S+)$", text, re.MULTILINE)),
                  tuple(re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)))


def all_of_them():
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def is_unit(test):
    return test.startswith("unit.")


def unit_parts(test):
    """(module, name) of unit.MODULE:NAME."""
    module, name = test.removeprefix("unit.").split(":")
    return module, name


def apply(mutant, tree, *options):
    """Runs patch in TREE; exact to the line but for its number, so that no mutant becomes another one unseen."""
    return subprocess.run(["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "--batch", *options, "-i", mutant.patch],
                          cwd=tree, capture_output=True, text=True, check=False)
