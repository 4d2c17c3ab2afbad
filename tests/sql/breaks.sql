-- Ways to break the data of test_audit.py: what is done, the invariants that this breaks (all of them), and how. $name is the id
-- of that order.

-- an order is deleted: orders_whole services_know_orders
DELETE FROM orders.orders WHERE order_id = $declined;

-- a completed order is deleted: orders_whole services_know_orders money_total movements_reserved
DELETE FROM orders.orders WHERE order_id = $completed;

-- progress is deleted: orders_whole
DELETE FROM orders.progress WHERE order_id = $declined;

-- progress is in the list of another customer: orders_whole
UPDATE orders.progress SET customer_id = order_id WHERE order_id = $completed;

-- the first step is deleted: orders_whole timeline_path
DELETE FROM orders.timeline WHERE order_id = $declined AND version = 1;

-- a key has two orders: orders_once
UPDATE orders.orders SET key_digest = '11111111-1111-1111-1111-111111111111' WHERE order_id IN ($declined, $cancelled);

-- a total is off by a cent: orders_total
UPDATE orders.orders SET total_minor = total_minor + 1 WHERE order_id = $cancelled;

-- an order is stuck: orders_end
UPDATE orders.progress SET status = 'PAYMENT', outcome = NULL, failure_reason = NULL, version = 2
    WHERE order_id = $declined;
DELETE FROM orders.timeline WHERE order_id = $declined AND version = 3;

-- a step is missing: timeline_path
DELETE FROM orders.timeline WHERE order_id = $completed AND version = 3;

-- the last step is missing: timeline_path
DELETE FROM orders.timeline WHERE order_id = $completed AND version = 5;

-- a step starts elsewhere: timeline_path timeline_moves
UPDATE orders.timeline SET from_status = 'PENDING' WHERE order_id = $refused AND version = 5;

-- an illegal step: timeline_moves
UPDATE orders.timeline SET reason = 'cancelled_by_customer' WHERE order_id = $refused AND version = 5;

-- an order goes back: timeline_moves orders_end money_total events_applied
UPDATE orders.progress SET status = 'PENDING', outcome = NULL, version = 6 WHERE order_id = $completed;
INSERT INTO orders.timeline SELECT order_id, 6, now(), 'COMPLETED', 'PENDING', NULL, event_id
    FROM orders.timeline WHERE order_id = $completed AND version = 5;

-- completed without a charge: charges_completed money_total ledger
DELETE FROM payment.charge WHERE order_id = $completed;

-- completed and refunded: charges_completed money_total ledger
UPDATE payment.charge SET state = 'refunded', refunded_minor = amount_minor WHERE order_id = $completed;

-- charged twice: money_total
INSERT INTO payment.charge SELECT * FROM payment.charge WHERE order_id = $completed;

-- charged too much: charges_completed money_total ledger
UPDATE payment.charge SET amount_minor = amount_minor + 1 WHERE order_id = $completed;

-- charged in another currency: charges_completed money_total ledger
UPDATE payment.charge SET currency = 'EUR' WHERE order_id = $completed;

-- cancelled and not refunded: charges_cancelled money_total ledger
UPDATE payment.charge SET state = 'authorized', refunded_minor = 0 WHERE order_id = $sold_out;

-- refunded in part: charges_cancelled money_total
UPDATE payment.charge SET refunded_minor = 1 WHERE order_id = $refused;

-- completed and not shipped: shipments
DELETE FROM fulfillment.shipment WHERE order_id = $completed;

-- cancelled and shipped: shipments
UPDATE fulfillment.shipment SET state = 'shipped' WHERE order_id = $refused;

-- a reservation is forgotten: reservations movements_reserved movements_settled
DELETE FROM inventory.reservation WHERE order_id = $completed;

-- cancelled and still reserved: reservations movements_settled
UPDATE inventory.reservation SET state = 'reserved' WHERE order_id = $refused;

-- less reserved than ordered: movements_reserved
UPDATE inventory.movement SET quantity = quantity - 1 WHERE order_id = $completed AND sku = 'SKU-2';
UPDATE inventory.stock SET on_hand = on_hand + 1, shipped = shipped - 1 WHERE sku = 'SKU-2';

-- released twice: movements_settled stock_negative
INSERT INTO inventory.movement SELECT * FROM inventory.movement WHERE order_id = $refused AND kind = 'released';
UPDATE inventory.stock SET on_hand = on_hand + 2500, reserved = reserved - 2500 WHERE sku = 'SKU-1';
UPDATE inventory.stock SET on_hand = on_hand + 1500, reserved = reserved - 1500 WHERE sku = 'SKU-2';

-- never released: movements_settled
DELETE FROM inventory.movement WHERE order_id = $refused AND kind = 'released';
UPDATE inventory.stock SET on_hand = on_hand - 2500, reserved = reserved + 2500 WHERE sku = 'SKU-1';
UPDATE inventory.stock SET on_hand = on_hand - 1500, reserved = reserved + 1500 WHERE sku = 'SKU-2';

-- stock is off by one: stock_total
UPDATE inventory.stock SET on_hand = on_hand + 1 WHERE sku = 'SKU-9';

-- a SKU is lost: stock_total
DELETE FROM inventory.stock WHERE sku = 'SKU-9';

-- stock moved without its ledger: stock_ledger
UPDATE inventory.stock SET on_hand = on_hand - 1, reserved = reserved + 1 WHERE sku = 'SKU-9';

-- sold more than there was: stock_negative
UPDATE inventory.stock SET on_hand = -1 WHERE sku = 'SKU-SOLDOUT';
INSERT INTO inventory.movement (sku, kind, quantity) VALUES ('SKU-SOLDOUT', 'received', -1);

