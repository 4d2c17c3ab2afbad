-- migrate:up

-- A dead letter can be replayed: decoded again as it was received, which takes its schema too.
ALTER TABLE @schema@.deadletter
    ADD COLUMN dataschema text,                      -- '': the header was missing; NULL: set aside before this was kept
    ADD COLUMN attempts   int NOT NULL DEFAULT 1,    -- times it was tried and failed; 0 where it only waits behind another
    ADD COLUMN replay_at  timestamptz(3);            -- when its replay was asked for; NULL: it was not
UPDATE @schema@.deadletter SET attempts = 0 WHERE held;
CREATE INDEX deadletter_due ON @schema@.deadletter (id) WHERE replay_at IS NOT NULL;

-- migrate:down
