-- What the service may not do to its own tables: orders and their history are written once, the secret is only read.
REVOKE UPDATE, DELETE, TRUNCATE ON orders.orders, orders.timeline FROM orderline_orders;
REVOKE DELETE, TRUNCATE ON orders.progress FROM orderline_orders;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON orders.secret FROM orderline_orders;
