-- migrate:up

-- Pieces are counted in thousandths. Names compare by their bytes, here as in C: the order in which stock is locked.
-- The limit of 10^15 pieces keeps every sum far inside bigint.
CREATE TABLE inventory.stock (
    sku      text COLLATE "C" PRIMARY KEY,
    on_hand  bigint NOT NULL CHECK (on_hand BETWEEN 0 AND 1000000000000000000), -- free to reserve
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    shipped  bigint NOT NULL DEFAULT 0 CHECK (shipped >= 0)
) WITH (
    fillfactor = 50,                        -- rewritten all the time, in place
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off
);

CREATE TYPE inventory.reservation_state AS ENUM ('new', 'reserved', 'rejected', 'cancelled', 'released', 'shipped');

-- One row an order, made by whichever of its events comes first; workers/services/inventory_reservation.h tells the states.
CREATE TABLE inventory.reservation (
    order_id   uuid PRIMARY KEY,
    state      inventory.reservation_state NOT NULL DEFAULT 'new',
    lines      json,                        -- what was reserved: one line a SKU
    reason     text,                        -- of a rejection, and the SKU at fault
    sku        text,
    decided_at timestamptz(3),
    CHECK ((lines IS NOT NULL) = (state IN ('reserved', 'released', 'shipped'))),
    CHECK ((reason IS NOT NULL) = (state = 'rejected') AND (sku IS NOT NULL) = (state = 'rejected'))
) WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off
);

CREATE TYPE inventory.movement_kind AS ENUM ('received', 'reserved', 'released', 'shipped');

-- The ledger behind stock: only ever added to, and stock is moved by what is added here (save_reservations). Its index is
-- also the last word on "nothing is reserved, released or shipped twice".
CREATE TABLE inventory.movement (
    order_id uuid,                          -- NULL: goods came in
    sku      text COLLATE "C" NOT NULL,
    kind     inventory.movement_kind NOT NULL,
    quantity bigint NOT NULL,
    at       timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (order_id, sku, kind),
    CHECK ((order_id IS NULL) = (kind = 'received')),
    CHECK (quantity > 0 OR kind = 'received')
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000);

-- migrate:down
