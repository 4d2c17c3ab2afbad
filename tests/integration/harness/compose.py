"""The backend for containers: docker-compose.yml in a project of its own, with failpoints built in."""
import collections
import contextlib
import json
import os
import pathlib
import signal
import subprocess

from .local import descendants
from .stack import Stack

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROJECT = os.environ.get("COMPOSE_TEST_PROJECT", "orderline-test")
PORT = int(os.environ.get("COMPOSE_TEST_PORT", "5001"))


class ComposeStack(Stack):
    def __init__(self, scratch):
        self._scratch = pathlib.Path(scratch)
        self._files = [ROOT / "docker-compose.yml", ROOT / "tests/integration/compose.test.yml"]
        self.url = f"http://127.0.0.1:{PORT}"
        self.metrics_url = f"http://127.0.0.1:{PORT + 1}"
        self.database_url = f"postgresql://postgres:orderline@127.0.0.1:{PORT + 2}/orderline"
        self.redis_url = f"redis://127.0.0.1:{PORT + 3}"
        self.brokers = f"127.0.0.1:{PORT + 4}"
        self._earlier_crashes = collections.Counter()

    def up(self):
        self.down()  # what a run that was broken off has left
        self._compose("up", "--build", "--detach", "--wait", "--wait-timeout", "300", timeout=1500)

    def down(self, keep_logs=False):
        if keep_logs:
            self._scratch.joinpath("compose.log").write_text(self._compose("logs", "--no-color", timeout=120))
            print(f"logs: {self._scratch / 'compose.log'}")
        self._compose("down", "--volumes", "--timeout", "20", timeout=300)

    # ---- processes ----

    def stop(self, program):
        self._compose("stop", program, timeout=120)

    def start(self, program, wait_ready=True, **settings):
        files = []
        if settings:
            override = self._scratch / f"{program}.json"
            environment = {name: str(value) for name, value in settings.items()}
            override.write_text(json.dumps({"services": {program: {"environment": environment}}}))
            files = [override]
        self._earlier_crashes[program] += self._restarts(program)  # Docker counts from 0 again
        # What a failpoint kills may die before it is ever healthy; order-api dies only of an order.
        dies = "kill" in settings.get("FAILPOINTS", "") and program != "order-api"
        wait = [] if dies or not wait_ready else ["--wait", "--wait-timeout", "120"]
        self._compose("up", "--detach", "--no-deps", *wait, program, files=files, timeout=180)

    def kill(self, program):
        # `docker kill` counts as stopped by hand and is not restarted; the death of the process is a crash.
        # In front of order-api stand the container's init and multiwatch, which only watch over it.
        victims = descendants(self.pid(program))[2:] if program == "order-api" else [self.pid(program)]
        for victim in victims:
            os.kill(victim, signal.SIGKILL)

    def crashes(self, program):
        return self._earlier_crashes[program] + self._restarts(program)

    def pid(self, program):
        return int(self._docker("inspect", "--format", "{{.State.Pid}}", self._container(program))) or None

    def health_url(self, program):
        address = self._docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
                               self._container(program))
        return f"http://{address}:8080"

    def pause(self, program):
        self._docker("pause", self._container(program))

    def resume(self, program):
        self._docker("unpause", self._container(program))

    can_partition = True

    def partition(self, program):
        self._docker("network", "disconnect", f"{PROJECT}_default", self._container(program))

    def heal(self, program):
        self._docker("network", "connect", "--alias", program, f"{PROJECT}_default", self._container(program))

    @contextlib.contextmanager
    def another(self, program):
        self._compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", f"{program}=2", program, timeout=180)
        try:
            yield
        finally:
            self._compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", f"{program}=1", program, timeout=180)

    # ---- what it stands on ----

    def _compose(self, *words, files=(), timeout=60):
        command = ["docker", "compose", "--project-name", PROJECT, "--project-directory", str(ROOT)]
        for file in [*self._files, *files]:
            command += ["--file", str(file)]
        environment = {**os.environ, "PRESET": "failpoints", "HTTP_PORT": str(PORT),
                       "TEST_PORT_METRICS": str(PORT + 1), "TEST_PORT_POSTGRES": str(PORT + 2),
                       "TEST_PORT_REDIS": str(PORT + 3), "TEST_PORT_KAFKA": str(PORT + 4)}
        done = subprocess.run([*command, *words], env=environment, capture_output=True, text=True, timeout=timeout,
                              check=False)
        assert done.returncode == 0, f"docker compose {' '.join(words)}:\n{done.stderr[-4000:]}"
        return done.stdout

    def _docker(self, *words):
        done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def _restarts(self, program):
        return int(self._docker("inspect", "--format", "{{.RestartCount}}", self._container(program)))

    def _container(self, program):
        labels = f"label=com.docker.compose.project={PROJECT}", f"label=com.docker.compose.service={program}"
        names = self._docker("ps", "--all", "--quiet", "--filter", labels[0], "--filter", labels[1]).split()
        assert names, f"there is no container of {program}"
        return names[0]
