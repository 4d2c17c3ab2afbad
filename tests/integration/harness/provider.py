"""The payment provider of deploy/provider, as a process of a test."""
import os
import pathlib
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOKEN = "only-for-tests"


class Provider:
    def __init__(self, folder, port):
        self.url = f"http://127.0.0.1:{port}"
        self._command = [ROOT / "deploy/provider/provider", "--port", str(port), "--data", str(folder / "books")]
        self._process = None

    def start(self):
        self._process = subprocess.Popen(self._command, env={**os.environ, "PROVIDER_TOKEN": TOKEN})
        end = time.monotonic() + 60
        while True:
            try:
                return requests.get(f"{self.url}/readiness", timeout=10).raise_for_status()
            except requests.ConnectionError:
                assert self._process.poll() is None and time.monotonic() < end, "the provider does not start"
                time.sleep(0.05)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def behave(self, mode, times=-1, requests_of="any"):
        self.behave_by([{"mode": mode, "times": times, "requests": requests_of}])

    def behave_by(self, plan):
        requests.post(f"{self.url}/control", json=plan, timeout=30).raise_for_status()

    def met(self):
        """How often which request met which misbehaviour: {"429 POST /v1/refunds": 2}."""
        return requests.get(f"{self.url}/control", timeout=30).json()["met"]

    def entries(self, kind):
        """Money that moved, by order: (currency, amount in minor units)."""
        found, after = {}, 0
        while after is not None:
            answer = requests.get(f"{self.url}/v1/ledger?after={after}", headers={"Authorization": f"Bearer {TOKEN}"},
                                  timeout=30)
            answer.raise_for_status()
            page = answer.json()
            found |= {entry["orderId"]: (entry["currency"], entry["amountMinor"]) for entry in page["entries"]
                      if entry["kind"] == kind and entry["status"] != "declined"}
            after = page["next"]
        return found
