# shellcheck shell=bash
# The three acts: what the demo plays and acts.test checks. After leat.sh. Each calls
#	see WHAT SHOULD_BE IS
# for everything that can be seen, and goes on after a difference.

act_data() {
	mkdir -p "$RUN/www"
	make_data "$RUN/www/256M" 256M web
	make_data "$RUN/www/64M" 64M tls
	make_data "$RUN/up" 4M up
	make_data "$RUN/down" 32M down
	nginx_up "$PROXY_PORT" "ssl:$TRACK_PORT"
}

# The client's MAC as the server sees it, from the first SYN of a capture.
syn_mac() { # NAME PORT
	tcpdump -e -n -r "$RUN/$1.pcap" "dst port $2 and tcp[tcpflags] & tcp-syn != 0" 2>/dev/null |
		head -n 1 | cut -d' ' -f2
}

has_syn() { [ -n "$(syn_mac "$@")" ]; }

# held_fetch NAME URL: as fetch, but half of it is read slowly until $RUN/NAME.go is there: what looks at
# the flow meanwhile finds it. The hash is left in $RUN/NAME.hash.
held_fetch() {
	on_client curl -sS -k --noproxy '*' --max-time 600 "$2" 2>"$RUN/$1.err" |
		"$LIB_DIR/patient.py" sip 33554432 "$RUN/$1.go" | hash_of >"$RUN/$1.hash"
}

act_proxy() {
	local pid hash
	capture_up proxy-server server "tcp port $PROXY_PORT and tcp[tcpflags] & tcp-syn != 0"
	held_fetch proxy "http://$SERVER4:$PROXY_PORT/256M" &
	pid=$!
	wait_for "the flow is listed" 60 flow_lives "$PROXY_PORT"
	ctl flow list >"$RUN/proxy.flows" 2>&1
	see "mode and rule of the flow while it runs" "proxy web" \
		"$(flow_value mode "$PROXY_PORT") $(flow_value rule "$PROXY_PORT")"
	see "state of both legs" "established established" \
		"$(flow_value client_state "$PROXY_PORT") $(flow_value server_state "$PROXY_PORT")"
	see "bytes so far are counted" yes \
		"$([ "$(flow_value down_bytes "$PROXY_PORT")" -gt 0 ] && echo yes)"
	see "both legs have a round-trip time" yes \
		"$([ "$(flow_value client_srtt "$PROXY_PORT")" -gt 0 ] 2>/dev/null &&
			[ "$(flow_value server_srtt "$PROXY_PORT")" -gt 0 ] && echo yes)"
	touch "$RUN/proxy.go"
	wait "$pid"
	hash=$(cat "$RUN/proxy.hash" "$RUN/proxy.err")
	wait_for "the SYN is captured" 60 has_syn proxy-server "$PROXY_PORT"
	stop proxy-server INT
	see "hash of the 256 MB that arrived" "$(hash_file "$RUN/www/256M")" "$hash"
	see "client's address in nginx's log" "$CLIENT4" \
		"$(awk '/256M/ { print $1 }' "$RUN/nginx/access.log" | tail -n 1)"
	see "client's MAC in a capture at the server" "$CLIENT_MAC" "$(syn_mac proxy-server "$PROXY_PORT")"
	ended "server_port = $PROXY_PORT AND mode = 'proxy'"
	see "the ended flow in the database" "proxy web fin" \
		"$(last_flow "mode || ' ' || rule || ' ' || reason" "$PROXY_PORT")"
}

act_track() {
	local pid
	held_fetch track "https://$SERVER4:$TRACK_PORT/64M" &
	pid=$!
	wait_for "the flow is listed" 60 flow_lives "$TRACK_PORT"
	ctl flow list >"$RUN/track.flows" 2>&1
	see "mode and rule of the flow while it runs" "track tls" \
		"$(flow_value mode "$TRACK_PORT") $(flow_value rule "$TRACK_PORT")"
	see "state of both ends" "established established" \
		"$(flow_value client_state "$TRACK_PORT") $(flow_value server_state "$TRACK_PORT")"
	touch "$RUN/track.go"
	wait "$pid"
	see "hash of the 64 MB that arrived by TLS" "$(hash_file "$RUN/www/64M")" \
		"$(cat "$RUN/track.hash" "$RUN/track.err")"
	ended "server_port = $TRACK_PORT AND mode = 'track'"
	see "the ended flow in the database" "track tls fin" \
		"$(last_flow "mode || ' ' || rule || ' ' || reason" "$TRACK_PORT")"
	see "more bytes than the file were followed" yes \
		"$([ "$(last_flow down_bytes "$TRACK_PORT")" -gt 67108864 ] && echo yes)"
}

