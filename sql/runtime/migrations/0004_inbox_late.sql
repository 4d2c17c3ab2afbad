-- migrate:up

-- Rows are purged by the age of their events, which their ids tell. An event claimed long after it was made (out of a long
-- outage, or replayed) is kept by the time of its claim instead. NULL, as almost always, takes no room.
ALTER TABLE @schema@.inbox ADD COLUMN late_at timestamptz(3);

-- migrate:down
