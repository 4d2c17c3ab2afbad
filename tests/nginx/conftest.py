"""Fronts for the tests here: one that many share, and ones with settings of their own."""
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from front import NGINX, ROOT, Front


@pytest.fixture(scope="session")
def site():
    """As openapi/build makes it, but for Swagger UI's own files; beside it lies a secret. Open to nginx's workers."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="orderline-site-"))
    www = directory / "www"
    subprocess.run([ROOT / "openapi/pages.py", www], check=True)
    for name in ("www/index.html", "www/docs/index.html", "secret"):
        (directory / name).write_text(f"this is {name}")
    subprocess.run(["chmod", "-R", "a+rX", directory], check=True)
    yield www
    shutil.rmtree(directory)


@pytest.fixture
def fronts(site):
    """Makes fronts, which end with the test."""
    if not NGINX:
        pytest.skip("needs nginx")
    made = []

    def make(changes=(), **settings):
        made.append(Front(site, changes, **settings))
        return made[-1]

    yield make
    for front in made:
        front.close()


@pytest.fixture(scope="module")
def shared(site):
    if not NGINX:
        pytest.skip("needs nginx")
    front = Front(site)
    front.serve()
    yield front
    front.close()


@pytest.fixture
def front(shared):
    """The front that many share, with an application that has not been asked for anything yet."""
    shared.application.calls.clear()
    return shared
