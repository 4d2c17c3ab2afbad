"""The stack under measurement: a release build with a directory and ports of its own, started by ./stack."""
import contextlib
import json
import os
import pathlib
import shlex
import signal
import subprocess
import time

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[1]
DIR = pathlib.Path(os.environ.get("BENCH_STACK_DIR", ROOT / ".stack-bench"))
PORT = int(os.environ.get("BENCH_PORT_BASE", "5001"))
URL = f"http://127.0.0.1:{PORT}"
PROGRAMS = ROOT / "build/release/bench"
SERVICES = ("orders", "payment", "inventory", "fulfillment", "notification")
WORKERS = tuple(f"worker-{name}" for name in ("order", "payment", "inventory", "fulfillment", "notification"))
RELAYS = tuple(f"relay-{name}" for name in SERVICES)
CONNECTIONS = 64


def wait_for(what, probe, seconds=120.0):
    end = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
    return found


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


class System:
    """What measurements ask of the stack. A context: up inside, gone with its data outside."""

    def __init__(self):
        self.settings = {}

    def __enter__(self):
        self.stack("reset", "--yes")
        self.stack("up")
        lines = (DIR / "stack.env").read_text().splitlines()
        self.settings = dict(line.split("=", 1) for line in lines)
        return self

    def __exit__(self, *unused):
        self.stack("reset", "--yes")

    def stack(self, *words, **settings):
        environment = {**os.environ, "STACK_DIR": str(DIR), "PORT_BASE": str(PORT), "BUILD": "release"}
        return run(ROOT / "stack", *words, env={**environment, **{k: str(v) for k, v in settings.items()}})

    # ---- programs ----

    def _supervise(self, *words):
        return run(ROOT / "deploy/local/supervise", "run/supervisor.sock", *words, cwd=DIR)

    def stop(self, *programs):
        self._supervise("stop", *programs)

    def start(self, *programs):
        self._supervise("start", *programs)

    def pids(self):
        """Running programs and their process ids."""
        states = (line.split() for line in self._supervise("states").splitlines())
        return {name: int(pid) for name, _, pid in states if int(pid)}

    @contextlib.contextmanager
    def with_settings(self, program, **settings):
        """PROGRAM runs with SETTINGS inside, and as before outside."""
        file = DIR / "env" / f"{program}.env"
        file.write_text("".join(f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items()))
        try:
            self.stop(program)
            self.start(program)
            self.wait_ready()
            yield
        finally:
            file.unlink()
            self.stop(program)
            self.start(program)
            self.wait_ready()

    @contextlib.contextmanager
    def constant(self, answer, processes, threads):
        """In order-api's place, on its socket, a FastCGI process that gives ANSWER (a CGI answer, bytes) to everything."""
        home = DIR / "run/order-api"
        file = home / "constant"
        self.stop("order-api")
        file.write_bytes(answer)
        command = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "--",
                   "spawn-fcgi", "-n", "-s", "socket", "-b", "1024", "-M", "0660", "--",
                   "/usr/bin/multiwatch", "-f", processes, "--", PROGRAMS / "bench-constant", threads, file]
        process = subprocess.Popen([str(word) for word in command], cwd=home, start_new_session=True)
        try:
            wait_for("the constant answers", self._answers)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            file.unlink()
            self.start("order-api")
            self.wait_ready()

    def _answers(self):
        code = subprocess.run(["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}",
                               f"{URL}/api/v1/orders/x"], capture_output=True, text=True, check=False).stdout
        return code.startswith("2")

    def wait_ready(self):
        wait_for("order-api ready", lambda: subprocess.run(
            ["curl", "-fs", "-m", "5", "-o", "/dev/null", f"{URL}/api/utility/readiness"], check=False).returncode == 0)

    # ---- load ----

    def wrk(self, mode, seconds, connections=CONNECTIONS, **settings):
        """Requests of one kind for SECONDS by as many CONNECTIONS as wished, each sending as soon as it was answered."""
        environment = {**os.environ, "MODE": mode, **{k.upper(): str(v) for k, v in settings.items()}}
        output = run("wrk", "-t2", f"-c{connections}", f"-d{seconds}", "--timeout", "10s", "-s",
                     ROOT / "bench/load/requests.lua", URL, env=environment)
        result = json.loads(output.splitlines()[-1])
        if result["bad"] or result["broken"]:
            raise RuntimeError(f"{mode}: {result}")
        return {**result, "rate": result["good"] / result["seconds"]}

    def request(self, *words):
        """curl's answer in full, headers first."""
        return subprocess.run(["curl", "-si", "-m", "20", *words], capture_output=True, check=True).stdout

    # ---- database ----

    def query(self, sql, *args):
        connection = psycopg2.connect(self.settings["DATABASE_URL"], connect_timeout=10)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, args or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def value(self, sql, *args):
        return self.query(sql, *args)[0][0]

    def wait_rest(self, seconds=600):
        """Until each order has come to its end and every outbox is empty."""
        outboxes = " OR ".join(f"EXISTS (SELECT FROM {name}.outbox)" for name in SERVICES)
        wait_for("all orders at their end", lambda: not self.value(
            f"SELECT EXISTS (SELECT FROM orders.progress WHERE outcome IS NULL) OR {outboxes}"), seconds)
