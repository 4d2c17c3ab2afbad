"""The pages in headless Chromium (tests/browser/pages.js): the live page, Swagger UI, the events."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def browser():
    for program in ("chromium", "node"):
        if not shutil.which(program):
            pytest.skip(f"needs {program}")
    if not (ROOT / "node_modules/playwright-core").exists():
        pytest.skip("needs playwright-core: npm ci")

    def run(check, url):
        done = subprocess.run(["node", ROOT / "tests/browser/pages.js", check, url], capture_output=True, text=True,
                              timeout=600, check=False)
        assert done.returncode == 0, done.stderr[-4000:]

    return run


@pytest.mark.usefixtures("browser")
def test_pictures_for_the_documents(stack, tmp_path):
    done = subprocess.run(["node", ROOT / "tests/browser/screenshots.js", stack.url, tmp_path], capture_output=True,
                          text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in (ROOT / "docs/images").iterdir()}


@pytest.mark.parametrize("check", ["live", "away", "tryout", "events"])
def test_pages(stack, browser, check):
    browser(check, stack.url)
