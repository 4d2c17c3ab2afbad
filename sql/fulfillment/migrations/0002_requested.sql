-- migrate:up

-- The carrier has been asked and takes its time: the question waits in table effect.
ALTER TYPE fulfillment.shipment_state ADD VALUE 'requested' AFTER 'new';

-- migrate:down
