"""docs/RELIABILITY.md names tests that exist."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/RELIABILITY.md"


def existing():
    return {name for path in (ROOT / "tests").rglob("test_*.py")
            for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}


def rows():
    catalogue = DOCUMENT.read_text().split("## The catalogue")[1]
    return [line.strip("|").split("|") for line in catalogue.splitlines() if line.startswith("| ")][1:]


def test_every_test_it_names_exists():
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", DOCUMENT.read_text()))
    assert len(named) > 40
    assert named - existing() == set()


def test_every_row_names_a_test_or_says_that_it_is_open():
    assert [what for what, by in rows() if "`test_" not in by and by.strip() != "open"] == []


def test_every_file_it_names_exists():
    named = re.findall(r"`(tests/[\w/.]+)`", DOCUMENT.read_text())
    assert named and [name for name in named if not (ROOT / name).exists()] == []
