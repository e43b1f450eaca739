-- From version 2 to 3: what is measured of tracked flows, and the names in what applications say.

ALTER TABLE flow ADD COLUMN client_handshake INTEGER;
ALTER TABLE flow ADD COLUMN server_handshake INTEGER;
ALTER TABLE flow ADD COLUMN client_retransmit_bytes INTEGER;
ALTER TABLE flow ADD COLUMN server_retransmit_bytes INTEGER;
ALTER TABLE flow ADD COLUMN client_out_of_window INTEGER;
ALTER TABLE flow ADD COLUMN server_out_of_window INTEGER;
ALTER TABLE flow ADD COLUMN up_goodput INTEGER;
ALTER TABLE flow ADD COLUMN down_goodput INTEGER;
ALTER TABLE live_flow ADD COLUMN client_handshake INTEGER;
ALTER TABLE live_flow ADD COLUMN server_handshake INTEGER;
ALTER TABLE live_flow ADD COLUMN client_retransmit_bytes INTEGER;
ALTER TABLE live_flow ADD COLUMN server_retransmit_bytes INTEGER;
ALTER TABLE live_flow ADD COLUMN client_out_of_window INTEGER;
ALTER TABLE live_flow ADD COLUMN server_out_of_window INTEGER;
ALTER TABLE live_flow ADD COLUMN up_goodput INTEGER;
ALTER TABLE live_flow ADD COLUMN down_goodput INTEGER;

CREATE VIEW flow_path AS
SELECT f.id, f.ended, f.client, f.client_port, f.server, f.server_port, f.rule,
	f.server_handshake, f.client_handshake,
	f.server_srtt, f.client_srtt, f.up_goodput, f.down_goodput,
	f.client_retransmits, f.server_retransmits,
	f.client_out_of_window + f.server_out_of_window AS out_of_window
FROM flow f WHERE f.mode = 'track';

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