# Both directions at once: the client sends 4 MB, the server 32 MB.
talk_passive() {
	local want got
	rm -f "$RUN/mail.log"
	spawn mail nsenter --net="/run/netns/$NS-server" "$PEER" listen "$PASSIVE_PORT" both "$RUN/down"
	wait_for "the server listens" 60 grep -q listening "$RUN/mail.log"
	want="{\"bytes\": 33554432, \"sha256\": \"$(hash_file "$RUN/down")\"}"
	got=$(on_client timeout 300 "$PEER" connect "$SERVER4" "$PASSIVE_PORT" both "$RUN/up" 2>&1)
	see "what the client got" "$want" "$got"
	wait_for "the server ends" 60 not_running mail
	want="{\"bytes\": 4194304, \"sha256\": \"$(hash_file "$RUN/up")\"}"
	see "what the server got" "$want" "$(tail -n 1 "$RUN/mail.log")"
}

# What is copied to a tap has one chance: while leatd has no turn on a busy machine the switch drops it,
# and counts it. Such a talk says nothing of what leatd makes of the rest, and is held once more; as is one
# whose FIN was among what was dropped on purpose, for that has no end. $RUN/fault.now: what was dropped
# on purpose of this talk.
tap_dropped() {
	ofctl dump-ports br0 leat-tap | sed -n 's/.*tx pkts=.*drop=\([0-9]*\),.*/\1/p'
}
last_id() { sql "SELECT ifnull(max(id), 0) FROM flow"; }
whole_talk() {
	local before after id lines try
	touch "$RUN/fault.log"
	for try in 1 2 3 4 5 6 7 8 9 10; do
		rm -rf "$RUN/streams"/*
		before=$(tap_dropped) id=$(last_id) lines=$(wc -l <"$RUN/fault.log")
		"$@"
		ended "server_port = $PASSIVE_PORT AND mode = 'passive' AND id > $id" || continue
		tail -n "+$((lines + 1))" "$RUN/fault.log" >"$RUN/fault.now"
		after=$(tap_dropped)
		[ "$before" != "$after" ] || break
		note "the switch dropped copies, time $try: $before before, $after after"
	done
}

# Frames the switch received from leat-tap, asked of the switch itself: the database's are 5 s old.
tap_sent() {
	ofctl dump-ports br0 leat-tap | sed -n 's/.*rx pkts=\([0-9]*\),.*/\1/p'
}

act_passive() {
	whole_talk talk_passive
	see "hashes of both reassembled streams" "$(hash_file "$RUN/up") $(hash_file "$RUN/down")" \
		"$(hash_file "$(stream_file "$PASSIVE_PORT" up)") $(hash_file "$(stream_file "$PASSIVE_PORT" down)")"
	see "gaps reported" "0 0" "$(last_flow "up_gaps || ' ' || down_gaps" "$PASSIVE_PORT")"
	see "frames that leatd sent on the tap" 0 "$(tap_sent)"
}

has_fin() { # CAPTURE
	tcpdump -n -r "$RUN/$1.pcap" 'tcp[tcpflags] & tcp-fin != 0' 2>/dev/null | grep -q .
}

# leatd runs with --fault tap:loss=1%,...,log=$RUN/fault.log; captures at both ends tell what was sent
# more than once, and the log what was dropped each time.
captured_talk() {
	capture_up tap-client client --immediate-mode -B 65536 -Q out "tcp port $PASSIVE_PORT"
	capture_up tap-server server --immediate-mode -B 65536 -Q out "tcp port $PASSIVE_PORT"
	talk_passive
	wait_for "the captures end with a FIN" 60 has_fin tap-client
	wait_for "the captures end with a FIN" 60 has_fin tap-server
	stop tap-client INT
	stop tap-server INT
}
act_passive_with_loss() {
	whole_talk captured_talk
	see "frames were dropped on purpose" yes "$([ -s "$RUN/fault.now" ] && echo yes)"
	for way in up down; do
		see "gaps $way are what was dropped and never came again, the rest is equal" equal \
			"$("$LIB_DIR/gaps.py" "$RUN" "$PASSIVE_PORT" $way "$(stream_file "$PASSIVE_PORT" $way)" 2>&1)"
	done
	see "frames that leatd sent on the tap" 0 "$(tap_sent)"
}
