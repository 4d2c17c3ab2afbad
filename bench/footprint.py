"""What it costs to have the system: an idle core, memory, a start."""
import time

from pairs import Row
from system import RELAYS, WORKERS
from usage import cpu_between, cpu_ns, resident_mib


def measure(system, quick, say):
    idle_seconds, load_seconds = (15, 5) if quick else (60, 30)
    say(f"idle for {idle_seconds} s")
    time.sleep(5)  # what follows a start is over
    roots = {name: pid for name, pid in system.pids().items() if name != "kafka"}
    before, begun = cpu_ns(roots), time.monotonic()
    time.sleep(idle_seconds)
    took = time.monotonic() - begun
    used = {name: round(s / took * 100, 2) for name, s in cpu_between(before, cpu_ns(roots)).items()}
    yield Row("idle CPU without broker", "% of a core", goal=2, ours=sum(used.values()), smaller_is_better=True, notes=used)

    for when in ("idle", "after load"):
        memory = resident_mib(system.pids())
        api = max(memory["order-api"])
        workers = {name: max(memory[name]) for name in WORKERS}
        most = max(workers, key=workers.get)
        yield Row(f"resident, order-api process, {when}", "MiB", goal=30, ours=api, smaller_is_better=True)
        yield Row(f"resident, largest worker, {when}", "MiB", goal=20, ours=workers[most], smaller_is_better=True,
                  notes={name: round(size, 1) for name, size in workers.items()})
        yield Row(f"resident, largest relay, {when}", "MiB", ours=max(max(memory[name]) for name in RELAYS))
        if when == "idle":
            say(f"load for {load_seconds} s")
            system.wrk("create", load_seconds)
            system.wait_rest()

    for program in ("order-api", "worker-payment"):
        system.stop(program)
        begun = time.monotonic()
        system.start(program)
        system.wait_ready()
        yield Row(f"cold start, {program}", "s", ours=time.monotonic() - begun)
