-- What the service may not do to its own tables: the ledger is only added to.
REVOKE UPDATE, DELETE, TRUNCATE ON inventory.movement FROM orderline_inventory;
