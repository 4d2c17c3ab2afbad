"""What running the whole suite at once takes."""
import collections
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_no_two_files_of_tests_have_one_name():
    """pytest imports them by it; it would stop at the second one."""
    names = collections.Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(names) > 30
    assert [name for name, count in names.items() if count > 1] == []
