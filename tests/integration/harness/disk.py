"""Small disks that can be filled up: a folder of the stack moves to a tmpfs for a while."""
import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest

MIB = 1 << 20


class Disk:
    def __init__(self, place):
        self._place = place
        self._ballast = place / "ballast"

    def free(self):
        state = os.statvfs(self._place)
        return state.f_bavail * state.f_frsize

    def fill(self):
        with self._ballast.open("wb") as file:
            while free := self.free():  # others write meanwhile
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)

    def relieve(self):
        self._ballast.unlink(missing_ok=True)


def copy(source, target, names):
    for name in names:
        subprocess.run(["cp", "-a", "--", source / name, target], check=True)


def used(paths):
    words = subprocess.run(["du", "-sc", "-B1", "--", *paths], capture_output=True, text=True, check=True).stdout.split()
    return int(words[-2])


@contextlib.contextmanager
def small_disk(folder, place, room, names=None):
    """FOLDER, which nobody may use just now, is a disk of its own with ROOM bytes to spare inside, made at PLACE, and what
    it was outside, with what it holds by then. Only NAMES in it are taken along, if they are given."""
    folder = pathlib.Path(folder).resolve()
    names = names or os.listdir(folder)
    place.mkdir()
    size = used([folder / name for name in names]) + room
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "orderline-test", place], capture_output=True,
                             text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"needs to mount a tmpfs: {mounted.stderr.strip()}")
    try:
        copy(folder, place, names)
        shutil.copystat(folder, place)
        os.chown(place, folder.stat().st_uid, folder.stat().st_gid)
        subprocess.run(["mount", "--bind", place, folder], check=True)
        disk = Disk(place)
        try:
            yield disk
        finally:
            disk.relieve()
            subprocess.run(["umount", "--lazy", folder], check=True)
            for name in os.listdir(folder):
                subprocess.run(["rm", "-rf", "--", folder / name], check=True)
            copy(place, folder, os.listdir(place))
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
