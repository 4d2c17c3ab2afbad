"""A result: what was measured, what it is compared with, and how far repeated measurements lie apart."""
import dataclasses
import statistics


@dataclasses.dataclass
class Row:
    name: str
    unit: str
    against: str = ""  # what it is compared with
    goal: float | None = None  # of the ratio, or of the value itself where nothing is compared
    ours: float | None = None
    theirs: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None  # of the ratios of single pairs
    smaller_is_better: bool = False
    notes: dict = dataclasses.field(default_factory=dict)

    @property
    def reached(self):
        """True or False where there is a goal to reach, else None."""
        value = self.ratio if self.against else self.ours
        if self.goal is None or value is None:
            return None
        return value <= self.goal if self.smaller_is_better else value >= self.goal


def paired(row, ours, theirs, rounds):
    """Fills ROW from ROUNDS of both, one after the other in turn, so that a slow minute of the machine meets both. The
    ratio is the median of the pairs' ratios."""
    pairs = []
    for number in range(rounds):
        first, second = (ours, theirs) if number % 2 == 0 else (theirs, ours)
        results = {first: first(), second: second()}
        pairs.append((results[ours], results[theirs]))
    ratios = [a / b for a, b in pairs]
    row.ours = statistics.median(a for a, _ in pairs)
    row.theirs = statistics.median(b for _, b in pairs)
    row.ratio = statistics.median(ratios)
    row.spread = (min(ratios), max(ratios))
    return row
