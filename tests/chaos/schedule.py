"""When which fault meets which program: a pure function of the seed, so that a run can be had again."""
import dataclasses
import random

# How often each kind comes up in one deck of cards, by what it meets, and how long it lasts in seconds. Freezes of ours and
# of PostgreSQL and Kafka outlast every time-out between them (SQL 3 and 10 s, sessions 9 and 10 s).
OURS = {"kill": (6, 0), "freeze": (1, 12), "restart": (1, 0), "mute": (1, 12)}
CARDS = {
    "postgres": {"kill": (2, 0), "freeze": (1, 12), "restart": (1, 0), "partition": (1, 8)},
    "redis": {"kill": (2, 0), "freeze": (1, 4), "restart": (1, 0), "partition": (1, 8)},
    # A broker takes this long to come back, and the next one has to wait for it: one of three, never two.
    "kafka": {"kill": (3, 30), "freeze": (2, 14), "restart": (1, 30), "partition": (1, 14)},
    "nginx": {"kill": (2, 0), "freeze": (1, 3), "restart": (1, 0), "partition": (1, 3)},
}


@dataclasses.dataclass(frozen=True)
class Fault:
    at: float  # seconds after the beginning
    kind: str  # kill, freeze, restart, mute (its connections go silent) or partition (nobody reaches it)
    target: str
    seconds: float  # until it is healed


def group_of(target):
    """Of the brokers one at a time is touched, as a cluster of three can stand: they share one turn."""
    return "kafka" if target.startswith("kafka") else target


def deck(targets, kinds, rng):
    """A card for each fault there is, as often as it weighs, shuffled."""
    groups = dict.fromkeys(group_of(target) for target in targets)
    cards = []
    for group in groups:
        members = [target for target in targets if group_of(target) == group]
        for kind, (weight, seconds) in CARDS.get(group, OURS).items():
            if kind in kinds:
                cards += [(kind, rng.choice(members), seconds) for _ in range(weight)]
    rng.shuffle(cards)
    return cards


def schedule(seed, seconds, pace, targets, kinds):
    """Faults for so many SECONDS, one every PACE seconds on the average, none on a target that another one still holds."""
    rng = random.Random(seed)
    cards, faults, busy_until = [], [], {}
    at = pace
    while at < seconds:
        if not cards:
            cards = deck(targets, kinds, rng)
        free = next((card for card in cards if busy_until.get(group_of(card[1]), 0) <= at), None)
        if free:
            cards.remove(free)
            kind, target, lasts = free
            lasts = min(lasts, seconds - at)
            faults.append(Fault(round(at, 2), kind, target, round(lasts, 2)))
            busy_until[group_of(target)] = at + lasts + pace
        at += rng.uniform(0.5, 1.5) * pace
    return faults
