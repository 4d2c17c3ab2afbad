"""Orders at a fixed rate in the background, whatever becomes of them, with a journal that the audit is held against."""
import contextlib
import json
import os
import signal
import subprocess

from .orderctl import assert_audit_is_clean, command


class Load:
    def __init__(self, stack, journal):
        self._stack = stack
        self._journal = journal

    @contextlib.contextmanager
    def running(self, rate):
        """Orders of this run are those of no other."""
        seed = int.from_bytes(os.urandom(6), "big")
        words = ("load", "--json", "--rate", rate, "--seconds", 3600, "--seed", seed, "--connections", 256,
                 "--journal", self._journal)
        with subprocess.Popen(**command(self._stack, *words)) as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=120)

    def answers(self):
        """{status: how many so far}"""
        found = {}
        for line in self._journal.read_text().splitlines() if self._journal.exists() else ():
            with contextlib.suppress(ValueError):  # it is being written
                status = json.loads(line).get("status")
                found[status] = found.get(status, 0) + 1
        found.pop(None, None)
        return found

    def audit(self):
        """Of what was acknowledged, how much is lost, there twice or not as it was sent; all else has to be as it should."""
        report = assert_audit_is_clean(self._stack, "--journal", self._journal, more=["journal"])
        return {name: report["journal"][name] for name in ("lost", "duplicated", "mismatched")}
