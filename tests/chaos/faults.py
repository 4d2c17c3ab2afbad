"""Doing to a running stack what the schedule says, and undoing it."""
import contextlib
import os
import pathlib
import re
import signal

from harness.local import descendants
from partition import Partitions

PORTS = {"nginx": (0,), "postgres": (2,), "redis": (3,), "kafka": (4, 5), "kafka-2": (6, 7), "kafka-3": (8, 9)}


def connections_of(pids):
    """Local ports of the TCP connections that PIDS hold."""
    inodes = set()
    for pid in pids:
        for fd in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(fd)))
    rows = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    established = "01"
    return sorted({int(row[1].split(":")[1], 16) for row in rows if row[3] == established and row[9] in inodes})


class Faults:
    """Each method returns what heals it, or None where there was nothing to harm."""

    def __init__(self, stack):
        self._stack = stack
        self._partitions = Partitions(stack.port)

    def kinds(self):
        """What can be done on this machine."""
        always = {"kill", "freeze", "restart"}
        return always | {"mute", "partition"} if self._partitions.possible() else always

    def do(self, fault):
        pid = self._stack.pids().get(fault.target)
        if not pid:
            return None
        return getattr(self, f"_{fault.kind}")(fault.target, pid)

    def heal_all(self):
        self._partitions.heal_all()

    def _kill(self, target, pid):
        self._stack.kill(target, pid)  # the one it had when it was seen: it may be down by now
        return lambda: None

    def _freeze(self, target, pid):
        frozen = descendants(pid)
        for each in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)

        def thaw():
            for each in frozen:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGCONT)
        return thaw

    def _restart(self, target, pid):
        self._stack.stop(target)
        self._stack.start_soon(target)
        return lambda: None

    def _mute(self, target, pid):
        return self._partitions.cut(connections_of(descendants(pid)))

    def _partition(self, target, pid):
        return self._partitions.cut([self._stack.port + offset for offset in PORTS[target]])
