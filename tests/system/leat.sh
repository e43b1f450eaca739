# shellcheck shell=bash
# leatd and leatctl as the tests and the demo use them: after lib.sh. All that depends on the names
# leatd gives to files, columns and log lines is here and nowhere else.

PROXY_PORT=8080 UPLOAD_PORT=8090 TALK_PORT=8091 CLOSED_PORT=8095 TRACK_PORT=8443 PASSIVE_PORT=8082
PEER=$LIB_DIR/peer.py

leat_begin() {
	begin
	if [ ! -x "$LEATD" ] || [ ! -x "$LEATCTL" ]; then
		skip "${0##*/}" "no $LEATD and $LEATCTL"
		exit 0
	fi
}

write_policy() { # FILE
	local inline="{ $PROXY_PORT $UPLOAD_PORT $TALK_PORT $CLOSED_PORT $TRACK_PORT }"
	cat >"$1" <<-END
	steer inline: bridge br0 client p1 server p2 proto tcp port $inline via leat-a leat-b next normal fail open
	steer mirror: bridge br0 client p1 server p2 proto tcp port $PASSIVE_PORT copy to leat-tap next normal
	rule web: proxy proto tcp port { $PROXY_PORT $UPLOAD_PORT $TALK_PORT $CLOSED_PORT } { log }
	rule tls: track proto tcp port $TRACK_PORT { log }
	rule mail: passive proto tcp port $PASSIVE_PORT { sink files "$RUN/streams" }
	default pass
	END
}

# leatd_up [ARGS...]: starts it, and waits until it says it is ready and the switch has its ports.
leatd_up() {
	local mtu=
	[ "$LINK_MTU" -le 1600 ] || mtu=,mtu=$LINK_MTU
	mkdir -p "$RUN/leat" "$RUN/streams"
	[ -e "$RUN/policy" ] || write_policy "$RUN/policy"
	spawn leatd "$LEATD" --name t --run-dir "$RUN/leat" --db "$RUN/leat.db" --policy "$RUN/policy" \
		--port "a=vhost:$(sock leat-a)$mtu" --port "b=vhost:$(sock leat-b)$mtu" \
		--port "tap=vhost:$(sock leat-tap),copy" --pair a:b --workers "${WORKERS:-1}" \
		--socket-mem "${LEAT_MEM:-256}" --ovs-db "$OVS_DIR/db.sock" "$@" || return 1
	wait_for "leat's ports are up" 60 leat_ports_live || { leatd_says; return 1; }
	wait_for "leatd is ready" 60 leatd_ready || { leatd_says; return 1; }
}
leatd_says() { tail -n 20 "$RUN/leatd.log" | sed 's/^/# leatd: /'; }
leatd_ready() { ctl status | grep -qi ready; }
ctl() { "$LEATCTL" -s "$RUN/leat/t.ctl" "$@"; }
leatd_down() { stop leatd TERM; }

# sql QUERY: of leatd's database, which it goes on writing.
sql() { sqlite3 -readonly -cmd '.timeout 60000' "$RUN/leat.db" "$1"; }
has_row() { [ "$(sql "SELECT count(*) FROM flow WHERE $1")" -gt 0 ]; }
# ended WHERE...: waits until such a flow is in the database.
ended() { wait_for "an ended flow with $1" 60 has_row "$1"; }
last_flow() { # COLUMN PORT
	sql "SELECT $1 FROM flow WHERE server_port = $2 ORDER BY id DESC LIMIT 1"
}

# flow_value COLUMN PORT: of the flow to that port in the latest list. One list serves a whole look:
# the flow may be over before the next.
flow_value() {
	python3 -c '
import json, sys
column, port, path = sys.argv[1:]
for flow in json.load(open(path)):
	if str(flow["server"]).endswith(":" + port):
		print(flow[column])
		break
' "$1" "$2" "$RUN/flows.json" 2>/dev/null
}
flow_lives() { # PORT: and carries data both ways that somebody acknowledged
	local rtt
	ctl -f json flow list >"$RUN/flows.json" 2>/dev/null || return 1
	rtt=$(flow_value client_srtt "$1")
	[ "${rtt:-None}" != None ] && [ "$(flow_value down_bytes "$1")" -gt 0 ]
}

# stream_file PORT up|down: the sink's file of that direction, FLOWID-CLIENT.PORT-SERVER.PORT.c2s or
# .s2c, of the newest flow to that port; its gaps are in the file that ends in .gaps.
stream_file() {
	local suffix=c2s
	[ "$2" = up ] || suffix=s2c
	find "$RUN/streams" -name "*.$1.$suffix" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

# The whole chain: what every test but the first needs.
chain_up() {
	switch_up && hosts_up && leat_ports_up && leatd_up "$@" && ctl steer apply >"$RUN/steer.log" 2>&1
}

# wire_up: without a switch, a host on each side of leatd's namespace, whose ports are c0 and s0.
wire_up() {
	local side sw
	netns_add switch && netns_add client && netns_add server || return 1
	for side in client server; do
		sw=$(side_if $side)
		on_switch ip link add "$sw" mtu 1600 type veth peer name eth0 netns "$NS-$side" || return 1
		on_switch sysctl -q -w "net.ipv6.conf.$sw.disable_ipv6=1"
		on_switch ip link set "$sw" promisc on up
		offloads_off switch "$sw"
		host_address $side || return 1
	done
}
