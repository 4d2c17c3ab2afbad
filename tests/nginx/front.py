"""nginx with the project's own configuration, in front of an application of the test's."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from application import Application

ROOT = pathlib.Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


class Front:
    """One nginx, on a port of its own; SETTINGS are those of nginx/configure, CHANGES replace texts of the configuration."""

    def __init__(self, site, changes=(), **settings):
        self.directory = directory = pathlib.Path(tempfile.mkdtemp(prefix="orderline-nginx-"))
        directory.chmod(0o777)  # nginx's workers are another user
        self.application = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = {"NGINX_USER": "www-data", "HTTP_ADDRESS": f"127.0.0.1:{self.port}", "STATIC_ROOT": site,
                    "METRICS_ADDRESS": f"unix:{directory}/metrics", "FASTCGI_SOCKET": directory / "socket",
                    "NGINX_RUN": directory, "CLIENT_CONNECTIONS": 0, "CLIENT_RATE": 0, "TLS_CERTIFICATE": "", "TLS_KEY": "",
                    **settings}
        done = subprocess.run([ROOT / "nginx/configure", *(f"{name}={value}" for name, value in settings.items())],
                              capture_output=True, text=True, check=True)
        shutil.copytree(ROOT / "nginx/includes", directory / "includes")
        files = {directory / "nginx.conf": done.stdout,
                 directory / "includes/routes.conf": (directory / "includes/routes.conf").read_text()}
        for old, new in changes:
            assert any(old in text for text in files.values()), f"the configuration has no {old!r}"
            files = {path: text.replace(old, new) for path, text in files.items()}
        for path, text in files.items():
            path.write_text(text)

        self._start()

    def _start(self):
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen([NGINX, "-e", "stderr", "-c", self.directory / "nginx.conf"], stdout=log,
                                             stderr=log)
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=10).close()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < end, (self.directory / "log").read_text()
                time.sleep(0.02)

    def close(self):
        if self.application:
            self.application.close()
        self._process.terminate()
        self._process.wait(60)
        shutil.rmtree(self.directory)

    def serve(self, *answer):
        """Starts the application that the front stands before, see there."""
        self.application = Application(self.directory / "socket", *answer)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def raw(self, request):
        """Sends the bytes of REQUEST as they are: status, headers as (name, value) pairs, and body of the answer."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_answer(connection)


def read_answer(connection):
    """Status 0 where the connection ends without an answer."""
    answer = b""
    try:
        while chunk := connection.recv(65536):
            answer += chunk
            head, _, body = answer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
            length = dict(headers).get("Content-Length")
            if length is not None and len(body) >= int(length):
                break
    except ConnectionResetError:
        pass
    if not answer:
        return 0, [], b""
    return int(lines[0].split()[1]), headers, body
