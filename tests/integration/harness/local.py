"""The backend for local processes: ./stack with a directory and ports of its own, and sanitized binaries."""
import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import subprocess

import psycopg2

from .stack import Stack, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]
PORT = int(os.environ.get("TEST_PORT_BASE", "4001"))


class LocalStack(Stack):
    def __init__(self, scratch):
        # Not below pytest's own directory: that is closed to the users the servers run as.
        self._dir = pathlib.Path(os.environ.get("TEST_STACK_DIR", ROOT / ".stack-test"))
        self._extra = []
        self.url = f"http://127.0.0.1:{PORT}"
        self.redis_url = f"redis://127.0.0.1:{PORT + 3}"
        self.brokers = f"127.0.0.1:{PORT + 4}"
        self._scratch = scratch

    def up(self):
        self._stack("reset", "--yes")
        self._stack("up")
        secrets = dict(shlex.split(line)[0].split("=", 1) for line in (self._dir / "secrets.env").read_text().splitlines()
                       if "=" in line and not line.startswith("#"))
        self.database_url = f"postgresql://postgres:{secrets['POSTGRES_PASSWORD']}@127.0.0.1:{PORT + 2}/orderline"
        self.durable_broker = "embedded" not in (self._dir / "run" / "broker").read_text()

    def down(self, keep_logs=False):
        for process in self._extra:
            process.kill()
        self._stack("down")
        if keep_logs:
            print(f"logs: {self._dir / 'log'}")
        else:
            shutil.rmtree(self._dir, ignore_errors=True)

    # ---- processes ----

    def stop(self, program):
        self._supervise("stop", program)

    def start(self, program, **settings):
        file = self._dir / "env" / f"{program}.env"
        file.write_text("".join(f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items()))
        self._supervise("start", program)
        if "FAILPOINTS" in settings:
            file.unlink()  # for this life only: the next one, after the crash, runs without
        else:
            wait_for(f"{program} ready", lambda: self._ready(program), 60)
