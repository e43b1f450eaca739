-- From version 3 to 4: bytes that came twice and differed.

ALTER TABLE run ADD COLUMN conflicts_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flow ADD COLUMN up_conflicts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flow ADD COLUMN down_conflicts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flow ADD COLUMN wscale_clamped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE live_flow ADD COLUMN up_conflicts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE live_flow ADD COLUMN down_conflicts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE live_flow ADD COLUMN wscale_clamped INTEGER NOT NULL DEFAULT 0;

CREATE TABLE conflict (
	id		INTEGER PRIMARY KEY,
	flow		INTEGER REFERENCES flow (id) ON DELETE CASCADE,
	run		INTEGER NOT NULL,
	flow_id		TEXT NOT NULL,
	seen		INTEGER NOT NULL,
	direction	TEXT NOT NULL CHECK (direction IN ('up', 'down')),
	offset		INTEGER NOT NULL CHECK (offset >= 0),
	length		INTEGER NOT NULL CHECK (length > 0),
	overlap		TEXT NOT NULL,
	was		BLOB NOT NULL,
	came		BLOB NOT NULL
) STRICT;

CREATE INDEX conflict_flow ON conflict (flow) WHERE flow IS NOT NULL;
CREATE INDEX conflict_flow_id ON conflict (flow_id);
CREATE INDEX conflict_seen ON conflict (seen);

CREATE VIEW flow_conflicts AS
SELECT c.flow, f.client, f.client_port, f.server, f.server_port, f.vlan,
	c.seen, c.direction, c.offset, c.length, c.overlap,
	hex(c.was) AS was, hex(c.came) AS came
FROM conflict c JOIN flow f ON f.id = c.flow;

DROP VIEW run_account;
CREATE VIEW run_account AS
SELECT id AS run, instance,
	strftime('%Y-%m-%d %H:%M:%S', started / 1000000, 'unixepoch') AS started,
	CASE WHEN stopped IS NOT NULL THEN 'stopped'
		WHEN id = (SELECT max(id) FROM run) THEN 'runs or killed' ELSE 'killed' END AS state,
	flows + journal_lost + waiting AS ended, flows AS recorded, journal_lost AS lost,
	waiting AS missing, gaps_lost, conflicts_lost
FROM run;

PRAGMA user_version = 4;
