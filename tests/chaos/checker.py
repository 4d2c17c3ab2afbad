"""Holds the journal against the database: nothing lost, nothing twice, nothing that nobody ordered."""
import dataclasses


@dataclasses.dataclass
class Verdict:
    sent: int = 0  # orders, each under a key of its own
    attempts: int = 0
    acknowledged: int = 0  # orders that a client was told of with 201
    found: int = 0  # of those, in the database
    lost: list = dataclasses.field(default_factory=list)
    duplicated: list = dataclasses.field(default_factory=list)
    wrong: list = dataclasses.field(default_factory=list)  # another total, two answers for one key, nobody's order

    def clean(self):
        return not (self.lost or self.duplicated or self.wrong)


def compare(entries, orders):
    """ENTRIES as journal.read gives them, ORDERS as rows of (order id, customer id, total in minor units)."""
    verdict = Verdict(sent=len(entries), attempts=sum(entry.attempts for entry in entries.values()))
    by_customer = {}
    for order_id, customer, total in orders:
        by_customer.setdefault(customer, []).append((order_id, total))
    for number, entry in entries.items():
        held = by_customer.pop(entry.customer, [])
        if len(held) > 1:
            verdict.duplicated.append(f"order {number}: {[order_id for order_id, _ in held]}")
        if len(entry.orders) > 1:
            verdict.wrong.append(f"order {number}: its key was answered with {sorted(entry.orders)}")
        if any(total != entry.total for _, total in held):
            verdict.wrong.append(f"order {number}: total {held[0][1]}, ordered {entry.total}")
        if entry.orders:
            verdict.acknowledged += 1
            if entry.orders & {order_id for order_id, _ in held}:
                verdict.found += 1
            else:
                verdict.lost.append(f"order {number}: {sorted(entry.orders)}")
    verdict.wrong += [f"nobody ordered {held}" for held in by_customer.values()]
    return verdict


def orders_of(stack):
    return stack.query("SELECT order_id::text, customer_id::text, total_minor FROM orders.orders")
