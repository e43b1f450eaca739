-- From version 4 to 5: how it is known which end is the client.

ALTER TABLE flow ADD COLUMN roles TEXT;
ALTER TABLE live_flow ADD COLUMN roles TEXT;

PRAGMA user_version = 5;
