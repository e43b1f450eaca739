-- From version 2 to 3: the names in what applications say.

ALTER TABLE flow ADD COLUMN sni TEXT;
ALTER TABLE flow ADD COLUMN host TEXT;
ALTER TABLE flow ADD COLUMN alpn TEXT;
ALTER TABLE flow ADD COLUMN names TEXT;
ALTER TABLE live_flow ADD COLUMN sni TEXT;
ALTER TABLE live_flow ADD COLUMN host TEXT;
ALTER TABLE live_flow ADD COLUMN alpn TEXT;
ALTER TABLE live_flow ADD COLUMN names TEXT;

-- What was asked for by name, in TLS and HTTP/1.
CREATE VIEW flow_by_name AS
SELECT coalesce(sni, host) AS name, app, count(*) AS flows,
	count(DISTINCT client) AS clients,
	sum(up_bytes) AS up_bytes, sum(down_bytes) AS down_bytes
FROM flow WHERE sni IS NOT NULL OR host IS NOT NULL
GROUP BY coalesce(sni, host), app;

PRAGMA user_version = 3;
