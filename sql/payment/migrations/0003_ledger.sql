-- migrate:up

ALTER TABLE payment.charge
    DROP CONSTRAINT charge_check, DROP CONSTRAINT charge_check1, DROP CONSTRAINT charge_check2, DROP CONSTRAINT charge_check3,
    ADD CONSTRAINT charge_currency CHECK ((currency IS NULL) = (state IN ('new', 'cancelled'))),
    ADD CONSTRAINT charge_refund CHECK (refunded_minor = CASE state WHEN 'refunded' THEN amount_minor ELSE 0 END),
    ADD CONSTRAINT charge_lines CHECK ((lines IS NULL) = (state IN ('new', 'cancelled', 'declined'))),
    ADD CONSTRAINT charge_reason CHECK ((reason IS NOT NULL) = (state = 'declined'));
CREATE INDEX charge_compensation_failed ON payment.charge (order_id) WHERE state IN ('stalled', 'compensation_failed');

-- The books: double entry, only ever added to. Each transaction moves an order's amount from one account to another; its key is
-- the last word on "nobody is charged or refunded twice".
CREATE TYPE payment.ledger_kind AS ENUM ('authorized', 'captured', 'refunded');
CREATE TYPE payment.ledger_account AS ENUM ('customer', 'clearing', 'revenue');

CREATE TABLE payment.ledger_transaction (
    order_id uuid NOT NULL,
    kind     payment.ledger_kind NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    at       timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (order_id, kind)
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000);

-- What a transaction adds to an account, in the currency's minor unit. No foreign key: both tables are written by one function,
-- in one statement, and the audit compares them.
CREATE TABLE payment.ledger_posting (
    order_id     uuid NOT NULL,
    kind         payment.ledger_kind NOT NULL,
    account      payment.ledger_account NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (order_id, kind, account)
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000);

-- A statement that adds postings adds whole transactions: what each of them takes from accounts it gives to others.
CREATE FUNCTION payment.ledger_balance() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added AS a GROUP BY a.order_id, a.kind HAVING sum(a.amount_minor) <> 0 OR count(*) < 2) THEN
        RAISE EXCEPTION 'postings of a ledger transaction do not sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_balance AFTER INSERT ON payment.ledger_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION payment.ledger_balance();

-- Charges from before there were books.
INSERT INTO payment.ledger_transaction (order_id, kind, currency, at)
SELECT c.order_id, k.kind::payment.ledger_kind, c.currency, c.decided_at
FROM payment.charge AS c
JOIN (VALUES ('authorized', 'authorized'), ('authorized', 'captured'),
             ('refunded', 'authorized'), ('refunded', 'captured'), ('refunded', 'refunded')) AS k (state, kind)
    ON k.state = c.state::text;
INSERT INTO payment.ledger_posting (order_id, kind, account, amount_minor)
SELECT t.order_id, t.kind, p.account::payment.ledger_account, p.sign * c.amount_minor
FROM payment.ledger_transaction AS t
JOIN payment.charge AS c USING (order_id)
JOIN (VALUES ('authorized', 'customer', -1), ('authorized', 'clearing', 1), ('captured', 'clearing', -1),
             ('captured', 'revenue', 1), ('refunded', 'revenue', -1), ('refunded', 'customer', 1)) AS p (kind, account, sign)
    ON p.kind = t.kind::text;

-- migrate:down
