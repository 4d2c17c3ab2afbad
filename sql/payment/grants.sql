-- What the service may not do to its own tables: the books are only added to.
REVOKE UPDATE, DELETE, TRUNCATE ON payment.ledger_transaction, payment.ledger_posting FROM orderline_payment;
