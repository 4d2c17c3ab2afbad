"""More buyers than pieces."""
import concurrent.futures
import uuid

from harness.stack import order, wait_for

PIECES, BUYERS = 100, 500


def stock_up(stack, pieces):
    """A SKU of this test alone with that many pieces."""
    sku = f"T-{uuid.uuid4()}"
    stack.query("WITH added AS (INSERT INTO inventory.stock (sku, on_hand) VALUES (%s, %s) RETURNING sku, on_hand)"
                " INSERT INTO inventory.movement (sku, kind, quantity) SELECT sku, 'received', on_hand FROM added",
                sku, pieces * 1000)
    return sku


def one_piece(sku, buyer):
    """Every other buyer takes it in two lines; all of them want something from a large stock beside it."""
    halves = [0.625, 0.375] if buyer % 2 else [1]
    lines = [{"sku": sku, "quantity": quantity, "unitPrice": 10} for quantity in halves]
    return order(items=[*lines, {"sku": f"SKU-{1 + buyer % 50}", "quantity": 1, "unitPrice": 1}])


def test_500_buyers_get_100_pieces(at_rest):
    sku = stock_up(at_rest, PIECES)

    def buy(buyer):
        answer = at_rest.post_order(one_piece(sku, buyer))
        assert answer.status_code == 201, answer.text
        return answer.json()["orderId"]

    with at_rest.another("worker-inventory"), concurrent.futures.ThreadPoolExecutor(16) as pool:
        if at_rest.durable_broker:
            wait_for("two members", lambda: at_rest.members("orderline-inventory") == 2, 90)
        ids = list(pool.map(buy, range(BUYERS)))
        at_rest.wait_rest(240)

    def count(sql):
        return at_rest.query(sql, ids)

    assert sorted(count("SELECT status::text, failure_reason, count(*) FROM orders.progress"
                        " WHERE order_id = ANY(%s::uuid[]) GROUP BY 1, 2")) == [
        ("CANCELLED", "out_of_stock", BUYERS - PIECES), ("COMPLETED", None, PIECES)]
    assert sorted(count("SELECT state::text, count(*) FROM payment.charge WHERE order_id = ANY(%s::uuid[]) GROUP BY 1")) == [
        ("authorized", PIECES), ("refunded", BUYERS - PIECES)]
    assert at_rest.query("SELECT on_hand, reserved, shipped FROM inventory.stock WHERE sku = %s", sku) == [
        (0, 0, PIECES * 1000)]
