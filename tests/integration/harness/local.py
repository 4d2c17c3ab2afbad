"""The backend for local processes: ./stack with a directory and ports of its own, and sanitized binaries."""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

import requests
from confluent_kafka import KafkaException, Producer

from .stack import RELAYS, WORKERS, Stack, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]
PORT = int(os.environ.get("TEST_PORT_BASE", "4001"))
# Health ports, counted from the first port of the stack.
HEALTH = {**{name: 11 + i for i, name in enumerate(RELAYS)},
          **{name: 21 + i for i, name in enumerate(WORKERS)}}


def descendants(pid):
    """PID and every process below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            found += map(int, pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    return found


def has_begun(pid):
    """Whether the wrapper that reads the settings has made way for the program itself."""
    try:
        return pid and b"/bin/run" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class LocalStack(Stack):
    def __init__(self, directory=None, port=PORT, build="test", root=ROOT, **settings):
        """SETTINGS are those of `./stack up`, such as KAFKA_NODES=3; ROOT is the checkout whose `./stack` it is."""
        self._root = root
        self._dir = pathlib.Path(directory or os.environ.get("TEST_STACK_DIR", ROOT / ".stack-test"))
        self._settings = {"STACK_DIR": self._dir, "PORT_BASE": port, "BUILD": build, **settings}
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.prometheus_url = f"http://127.0.0.1:{port + 20}" if settings.get("MONITORING") == "on" else ""
        self.metrics_url = f"http://127.0.0.1:{port + 1}"

    def up(self):
        self._stack("reset", "--yes")
        self._stack("up")
        settings = dict(line.split("=", 1) for line in (self._dir / "stack.env").read_text().splitlines())
        self.database_url, self.redis_url = settings["DATABASE_URL"], settings["REDIS_URL"]
        self.brokers = settings["KAFKA_BROKERS"]
        self.durable_broker = settings["BROKER"] != "embedded"

    def down(self, keep_logs=False):
        self._stack("down")
        problems = self.sanitizer_reports()
        if keep_logs or problems:
            print(f"logs: {self._dir / 'log'}")
        else:
            shutil.rmtree(self._dir.resolve(), ignore_errors=True)
        assert not problems, problems

    def sanitizer_reports(self):
        """Lines in which AddressSanitizer or UndefinedBehaviorSanitizer found something."""
        pattern = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error)[: ]")
        return [f"{log.name}: {line}" for log in sorted((self._dir / "log").glob("*.log*"))
                for line in log.read_text(errors="replace").splitlines() if pattern.search(line)][:20]

    # ---- processes ----

    def stop(self, program):
        self._supervise("stop", program)

    def start(self, program, wait_ready=True, **settings):
        file = self._dir / "env" / f"{program}.env"
        file.write_text("".join(f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items()))
        before = self.crashes(program)
        with self._supervise_in_background("start", program) as starting:
            # Settings are for one life only: after a crash the program starts as usual.
            wait_for(f"{program} has read its settings",
                     lambda: has_begun(self.pid(program)) or self.crashes(program) > before)
            file.unlink()
            assert starting.wait(60) == 0, f"{program} does not start"
        # One that is to die at a named place may never get ready; order-api dies of a request only.
        if wait_ready and (program == "order-api" or "kill" not in settings.get("FAILPOINTS", "")):
            wait_for(f"{program} ready", lambda: self._is_ready(program), 60)

    def arm(self, failpoints):
        """Restarts the programs of FAILPOINTS, a dict by their names, all at once, with theirs: for one life only."""
        files = {name: self._dir / "env" / f"{name}.env" for name in failpoints}
        for name, file in files.items():
            file.write_text(f"FAILPOINTS={shlex.quote(failpoints[name])}\n")
        self._supervise("stop", *failpoints)
        before = {name: self.crashes(name) for name in failpoints}

        def begun(pids):
            return {name for name in failpoints if has_begun(pids[name]) or self.crashes(name) > before[name]}

        with self._supervise_in_background("start", *failpoints) as starting:
            wait_for("all have read their settings", lambda: begun(self.pids()) == set(failpoints), 120)
            for file in files.values():
                file.unlink()
            assert starting.wait(120) == 0, f"not all start: {sorted(failpoints)}"

    def roll(self):
        """New processes for old, one after the other, in the way of `./stack roll`."""
        self._stack("roll")

    def upgrade(self, root):
        """The programs and the database become those of the checkout ROOT, one process after the other."""
        self._root = root
        self._stack("roll", "--upgrade")

    def start_soon(self, program):
        """Starts PROGRAM without waiting until it is ready."""
        self._supervise("start", program)

    @contextlib.contextmanager
    def with_lasting_settings(self, program, shell="", **settings):
        """As with_settings, but lives after a crash have SETTINGS too. SHELL is a line of the shell that reads them."""
        file = self._dir / "conf" / "env" / f"{program}.env"
        before = file.read_text()
        file.write_text(before + "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items())
                        + f"{shell}\n")
        try:
            self.restart(program)
            yield
        finally:
            file.write_text(before)
            self.restart(program)

    def kill(self, program, pid=None):
        # order-api's parent only watches over it; nginx's children would serve on without theirs, and keep its port.
        tree = descendants(pid or self.pid(program))
        victims = {"order-api": tree[1:], "nginx": tree}.get(program, tree[:1])
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile, by itself or with its parent
                os.kill(victim, signal.SIGKILL)

    def crashes(self, program):
        log = (self._dir / "log" / "supervisord.log").read_text()
        return len(re.findall(rf"exited: {re.escape(program)} \(terminated by SIG(?:KILL|ABRT|SEGV)", log))

    def ends(self, program):
        """How often PROGRAM has ended by itself, or of such a signal."""
        return len(re.findall(rf"exited: {re.escape(program)} \(", (self._dir / "log" / "supervisord.log").read_text()))

    def pid(self, program):
        return self.pids()[program] or None

    def pids(self):
        """The process id of every program, 0 where there is none now."""
        return {name: int(pid) for name, state, pid in map(str.split, self._supervise("states").splitlines())}

    def health_url(self, program):
        return f"http://127.0.0.1:{self.port + HEALTH[program]}"

    def pause(self, program):
        for pid in descendants(self.pid(program)):
            os.kill(pid, signal.SIGSTOP)

    def resume(self, program):
        for pid in descendants(self.pid(program)):
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def another(self, program):
        lines = (self._dir / "conf" / "env" / f"{program}.env").read_text().splitlines()
        settings = dict(shlex.split(line)[0].split("=", 1) for line in lines)
        binary = "outbox-relay" if program.startswith("relay-") else program
        with (self._dir / "log" / f"{program}-another.log").open("ab") as log, \
                subprocess.Popen([self._dir / "bin" / binary], env={**settings, "HEALTH_PORT": "0"}, stderr=log) as process:
            try:
                yield
            finally:
                process.terminate()
                assert process.wait(30) == 0

    def log_directory(self):
        return self._dir / "log"

    def supervisor_pid(self):
        return int((self._dir / "run/supervisord.pid").read_text())

    def log(self, program):
        """What PROGRAM has written so far."""
        return (self._dir / "log" / f"{program}.log").read_text(errors="replace")

    # ---- what it stands on ----

    def _stack(self, *words):
        environment = {**os.environ, **{name: str(value) for name, value in self._settings.items()}}
        done = subprocess.run([self._root / "stack", *words], env=environment, capture_output=True, text=True, timeout=900,
                              check=False)
        assert done.returncode == 0, f"./stack {' '.join(words)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"

    def _supervise_in_background(self, *words):
        command = [ROOT / "deploy/local/supervise", "run/supervisor.sock", *words]
        return subprocess.Popen(command, cwd=self._dir, stdout=subprocess.PIPE, text=True)

    def _supervise(self, *words):
        with self._supervise_in_background(*words) as process:
            output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, f"supervise {' '.join(words)} failed"
        return output

    def _is_ready(self, program):
        probes = {
            "postgres": self.answers_sql,
            "redis": lambda: self.redis().ping(),
            "kafka": lambda: Producer({"bootstrap.servers": self.brokers, "log_level": 0}).list_topics(timeout=2),
            "order-api": lambda: self.get("/api/utility/readiness").status_code == 200,
            "nginx": lambda: self.get("/docs.json").status_code == 200,
        }
        port = HEALTH.get(program)
        try:
            if port:
                return requests.get(f"http://127.0.0.1:{self.port + port}/readiness", timeout=3).ok
            return probes[program]()
        except (requests.RequestException, OSError, KafkaException):
            return False
