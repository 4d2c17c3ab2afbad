-- migrate:up

-- Charges by a gateway that is called: see workers/services/payment_charge.h. Apart from 0003, since a value of an enum can be
-- used only once its transaction is committed.
ALTER TYPE payment.charge_state ADD VALUE 'charging';
ALTER TYPE payment.charge_state ADD VALUE 'cancelling';
ALTER TYPE payment.charge_state ADD VALUE 'stalled';
ALTER TYPE payment.charge_state ADD VALUE 'refunding';
ALTER TYPE payment.charge_state ADD VALUE 'compensation_failed';

-- migrate:down
