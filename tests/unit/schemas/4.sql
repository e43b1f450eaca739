-- Version 4 of db/schema.sql: tests make files of it and migrate them.

PRAGMA application_id = 0x4c454154;	-- "LEAT"
PRAGMA user_version = 4;

-- One row for each start of the daemon.
CREATE TABLE run (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	instance	TEXT NOT NULL,
	version		TEXT NOT NULL,		-- of leatd
	pid		INTEGER NOT NULL,
	started		INTEGER NOT NULL,
	stopped		INTEGER,		-- NULL: runs, or died
	flows		INTEGER NOT NULL DEFAULT 0,	-- rows it wrote to flow
	last_flow	INTEGER NOT NULL DEFAULT 0,	-- flow.id of the last of them
	journal_lost	INTEGER NOT NULL DEFAULT 0,	-- ended, but not recorded
	checkpoint	INTEGER NOT NULL DEFAULT 0,	-- last complete one, 0: none
	checkpointed	INTEGER,			-- when that one began
	checkpoint_flow	INTEGER NOT NULL DEFAULT 0,	-- last flow.id when it began
	waiting		INTEGER NOT NULL DEFAULT 0,	-- ended, to be recorded yet
	gaps_lost	INTEGER NOT NULL DEFAULT 0,	-- declared, but not recorded
	counted		INTEGER,			-- when flows to gaps_lost were true
	conflicts_lost	INTEGER NOT NULL DEFAULT 0	-- likewise of conflicts
) STRICT;

-- What happened to the daemon and to this store.
CREATE TABLE event (
	id		INTEGER PRIMARY KEY,
	run		INTEGER NOT NULL,
	at		INTEGER NOT NULL,
	what		TEXT NOT NULL,
	detail		TEXT NOT NULL
) STRICT;

CREATE INDEX event_at ON event (at);