-- an outcome was not told: notified_once
DELETE FROM notification.message WHERE order_id = $declined AND kind = 'cancelled';

-- an outcome was told twice: notified_once
INSERT INTO notification.message SELECT * FROM notification.message WHERE order_id = $completed;

-- the wrong outcome was told: notified_once
UPDATE notification.message SET kind = 'cancelled' WHERE order_id = $completed AND kind = 'completed';

-- a charge without an order: services_know_orders
INSERT INTO payment.charge (order_id) VALUES ('22222222-2222-2222-2222-222222222222');

-- an event was not applied by payment: events_applied
DELETE FROM payment.inbox WHERE event_id = (SELECT event_id FROM orders.timeline
    WHERE order_id = $completed AND version = 1);

-- an event was not applied by inventory: events_applied
DELETE FROM inventory.inbox WHERE event_id = (SELECT event_id FROM orders.timeline
    WHERE order_id = $refused AND version = 3);

-- an event was not applied by order: events_applied
DELETE FROM orders.inbox WHERE event_id = (SELECT event_id FROM orders.timeline
    WHERE order_id = $early AND version = 5);

-- an event was not sent: outboxes_empty
INSERT INTO fulfillment.outbox (id, aggregatetype, aggregateid, type, payload, traceparent)
    VALUES (gen_random_uuid(), 'fulfillment', $completed, 'fulfillment.shipped', '{}', '');

-- a call was given up: effects_done
INSERT INTO payment.effect (id, kind, order_id, payload, traceparent, due_at, gave_up_at)
    VALUES (gen_random_uuid(), 'refund', $completed, '{}', '', now(), now());

-- an event was set aside: deadletters_none
INSERT INTO notification.deadletter (outbound, held, topic, reason) VALUES (false, false, 'orders', 'x');

-- a charge is not in the books: ledger
DELETE FROM payment.ledger_posting WHERE order_id = $completed;

-- a refund is not in the books: ledger
DELETE FROM payment.ledger_posting WHERE order_id = $sold_out AND kind = 'refunded';

-- a posting is lost: ledger
DELETE FROM payment.ledger_posting WHERE order_id = $completed AND kind = 'authorized' AND account = 'customer';

-- a charge is in the books in another currency: ledger
UPDATE payment.ledger_transaction SET currency = 'EUR' WHERE order_id = $completed;

-- a refund is in the books in another currency: ledger
UPDATE payment.ledger_transaction SET currency = 'EUR' WHERE order_id = $sold_out AND kind = 'refunded';

-- postings have lost their transaction: ledger
DELETE FROM payment.ledger_transaction WHERE order_id = $refused AND kind = 'captured';

-- captured and never authorized: ledger
DELETE FROM payment.ledger_posting WHERE order_id = $early AND kind = 'authorized';
DELETE FROM payment.ledger_transaction WHERE order_id = $early AND kind = 'authorized';

-- a charge that is stalled is in the books: charges_completed money_total ledger
UPDATE payment.charge SET state = 'stalled' WHERE order_id = $completed;

-- a charge is stalled: charges_cancelled
UPDATE payment.charge SET state = 'stalled', reason = NULL WHERE order_id = $declined;

-- a refund that failed is in the books: charges_cancelled ledger effects_done
UPDATE payment.charge SET state = 'compensation_failed', refunded_minor = 0 WHERE order_id = $sold_out;
INSERT INTO payment.effect (id, kind, order_id, payload, traceparent, due_at, gave_up_at)
    VALUES (gen_random_uuid(), 'refund', $sold_out, '{}', '', now(), now());

-- a refund failed: charges_cancelled effects_done
UPDATE payment.charge SET state = 'compensation_failed', refunded_minor = 0 WHERE order_id = $sold_out;
INSERT INTO payment.effect (id, kind, order_id, payload, traceparent, due_at, gave_up_at)
    VALUES (gen_random_uuid(), 'refund', $sold_out, '{}', '', now(), now());
DELETE FROM payment.ledger_posting WHERE order_id = $sold_out AND kind = 'refunded';
DELETE FROM payment.ledger_transaction WHERE order_id = $sold_out AND kind = 'refunded';

-- a refund failed of a charge that is not in the books: charges_cancelled ledger effects_done
UPDATE payment.charge SET state = 'compensation_failed', refunded_minor = 0 WHERE order_id = $sold_out;
INSERT INTO payment.effect (id, kind, order_id, payload, traceparent, due_at, gave_up_at)
    VALUES (gen_random_uuid(), 'refund', $sold_out, '{}', '', now(), now());
DELETE FROM payment.ledger_posting WHERE order_id = $sold_out;
DELETE FROM payment.ledger_transaction WHERE order_id = $sold_out;

-- a charge of a cancelled order was given up: charges_cancelled effects_done
UPDATE payment.charge SET state = 'compensation_failed', reason = NULL WHERE order_id = $declined;
INSERT INTO payment.effect (id, kind, order_id, payload, traceparent, due_at, gave_up_at)
    VALUES (gen_random_uuid(), 'charge', $declined, '{}', '', now(), now());

-- a charge of a cancelled order was given up and is in the books: charges_cancelled ledger effects_done
UPDATE payment.charge SET state = 'compensation_failed', refunded_minor = 0 WHERE order_id = $sold_out;
INSERT INTO payment.effect (id, kind, order_id, payload, traceparent, due_at, gave_up_at)
    VALUES (gen_random_uuid(), 'charge', $sold_out, '{}', '', now(), now());
DELETE FROM payment.ledger_posting WHERE order_id = $sold_out AND kind = 'refunded';
DELETE FROM payment.ledger_transaction WHERE order_id = $sold_out AND kind = 'refunded';
