"""The kill matrix: every failpoint there is, and the programs that die there under load (test_kill_matrix.py).

tests/structure/test_failpoints.py holds this table to the code.
"""
from harness.stack import RELAYS, WORKERS

MATRIX = {
    # order-api: the commit of a batch of orders, Redis, the answer, the commit of a cancel
    "api.before_commit": ("order-api",),
    "api.after_commit": ("order-api",),
    "api.before_reply": ("order-api",),
    "api.after_remember": ("order-api",),
    "api.after_reply": ("order-api",),
    "api.before_cancel": ("order-api",),
    "api.after_cancel": ("order-api",),
    # relays: rows read and not yet produced, produced, reported, and the commit that removes them
    "relay.after_read": RELAYS,
    "relay.after_produce": RELAYS,
    "relay.after_report": RELAYS,
    "relay.before_delete": RELAYS,
    "relay.after_delete": RELAYS,
    # workers: messages polled, the commit of a group, offsets, and the commit of what worker-order does by the clock
    "worker.after_poll": WORKERS,
    "worker.before_commit": WORKERS,
    "worker.after_commit": WORKERS,
    "worker.before_offsets": WORKERS,
    "worker.after_offsets": WORKERS,
    "worker.before_tick": ("worker-order",),
    "worker.after_tick": ("worker-order",),
}

# Calls to others outside: only programs with a provider to call get there, so the tests of those calls kill there.
ELSEWHERE = {
    "effect.before_lease": None,
    "effect.after_lease": None,
    "effect.before_call": None,
    "effect.after_call": None,
    "effect.before_settle": None,
    "effect.after_settle": None,
}


def rounds():
    """The matrix in as few rounds as it takes, each a dict of programs and the one failpoint at which each of them dies."""
    waiting = {}
    for name, programs in MATRIX.items():
        for program in programs:
            waiting.setdefault(program, []).append(name)
    while waiting:
        yield {program: names.pop(0) for program, names in waiting.items()}
        waiting = {program: names for program, names in waiting.items() if names}
