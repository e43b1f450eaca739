-- From version 1 to 2: what a run counts beside its rows, and more questions answered.

ALTER TABLE run ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN gaps_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN counted INTEGER;

CREATE INDEX event_at ON event (at);

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
	waiting AS missing, gaps_lost
FROM run;

PRAGMA user_version = 2;
