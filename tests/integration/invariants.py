"""What holds at rest after any fault (ARCHITECTURE.md, "Invariants"). Each query returns the rows that break one."""

from harness.stack import SERVICES

QUERIES = {
    "every order ends": "SELECT order_id FROM orders.progress WHERE status NOT IN ('COMPLETED', 'CANCELLED')",
    "one order a key": "SELECT key_digest FROM orders.orders GROUP BY key_digest HAVING count(*) > 1",
    "every order has progress": "SELECT order_id FROM orders.orders FULL JOIN orders.progress USING (order_id) "
                                "WHERE orders.order_id IS NULL OR progress.order_id IS NULL",
    "the timeline is one path without gaps": """
        SELECT t.order_id FROM orders.timeline t
        LEFT JOIN orders.timeline b ON b.order_id = t.order_id AND b.version = t.version - 1
        WHERE t.from_status IS DISTINCT FROM b.to_status""",
    "the timeline ends where the order stands": """
        SELECT p.order_id FROM orders.progress p
        LEFT JOIN orders.timeline t ON t.order_id = p.order_id AND t.version = p.version
        WHERE t.to_status IS DISTINCT FROM p.status""",
    "COMPLETED is charged once, the whole amount, and not refunded": """
        SELECT o.order_id FROM orders.orders o JOIN orders.progress p USING (order_id)
        LEFT JOIN payment.charge c USING (order_id)
        WHERE p.status = 'COMPLETED' AND (c.state IS DISTINCT FROM 'authorized' OR c.amount_minor <> o.total_minor
                                          OR c.currency <> o.currency)""",
    "CANCELLED keeps no money": """
        SELECT p.order_id FROM orders.progress p JOIN payment.charge c USING (order_id)
        WHERE p.status = 'CANCELLED' AND c.state NOT IN ('declined', 'cancelled', 'refunded')""",
    "COMPLETED is shipped once, from stock": """
        SELECT p.order_id FROM orders.progress p LEFT JOIN fulfillment.shipment s USING (order_id)
        LEFT JOIN inventory.reservation r USING (order_id)
        WHERE p.status = 'COMPLETED' AND (s.state IS DISTINCT FROM 'shipped' OR r.state IS DISTINCT FROM 'shipped')""",
    "CANCELLED holds no stock and was never shipped": """
        SELECT p.order_id FROM orders.progress p LEFT JOIN fulfillment.shipment s USING (order_id)
        LEFT JOIN inventory.reservation r USING (order_id)
        WHERE p.status = 'CANCELLED' AND (s.state = 'shipped' OR r.state IN ('new', 'reserved', 'shipped'))""",
    "no service knows an order that does not exist": """
        SELECT order_id FROM (SELECT order_id FROM payment.charge UNION SELECT order_id FROM inventory.reservation
                              UNION SELECT order_id FROM fulfillment.shipment) s
        WHERE NOT EXISTS (SELECT FROM orders.orders o WHERE o.order_id = s.order_id)""",
    "stock is what came in": """
        SELECT s.sku FROM inventory.stock s
        JOIN (SELECT sku, sum(quantity) AS received FROM inventory.movement
              WHERE kind = 'received' GROUP BY sku) m USING (sku)
        WHERE s.on_hand + s.reserved + s.shipped <> m.received""",
    "stock follows its ledger": """
        SELECT s.sku FROM inventory.stock s LEFT JOIN (
            SELECT sku, coalesce(sum(quantity) FILTER (WHERE kind = 'reserved'), 0)
                        - coalesce(sum(quantity) FILTER (WHERE kind IN ('released', 'shipped')), 0) AS reserved,
                   coalesce(sum(quantity) FILTER (WHERE kind = 'shipped'), 0) AS shipped
            FROM inventory.movement GROUP BY sku) m USING (sku)
        WHERE s.reserved <> coalesce(m.reserved, 0) OR s.shipped <> coalesce(m.shipped, 0)""",
    "one notification an outcome": """
        SELECT p.order_id FROM orders.progress p
        LEFT JOIN notification.message m ON m.order_id = p.order_id AND m.kind <> 'confirmation'
        GROUP BY p.order_id, p.status HAVING count(m.kind) <> 1
            OR min(m.kind::text) <> CASE p.status WHEN 'COMPLETED' THEN 'completed' ELSE 'cancelled' END""",
    **{f"nothing waits in the outbox of {name}": f"SELECT seq FROM {name}.outbox" for name in SERVICES},
    **{f"no dead letters in {name}": f"SELECT reason FROM {name}.deadletter" for name in SERVICES},
}


def broken_invariants(stack):
    """The names of the broken ones, each with its first rows."""
    found = {name: stack.query(f"SELECT * FROM ({sql}) AS broken LIMIT 3") for name, sql in QUERIES.items()}
    return [f"{name}: {rows}" for name, rows in found.items() if rows]
