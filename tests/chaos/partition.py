"""Cutting ports of this machine's loopback by iptables. Each rule carries a comment with the stack's first port: those are
removed at the end, and those that a killed run has left at the next beginning."""
import shlex
import subprocess

IPTABLES = ("iptables", "-w", "10")


def run(*words):
    return subprocess.run([*IPTABLES, *words], capture_output=True, text=True, timeout=30, check=False)


def rules_for(ports, comment):
    """Both directions, at the receiving end: what was sent is gone, as on a wire that was cut."""
    return [("INPUT", "-i", "lo", "-p", "tcp", side, str(port), "-m", "comment", "--comment", comment, "-j", "DROP")
            for port in ports for side in ("--dport", "--sport")]


class Partitions:
    def __init__(self, port_base):
        self._comment = f"orderline-chaos-{port_base}"

    def possible(self):
        """Whether this machine lets us: it takes root and the kernel's part. Leaves nothing behind."""
        try:
            return self._works()
        except OSError:
            return False

    def _works(self):
        rule = rules_for([9], self._comment)[0]
        if run("-I", *rule).returncode != 0:
            return False
        return run("-D", *rule).returncode == 0

    def cut(self, ports):
        """Cuts PORTS off; returns what heals them."""
        rules = rules_for(ports, self._comment)
        for rule in rules:
            done = run("-I", *rule)
            assert done.returncode == 0, done.stderr
        return lambda: [run("-D", *rule) for rule in rules]

    def heal_all(self):
        """Removes every rule of this stack, whoever made it."""
        try:
            listed = run("-S", "INPUT").stdout.splitlines()
        except OSError:
            return
        for line in listed:
            if self._comment in shlex.split(line):
                run("-D", *shlex.split(line)[1:])