-- Every policy that was ever active.  A generation is never used twice.
CREATE TABLE policy (
	generation	INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL,		-- where the text came from
	text		TEXT NOT NULL,
	loaded		INTEGER NOT NULL,
	active		INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT;

CREATE UNIQUE INDEX policy_active ON policy (active) WHERE active = 1;

-- One row for each flow that ended.  An id is never used twice and only grows.
CREATE TABLE flow (
	id		INTEGER PRIMARY KEY,
	run		INTEGER NOT NULL,
	flow_id		TEXT NOT NULL,		-- worker:slot:generation
	started		INTEGER NOT NULL,
	ended		INTEGER NOT NULL,
	domain		INTEGER NOT NULL,
	family		INTEGER NOT NULL,	-- 4 or 6
	client		TEXT NOT NULL,
	client_port	INTEGER NOT NULL,
	server		TEXT NOT NULL,
	server_port	INTEGER NOT NULL,
	vlan		TEXT NOT NULL,		-- outermost first, "100.200"
	client_mac	TEXT,
	server_mac	TEXT,
	mode		TEXT NOT NULL,
	rule		TEXT NOT NULL,
	generation	INTEGER NOT NULL,	-- of the policy that decided
	app		TEXT,
	start		TEXT NOT NULL,
	reason		TEXT NOT NULL,
	up_packets	INTEGER NOT NULL,
	up_bytes	INTEGER NOT NULL,
	up_gaps		INTEGER NOT NULL,
	up_gap_bytes	INTEGER NOT NULL,
	down_packets	INTEGER NOT NULL,
	down_bytes	INTEGER NOT NULL,
	down_gaps	INTEGER NOT NULL,
	down_gap_bytes	INTEGER NOT NULL,
	client_srtt	INTEGER,
	client_min_rtt	INTEGER,
	client_retransmits	INTEGER NOT NULL,
	client_out_of_order	INTEGER NOT NULL,
	client_zero_windows	INTEGER NOT NULL,
	server_srtt	INTEGER,
	server_min_rtt	INTEGER,
	server_retransmits	INTEGER NOT NULL,
	server_out_of_order	INTEGER NOT NULL,
	server_zero_windows	INTEGER NOT NULL,
	client_handshake	INTEGER,
	server_handshake	INTEGER,
	client_retransmit_bytes	INTEGER,
	server_retransmit_bytes	INTEGER,
	client_out_of_window	INTEGER,
	server_out_of_window	INTEGER,
	up_goodput	INTEGER,		-- bytes a second
	down_goodput	INTEGER,
	sni		TEXT,
	host		TEXT,
	alpn		TEXT,
	names		TEXT,			-- a JSON object of all others
	up_conflicts	INTEGER NOT NULL DEFAULT 0,
	down_conflicts	INTEGER NOT NULL DEFAULT 0,
	wscale_clamped	INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Rows come in the order of their end, so an index by time costs little.  One by
-- address is written at random places: two of them made the store eight times
-- slower.  Questions about an address read the table, or the part of it that
-- `ended` selects.
CREATE INDEX flow_ended ON flow (ended);
CREATE INDEX flow_interrupted ON flow (run) WHERE reason = 'interrupted';

-- Bytes of a flow that were never seen.
CREATE TABLE gap (
	id		INTEGER PRIMARY KEY,
	flow		INTEGER REFERENCES flow (id) ON DELETE CASCADE, -- NULL: it lives
	run		INTEGER NOT NULL,
	flow_id		TEXT NOT NULL,
	declared	INTEGER NOT NULL,
	direction	TEXT NOT NULL CHECK (direction IN ('up', 'down')),
	offset		INTEGER NOT NULL CHECK (offset >= 0),
	length		INTEGER NOT NULL CHECK (length > 0),
	reason		TEXT NOT NULL
) STRICT;

CREATE INDEX gap_flow ON gap (flow) WHERE flow IS NOT NULL;
CREATE INDEX gap_pending ON gap (flow_id) WHERE flow IS NULL;
CREATE INDEX gap_declared ON gap (declared);

-- Bytes of a flow that came twice and differed.
CREATE TABLE conflict (
	id		INTEGER PRIMARY KEY,
	flow		INTEGER REFERENCES flow (id) ON DELETE CASCADE, -- NULL: it lives
	run		INTEGER NOT NULL,
	flow_id		TEXT NOT NULL,
	seen		INTEGER NOT NULL,
	direction	TEXT NOT NULL CHECK (direction IN ('up', 'down')),
	offset		INTEGER NOT NULL CHECK (offset >= 0),
	length		INTEGER NOT NULL CHECK (length > 0),
	overlap		TEXT NOT NULL,		-- the policy that chose
	was		BLOB NOT NULL,		-- the first of the bytes that came first
	came		BLOB NOT NULL		-- and of those that came later
) STRICT;

CREATE INDEX conflict_flow ON conflict (flow) WHERE flow IS NOT NULL;
CREATE INDEX conflict_flow_id ON conflict (flow_id);
CREATE INDEX conflict_seen ON conflict (seen);

-- Flows alive at a checkpoint.  Only the rows of run.checkpoint count; a
-- checkpoint being written and one being removed stand beside them.
CREATE TABLE live_flow (
	id		INTEGER PRIMARY KEY,
	run		INTEGER NOT NULL,
	checkpoint	INTEGER NOT NULL,
	flow_id		TEXT NOT NULL,
	started		INTEGER NOT NULL,
	seen		INTEGER NOT NULL,	-- when this was true
	domain		INTEGER NOT NULL,
	family		INTEGER NOT NULL,
	client		TEXT NOT NULL,
	client_port	INTEGER NOT NULL,
	server		TEXT NOT NULL,
	server_port	INTEGER NOT NULL,
	vlan		TEXT NOT NULL,
	client_mac	TEXT,
	server_mac	TEXT,
	mode		TEXT NOT NULL,
	rule		TEXT NOT NULL,
	generation	INTEGER NOT NULL,
	app		TEXT,
	start		TEXT NOT NULL,
	up_packets	INTEGER NOT NULL,
	up_bytes	INTEGER NOT NULL,
	up_gaps		INTEGER NOT NULL,
	up_gap_bytes	INTEGER NOT NULL,
	down_packets	INTEGER NOT NULL,
	down_bytes	INTEGER NOT NULL,
	down_gaps	INTEGER NOT NULL,
	down_gap_bytes	INTEGER NOT NULL,
	client_srtt	INTEGER,
	client_min_rtt	INTEGER,
	client_retransmits	INTEGER NOT NULL,
	client_out_of_order	INTEGER NOT NULL,
	client_zero_windows	INTEGER NOT NULL,
	server_srtt	INTEGER,
	server_min_rtt	INTEGER,
	server_retransmits	INTEGER NOT NULL,
	server_out_of_order	INTEGER NOT NULL,
	server_zero_windows	INTEGER NOT NULL,
	client_state	TEXT NOT NULL,
	server_state	TEXT NOT NULL,
	up_held		INTEGER NOT NULL,	-- acknowledged by Leat, not yet
	down_held	INTEGER NOT NULL,	-- by the far end
	client_handshake	INTEGER,
	server_handshake	INTEGER,
	client_retransmit_bytes	INTEGER,
	server_retransmit_bytes	INTEGER,
	client_out_of_window	INTEGER,
	server_out_of_window	INTEGER,
	up_goodput	INTEGER,		-- bytes a second
	down_goodput	INTEGER,
	sni		TEXT,
	host		TEXT,
	alpn		TEXT,
	names		TEXT,
	up_conflicts	INTEGER NOT NULL DEFAULT 0,
	down_conflicts	INTEGER NOT NULL DEFAULT 0,
	wscale_clamped	INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX live_flow_checkpoint ON live_flow (run, checkpoint);

-- The flows alive at the last checkpoint of the daemon that runs now.
CREATE VIEW live AS
SELECT l.*
FROM live_flow l JOIN run r ON r.id = l.run AND r.checkpoint = l.checkpoint
WHERE r.id = (SELECT max(id) FROM run) AND r.stopped IS NULL;

-- Ended flows as a person reads them, newest first.
CREATE VIEW flow_text AS
SELECT f.id, r.instance, f.flow_id,
	strftime('%Y-%m-%d %H:%M:%S', f.started / 1000000, 'unixepoch') AS started,
	strftime('%Y-%m-%d %H:%M:%S', f.ended / 1000000, 'unixepoch') AS ended,
	(f.ended - f.started) / 1e6 AS seconds,
	CASE f.family WHEN 6 THEN '[' || f.client || ']' ELSE f.client END
		|| ':' || f.client_port AS client,
	CASE f.family WHEN 6 THEN '[' || f.server || ']' ELSE f.server END
		|| ':' || f.server_port AS server,
	f.vlan, f.mode, f.rule, f.app, f.start, f.reason,
	f.up_bytes, f.down_bytes, f.up_gap_bytes + f.down_gap_bytes AS gap_bytes
FROM flow f LEFT JOIN run r ON r.id = f.run
ORDER BY f.ended DESC;

CREATE VIEW flow_by_rule AS
SELECT rule, mode, count(*) AS flows,
	sum(up_packets + down_packets) AS packets,
	sum(up_bytes) AS up_bytes, sum(down_bytes) AS down_bytes,
	min(started) AS first, max(ended) AS last
FROM flow GROUP BY rule, mode;

CREATE VIEW flow_by_app AS
SELECT app, count(*) AS flows,
	sum(up_bytes) AS up_bytes, sum(down_bytes) AS down_bytes
FROM flow GROUP BY app;

-- What was asked for by name, in TLS and HTTP/1.
CREATE VIEW flow_by_name AS
SELECT coalesce(sni, host) AS name, app, count(*) AS flows,
	count(DISTINCT client) AS clients,
	sum(up_bytes) AS up_bytes, sum(down_bytes) AS down_bytes
FROM flow WHERE sni IS NOT NULL OR host IS NOT NULL
GROUP BY coalesce(sni, host), app;

CREATE VIEW flow_by_reason AS
SELECT mode, reason, count(*) AS flows, avg(ended - started) / 1e6 AS seconds
FROM flow GROUP BY mode, reason;

-- Clients by what they moved, the largest first.
CREATE VIEW top_talkers AS
SELECT client, count(*) AS flows,
	sum(up_bytes) AS up_bytes, sum(down_bytes) AS down_bytes,
	sum(up_bytes + down_bytes) AS bytes
FROM flow GROUP BY client ORDER BY bytes DESC;

-- Pairs that lose segments, the worst first.
CREATE VIEW retransmitting_pairs AS
SELECT client, server, count(*) AS flows,
	sum(client_retransmits) AS client_retransmits,
	sum(server_retransmits) AS server_retransmits,
	sum(up_packets + down_packets) AS packets
FROM flow
WHERE client_retransmits + server_retransmits > 0
GROUP BY client, server
ORDER BY sum(client_retransmits + server_retransmits) DESC;

-- Tracked flows: the handshake's waits, and what of each stream arrived how fast.
CREATE VIEW flow_path AS
SELECT f.id, f.ended, f.client, f.client_port, f.server, f.server_port, f.rule,
	f.server_handshake, f.client_handshake,
	f.server_srtt, f.client_srtt, f.up_goodput, f.down_goodput,
	f.client_retransmits, f.server_retransmits,
	f.client_out_of_window + f.server_out_of_window AS out_of_window
FROM flow f WHERE f.mode = 'track';

-- Gaps with the flow they are in, once that has ended.
CREATE VIEW flow_gaps AS
SELECT g.flow, f.client, f.client_port, f.server, f.server_port, f.vlan,
	g.declared, g.direction, g.offset, g.length, g.reason
FROM gap g JOIN flow f ON f.id = g.flow;

-- Conflicts with the flow they are in, once that has ended.
CREATE VIEW flow_conflicts AS
SELECT c.flow, f.client, f.client_port, f.server, f.server_port, f.vlan,
	c.seen, c.direction, c.offset, c.length, c.overlap,
	hex(c.was) AS was, hex(c.came) AS came
FROM conflict c JOIN flow f ON f.id = c.flow;

CREATE VIEW gaps_by_hour AS
SELECT strftime('%Y-%m-%d %H:00', declared / 1000000, 'unixepoch') AS hour,
	reason, count(*) AS gaps, sum(length) AS bytes
FROM gap GROUP BY hour, reason;

-- What ended in each hour.
CREATE VIEW flow_by_hour AS
SELECT strftime('%Y-%m-%d %H:00', ended / 1000000, 'unixepoch') AS hour,
	count(*) AS flows, sum(up_bytes) AS up_bytes, sum(down_bytes) AS down_bytes,
	sum(client_retransmits + server_retransmits) AS retransmits
FROM flow GROUP BY hour;

-- Servers by what they moved, the largest first.
CREATE VIEW top_servers AS
SELECT server, server_port, count(*) AS flows, count(DISTINCT client) AS clients,
	sum(up_bytes) AS up_bytes, sum(down_bytes) AS down_bytes,
	sum(up_bytes + down_bytes) AS bytes
FROM flow GROUP BY server, server_port ORDER BY bytes DESC;

-- Is every flow that ended accounted for?  `missing` is what a kill lost.
CREATE VIEW run_account AS
SELECT id AS run, instance,
	strftime('%Y-%m-%d %H:%M:%S', started / 1000000, 'unixepoch') AS started,
	CASE WHEN stopped IS NOT NULL THEN 'stopped'
		WHEN id = (SELECT max(id) FROM run) THEN 'runs or killed' ELSE 'killed' END AS state,
	flows + journal_lost + waiting AS ended, flows AS recorded, journal_lost AS lost,
	waiting AS missing, gaps_lost, conflicts_lost
FROM run;
