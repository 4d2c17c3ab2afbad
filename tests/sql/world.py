"""Orders of each ending, as the services leave them behind: what an audit is clean on."""
import uuid

from calls import uuid7

ITEMS = '[{"sku":"SKU-1","quantity":2,"unitPrice":10.00},{"sku":"SKU-2","quantity":1.5,"unitPrice":3.33},' \
        '{"sku":"SKU-1","quantity":0.5,"unitPrice":1.00}]'
TOTAL = 2000 + 500 + 50
LINES = (("SKU-1", 2500), ("SKU-2", 1500))

WAYS = {
    "completed": (["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "COMPLETED"], None, "authorized", "shipped", "shipped"),
    "declined": (["PENDING", "PAYMENT", "CANCELLED"], "payment_declined", "declined", "cancelled", None),
    "sold_out": (["PENDING", "PAYMENT", "INVENTORY", "CANCELLED"], "out_of_stock", "refunded", "rejected", None),
    "refused": (["PENDING", "PAYMENT", "INVENTORY", "FULFILLMENT", "CANCELLED"], "fulfillment_refused", "refunded",
                "released", "rejected"),
    "cancelled": (["PENDING", "PAYMENT", "CANCELLED"], "cancelled_by_customer", "cancelled", "cancelled", None),
    # an early success moves the order through two stages with one event
    "early": (["PENDING", "PAYMENT", "INVENTORY+", "FULFILLMENT", "COMPLETED"], None, "authorized", "shipped", "shipped"),
}


class World:
    """An order of each ending, as the services leave them behind."""

    def __init__(self, session):
        self.session = session
        self.customers = {}
        self.orders = {name: self.add(name, *way) for name, way in WAYS.items()}

    def run(self, sql, *args):
        with self.session.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall() if cursor.description else []

    def add(self, name, stages, reason, charge, reservation, shipment):
        order, end = uuid7(), stages[-1]
        self.customers[name] = uuid.uuid4()
        self.run("INSERT INTO orders.orders VALUES (%s, %s, %s, %s, 'USD', %s, %s, '{}')", order, uuid.uuid4(), uuid.uuid4(),
                 self.customers[name], TOTAL, ITEMS)
        self.run("INSERT INTO orders.progress VALUES (%s, %s, %s, %s, now(), NULL, %s)", order, end, end, len(stages),
                 reason)
        self.timeline(order, stages, reason)
        self.run("SELECT payment.lock_charges(ARRAY[%s]::uuid[])", order)
        self.run("SELECT payment.save_charges(ARRAY[%s]::uuid[], ARRAY[%s], ARRAY[%s]::text[], ARRAY[%s]::bigint[],"
                 " ARRAY[%s]::bigint[], ARRAY[%s]::text[], ARRAY[%s]::text[])", order, charge,
                 None if charge == "cancelled" else "USD", 0 if charge == "cancelled" else TOTAL,
                 TOTAL if charge == "refunded" else 0, "[]" if charge in ("authorized", "refunded") else None,
                 "limit" if charge == "declined" else None)
        self.run("INSERT INTO inventory.reservation VALUES (%s, %s, %s, %s, %s, now())", order, reservation,
                 "[]" if reservation in ("released", "shipped") else None,
                 *(("out_of_stock", "SKU-1") if reservation == "rejected" else (None, None)))
        for sku, quantity in LINES if reservation in ("released", "shipped") else ():
            self.move(order, sku, "reserved", quantity)
            self.move(order, sku, reservation, quantity)
        if shipment:
            self.run("INSERT INTO fulfillment.shipment VALUES (%s, %s, %s, %s, %s, %s, now())", order, shipment,
                     *((uuid.uuid4(), "post", "T1", None) if shipment == "shipped" else (None, None, None, "refused")))
        self.run("INSERT INTO notification.conversation VALUES (%s, %s)", order, end.lower())
        for kind in ("confirmation", end.lower()):
            self.run("INSERT INTO notification.message VALUES (%s, %s, 'log')", order, kind)
        return order

    def timeline(self, order, stages, reason):
        """Each step by an event of its own, but that the first two share order.created, and "X+" shares the next one's."""
        created, before = uuid7(), None
        events = [created, created, *(uuid7() for _ in stages[2:])]
        for at, stage in enumerate(stages):
            if stage.endswith("+"):
                events[at] = events[at + 1]
        for at, stage in enumerate(stage.rstrip("+") for stage in stages):
            self.run("INSERT INTO orders.timeline VALUES (%s, %s, now(), %s, %s, %s, %s)", order, at + 1, before, stage,
                     reason if stage == "CANCELLED" else None, events[at])
            before = stage
        by_customer = reason == "cancelled_by_customer"
        self.applied("orders", *(events[:-1] if by_customer else events))
        self.applied("payment", created)
        self.applied("notification", created)
        if "INVENTORY" in stages:
            self.applied("inventory", events[2])

    def applied(self, service, *events):
        for event in events:
            self.run(f"INSERT INTO {service}.inbox (event_id) VALUES (%s) ON CONFLICT DO NOTHING", event)

    def move(self, order, sku, kind, quantity):
        taken, reserved, shipped = {"reserved": (1, 1, 0), "released": (-1, -1, 0), "shipped": (0, -1, 1)}[kind]
        self.run("INSERT INTO inventory.movement (order_id, sku, kind, quantity) VALUES (%s, %s, %s, %s)",
                 order, sku, kind, quantity)
        self.run("UPDATE inventory.stock SET on_hand = on_hand - %s, reserved = reserved + %s, shipped = shipped + %s"
                 " WHERE sku = %s", taken * quantity, reserved * quantity, shipped * quantity, sku)

    def lend_customer(self, name, whose):
        self.run("UPDATE orders.orders SET customer_id = %s WHERE order_id = %s", self.customers[whose], self.orders[name])
        self.session.commit()

    def broken(self):
        return {name for name, in self.run(
            "SELECT name FROM ops.invariants() AS i, ops.audit_one(i.name) AS a WHERE a.broken > 0")}

    def unguarded(self, *tables):
        """Takes the constraints off: what they would refuse can happen by other means, such as a wrong restore."""
        for table in tables:
            for name, in self.run("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass"
                                  " AND contype IN ('c', 'u', 'p')", table):
                self.run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
