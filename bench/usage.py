"""What processes use: CPU time from /proc/PID/schedstat (nanoseconds really run), memory from /proc/PID/status."""
import contextlib
import pathlib
import re

SESSION = re.compile(rb"postgres: (?:\d+/main: )?orderline_(\w+) ")


def processes():
    """Every process of this machine: pid, parent, command line."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            yield int(folder.name), parent, (folder / "cmdline").read_bytes()


def trees(roots):
    """{pid: name} of each process in ROOTS {name: pid} and below. PostgreSQL's sessions are told apart by their role."""
    found = {pid: name for name, pid in roots.items()}
    waiting = list(processes())
    grew = True
    while grew:
        grew = False
        for pid, parent, command in waiting:
            if pid not in found and parent in found:
                name = found[parent]
                session = SESSION.match(command) if name.startswith("postgres") else None
                found[pid] = f"postgres ({session[1].decode()})" if session else name
                grew = True
    return found


def cpu_ns(roots):
    """Nanoseconds run so far, by name; threads that have ended are not in it."""
    used = {}
    for pid, name in trees(roots).items():
        total = 0
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(task.read_text().split()[0])
        used[name] = used.get(name, 0) + total
    return used


def cpu_between(before, after):
    """Seconds of CPU by name, most first."""
    used = {name: (total - before.get(name, 0)) / 1e9 for name, total in after.items()}
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def resident_mib(roots):
    """{name: [MiB of each process]}."""
    found = {}
    for pid, name in trees(roots).items():
        with contextlib.suppress(OSError, AttributeError):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            found.setdefault(name, []).append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024)
    return found
