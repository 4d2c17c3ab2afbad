"""The images of the documents exist, are small, and each is shown somewhere."""
import pathlib
import re
import struct

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = sorted((ROOT / "docs/images").iterdir())


def shown():
    """{image: the document that shows it, or that could not}"""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("deploy/**/*.md")]
    return {(document.parent / name).resolve(): document for document in documents
            for name in re.findall(r'(?:!\[[^]]*\]\(|<img[^>]* src=")([^)"\s]+)', document.read_text()) if "://" not in name}


def test_every_image_that_is_shown_exists():
    images = shown()
    assert len(images) > len(IMAGES)
    assert {image: document for image, document in images.items() if not image.is_file()} == {}


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_is_shown_and_small(image):
    assert image in shown()
    head = image.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    assert struct.unpack(">I", head[16:20])[0] <= 1200, "wider than anybody sees it"
    assert image.stat().st_size <= 200_000
