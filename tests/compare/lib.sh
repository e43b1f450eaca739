# shellcheck shell=bash
# What the two comparisons stand on: the hosts, the switch and leatd of the system tests, the hop in
# a link, one run of both ends, and its line in the results.

COMPARE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$COMPARE/../system/lib.sh"
. "$COMPARE/../system/leat.sh"
RELAY=$BUILD_DIR/obj/tests/compare/hop	# for link_relay
PLAIN_PORT=8081				# not steered: Linux to Linux by the same bridge
LANES_HOP=128				# as in hop.c

RATE=${RATE:-100}	# Mb/s of a link: what two shared cores carry without being the limit
BULK=${BULK:-4}		# seconds of a bulk transfer
SHORT=${SHORT:-20}	# transfers of 100 KB a run
LANES=${LANES:-4}	# so many at a time
N_RUN=0

compare_settings() { # SIDE: alike for both, and nothing learned from one connection for the next
	in_ns "$1" sysctl -q -w net.ipv4.tcp_rmem="4096 131072 6291456" \
		net.ipv4.tcp_wmem="4096 16384 6291456" net.ipv4.tcp_no_metrics_save=1 \
		net.ipv4.tcp_ecn=2
}

compare_up() {
	leat_begin
	renice -n -10 -p $$ >/dev/null 2>&1	# what else runs here is not to be measured
	# shellcheck disable=SC2119
	chain_up && compare_settings client && compare_settings server && return
	diag "the chain does not start"
	diag "$(cat "$RUN/steer.log" 2>/dev/null)"
	exit 1
}

cpu_of() { # NAME: seconds
	local s
	s=$(cat "/proc/$(pid_of "$1")/stat" 2>/dev/null) || { echo 0; return; }
	s=${s##*) }
	# shellcheck disable=SC2086
	set -- $s
	echo $((${12} + ${13}))
}

# Leat's own record says that it carried the connection, and all of it; or that it saw none.
was_carried() { # STACK DIRECTION
	local column=down_bytes got
	[ "$2" = down ] || column=up_bytes
	if [ "$1" = linux ]; then
		[ "$(sql "SELECT count(*) FROM flow WHERE server_port = $PLAIN_PORT")" = 0 ]
		return
	fi
	got=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["bulk"][0]["bytes"])' "$RUN/ends.json") || return 1
	has_row "server_port = $PROXY_PORT AND client_port = $BASE AND mode = 'proxy' AND $column >= $got"
}

# run_once STACK DIRECTION SEED SPEC ENDS-ARGS...: the hop anew, then both ends; what they say is in
# $RUN/ends.json, what the hop says in $RUN/relay-client.json, CPU time in $RUN/cpu.
run_once() {
	local stack=$1 direction=$2 seed=$3 spec=$4 port=$PROXY_PORT t cpu
	shift 4
	[ "$stack" = leat ] || port=$PLAIN_PORT
	# Ports of its own for each run: nothing of an earlier one is still under way for them.
	BASE=$((10240 + N_RUN * LANES_HOP % 49152))
	N_RUN=$((N_RUN + 1))
	link_relay client --seed "$seed" --up "$spec" --down "$spec" || return 1
	on_client ping -c 1 -W 2 "$SERVER4" >/dev/null || { diag "no path"; return 1; }
	t=$(now_ms) cpu="$(cpu_of leatd) $(cpu_of vswitchd)"
	in_ns client timeout -k 5 "${RUN_LIMIT:-300}" "$COMPARE/ends.py" --server "/run/netns/$NS-server" \
		--address "$SERVER4" --port "$port" --direction "$direction" --base "$BASE" "$@" \
		>"$RUN/ends.json" 2>"$RUN/ends.log" || { diag "$(tail -n 3 "$RUN/ends.log")"; return 1; }
	echo "$(($(now_ms) - t)) $cpu $(cpu_of leatd) $(cpu_of vswitchd) $(getconf CLK_TCK)" >"$RUN/cpu"
	stop relay-client
	wait_for "leatd's record of the connection" 15 was_carried "$stack" "$direction" && return
	diag "the connection to port $port did not go where it should: $(sql \
		"SELECT mode, up_bytes, down_bytes FROM flow ORDER BY id DESC LIMIT 1")"
	return 1
}
