# shellcheck shell=bash
# What the system tests and the demo stand on: a private run folder, a private Open vSwitch with DPDK
# in a network namespace of its own, a client and a server in two more, and the certainty that all
# of it goes away again. Everything made is written down in the run folder before it is made, so that
# the next run can sweep what a killed one left behind. Nothing is ever killed by name.
#
#	client ns                 switch ns                          server ns
#	  eth0 ──── veth ──── c0 ═ p1 ┌──────┐ p2 ═ s0 ──── veth ──── eth0
#	                              │ br0  │
#	            leat-a, leat-b, leat-tap (vhost-user, sockets in the run folder)
#
# With link_relay, a relay process in a fourth namespace stands in one of the two veth links.

set -u
export LC_ALL=C

LIB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Where the programs are: tests/run and make say so; by hand it is the folder one stands in.
BUILD_DIR=${LEAT_BUILDDIR:-$PWD}
TOOLS=$BUILD_DIR/obj/tests/system
LEATD=${LEATD:-$BUILD_DIR/leatd}
LEATCTL=${LEATCTL:-$BUILD_DIR/leatctl}
RELAY=$TOOLS/relay
VSWITCHD=${VSWITCHD:-/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk}
RUN_BASE=${LEAT_RUN_DIR:-/tmp}
OVS_PAGES=${OVS_PAGES:-700}	# 2 MB pages for the switch: 512 MB asked for, and mbuf pools
LEAT_PAGES=${LEAT_PAGES:-160}	# and for leatd

CLIENT4=10.77.0.1 SERVER4=10.77.0.2
CLIENT6=fd77::1 SERVER6=fd77::2
# Of the links between hosts and switch and of Leat's ports: 1500, with room for tags. DPDK's af_packet
# ports can't have more: for that p1 and p2 are veth interfaces themselves, and slower.
LINK_MTU=${LINK_MTU:-1600}
CLIENT_MAC=02:4c:45:00:00:01 SERVER_MAC=02:4c:45:00:00:02

RUN='' NFAIL=0 NOK=0 NSKIP=0

# --- results -----------------------------------------------------------------------------------

ok() { NOK=$((NOK + 1)); echo "ok - $*"; }
not_ok() {
	NFAIL=$((NFAIL + 1))
	echo "not ok - $*"
	[ "$NFAIL" -gt 4 ] || witnesses
}
skip() { NSKIP=$((NSKIP + 1)); echo "ok - $1 # SKIP ${2:-}"; }
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }
note() { diag "$(printf '%6.1f' "$(since_start)") $*"; }

# What the machine and the daemons were at, for who reads of a failure that may not come again.
witnesses() {
	local log
	note "load $(cut -d' ' -f1-3 /proc/loadavg), it is $(date -u +%T)"
	[ -n "$RUN" ] || return 0
	for log in "$RUN"/leatd*.log "$RUN"/vswitchd.log; do
		[ ! -s "$log" ] || grep '|' "$log" | tail -n 5 | cut -c 1-180 | sed "s/^/#   ${log##*/}: /"
	done
}

# check NAME CMD...: ok if CMD succeeds; what it printed is shown if it does not.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name"
		diag "failed: $*"
		[ -z "$out" ] || diag "$out"
		return 1
	fi
}

# expect NAME WANT GOT
expect() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "wanted: $2"
		diag "got:    $3"
		return 1
	fi
}

finish() {
	[ "$NFAIL" -eq 0 ]
	exit
}

now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
since_start() { awk -v a="$(now_ms)" -v b="$START_MS" 'BEGIN { print (a - b) / 1000 }'; }
START_MS=$(now_ms)

# wait_for DESC TIMEOUT_S CMD...: polls CMD until it succeeds. The limit is there for what will never
# come, not for what is slow: how long things take is for notes and benchmarks.
wait_for() {
	local desc=$1 limit=$2 end
	shift 2
	end=$(($(now_ms) + limit * 1000))
	until "$@" >/dev/null 2>&1; do
		if [ "$(now_ms)" -ge "$end" ]; then
			diag "not within $limit s: $desc"
			return 1
		fi
		sleep 0.05
	done
}

# --- what was made is written down --------------------------------------------------------------

start_time() { # of a process, in clock ticks since boot; nothing if it is gone
	local s
	s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	s=${s##*) }
	# shellcheck disable=SC2086
	set -- $s
	[ "$1" != Z ] || return 1
	echo "${20}"
}

same_process() { [ -n "$2" ] && [ "$(start_time "$1")" = "$2" ]; }

record() { echo "${*:2}" >>"$RUN/made.$1"; }

# spawn NAME CMD...: in the background, its output in $RUN/NAME.log, its pid in $RUN/NAME.pid.
# The wrapper records the pid before it becomes CMD, so a kill between the two loses nothing.
spawn() {
	local name=$1
	shift
	rm -f "$RUN/$name.pid"
	# shellcheck disable=SC2016
	bash -c '
		name=$1; shift
		read -r -a s < <(sed "s/.*) //" /proc/$$/stat)
		echo "$$ ${s[19]} $name" >>"$RUN/made.process"
		echo "$$" >"$RUN/$name.pid"
		exec "$@"' spawn "$name" "$@" </dev/null >>"$RUN/$name.log" 2>&1 &
	disown $!
	wait_for "$name starts" 60 test -s "$RUN/$name.pid"
}

pid_of() { cat "$RUN/$1.pid"; }
running() { start_time "$(pid_of "$1")" >/dev/null; }
not_running() { ! running "$1"; }
gone() { ! same_process "$1" "$2"; }

# stop NAME [SIGNAL]: and wait until it is gone; a minute after a milder signal comes KILL.
stop() {
	local pid t
	[ -s "$RUN/$1.pid" ] || return 0
	pid=$(pid_of "$1")
	t=$(start_time "$pid") || return 0
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	wait_for "$1 ends" 60 gone "$pid" "$t" || kill -KILL "$pid" 2>/dev/null
	wait_for "$1 ends" 60 gone "$pid" "$t"
}

kill_recorded() { # FOLDER
	local pid t name ns
	[ -e "$1/made.process" ] || return 0
	tac "$1/made.process" | while read -r pid t name; do
		same_process "$pid" "$t" || continue
		kill -TERM "$pid" 2>/dev/null
		wait_for "$name ends" 3 gone "$pid" "$t" >/dev/null || kill -KILL "$pid" 2>/dev/null
		wait_for "$name ends" 5 gone "$pid" "$t"
	done
	# What the recorded processes started in our namespaces (nginx workers, forked servers).
	[ -e "$1/made.netns" ] || return 0
	while read -r ns; do
		for pid in $(ip netns pids "$ns" 2>/dev/null); do
			kill -KILL "$pid" 2>/dev/null
		done
	done <"$1/made.netns"
}

# Takes away all that the records of a run folder name, the folder last.
undo_folder() { # FOLDER
	local x
	kill_recorded "$1"
	if [ -e "$1/made.netns" ]; then
		while read -r x; do ip netns del "$x" 2>/dev/null; done <"$1/made.netns"
	fi
	if [ -e "$1/made.mount" ]; then
		while read -r x; do umount -l "$x" 2>/dev/null; done <"$1/made.mount"
	fi
	if [ -e "$1/made.pages" ]; then
		pages_give_back "$(awk '{ n += $1 } END { print n + 0 }' "$1/made.pages")"
	fi
	rm -rf "$1"
}

sweep() { # what dead runs left
	local d pid t
	for d in "$RUN_BASE"/leat-run.*; do
		[ -d "$d" ] || continue
		read -r pid t 2>/dev/null <"$d/owner" || { pid=0 t=''; }
		# A folder without an owner was made a moment ago, or its maker died in that moment.
		[ "$pid" != 0 ] || [ -n "$(find "$d" -maxdepth 0 -mmin +1)" ] || continue
		same_process "$pid" "$t" && continue
		diag "sweeping $d, left by a run that was killed"
		undo_folder "$d"
	done
}

keep_logs() {
	[ -n "${LEAT_KEEP_LOGS:-}" ] && [ -d "$RUN" ] || return 0
	mkdir -p "$LEAT_KEEP_LOGS"
	cp -r "$RUN"/*.log "$LEAT_KEEP_LOGS" 2>/dev/null
	diag "logs are in $LEAT_KEEP_LOGS"
}

cleanup() { # EXIT STATUS
	trap - EXIT
	[ "$1" = 0 ] || keep_logs
	trap '' INT TERM HUP
	cd /
	[ -z "$RUN" ] || undo_folder "$RUN"
	RUN=''
}

# begin: sweeps, makes the run folder, and sees to its end.
begin() {
	[ "$(id -u)" = 0 ] || { skip "${0##*/}" "needs root"; exit 0; }
	[ -x "$VSWITCHD" ] || { skip "${0##*/}" "no $VSWITCHD (package openvswitch-switch-dpdk)"; exit 0; }
	mkdir -p "$RUN_BASE"
	sweep
	RUN=$(mktemp -d "$RUN_BASE/leat-run.XXXXXX") || exit 1
	echo "$$ $(start_time $$)" >"$RUN/owner"
	export RUN
	trap 'cleanup $?' EXIT
	trap 'exit 130' INT TERM HUP
	NS=leat-$$
	OVS_DIR=$RUN/ovs
	DB=unix:$OVS_DIR/db.sock
	mkdir "$OVS_DIR"
}

# --- memory ------------------------------------------------------------------------------------

PAGES_FILE=/proc/sys/vm/nr_hugepages

pages_free() { awk '/HugePages_Free/ { print $2 }' /proc/meminfo; }

pages_add() { # N: one run at a time, so that two runs do not both count on the same free pages
	local want try
	want=$(($(cat $PAGES_FILE) + $1))
	record pages "$1"
	for try in 1 2 3 4 5; do
		echo "$want" >$PAGES_FILE
		[ "$(cat $PAGES_FILE)" -lt "$want" ] || return 0
		diag "hugepages, time $try: $(cat $PAGES_FILE) of $want"
		echo 1 2>/dev/null >/proc/sys/vm/compact_memory # what is free may be in small pieces
	done
	return 1
}

pages_give_back() { # N
	(
		flock 9
		n=$(($(cat $PAGES_FILE) - $1))
		echo $((n > 0 ? n : 0)) >$PAGES_FILE
	) 9>/tmp/leat-hugepages.lock
}

memory_up() {
	local need=$((OVS_PAGES + LEAT_PAGES))
	exec 9>/tmp/leat-hugepages.lock
	flock 9
	pages_add "$need" || { exec 9>&-; skip "${0##*/}" "no $need hugepages of 2 MB to be had"; exit 0; }
	exec 9>&-
}

# --- the switch --------------------------------------------------------------------------------

netns_add() { # KIND
	record netns "$NS-$1"
	ip netns add "$NS-$1" && nsenter --net="/run/netns/$NS-$1" ip link set lo up
}

in_ns() { # KIND CMD...
	local ns=$NS-$1
	shift
	nsenter --net="/run/netns/$ns" "$@"
}
on_client() { in_ns client "$@"; }
on_server() { in_ns server "$@"; }
on_switch() { in_ns switch "$@"; }

vsctl() { ovs-vsctl --db="$DB" --timeout=60 "$@"; }
# ofctl COMMAND BRIDGE ARGS...: the bridge's socket is named, never guessed from a default folder.
ofctl() {
	local cmd=$1 br=$2
	shift 2
	ovs-ofctl -O OpenFlow15 --timeout=60 "$cmd" "unix:$OVS_DIR/$br.mgmt" "$@"
}
switch_ctl() { ovs-appctl --timeout=60 -t "$OVS_DIR/vswitchd.ctl" "$@"; }

ovsdb_up() {
	ovsdb-tool create "$OVS_DIR/conf.db" /usr/share/openvswitch/vswitch.ovsschema || return 1
	spawn ovsdb ovsdb-server "$OVS_DIR/conf.db" --remote="p$DB" \
		--unixctl="$OVS_DIR/ovsdb.ctl" -vconsole:warn -vsyslog:off || return 1
	wait_for "ovsdb-server answers" 60 ovs-vsctl --db="$DB" --no-wait --timeout=10 init
}

vswitchd_up() {
	export OVS_RUNDIR=$OVS_DIR OVS_LOGDIR=$OVS_DIR OVS_DBDIR=$OVS_DIR
	rm -f "$OVS_DIR/vswitchd.ctl"
	spawn vswitchd nsenter --net="/run/netns/$NS-switch" "$VSWITCHD" "$DB" \
		--unixctl="$OVS_DIR/vswitchd.ctl" -vconsole:info -vsyslog:off || return 1
	unset OVS_RUNDIR OVS_LOGDIR OVS_DBDIR
	wait_for "DPDK is up in the switch" 60 dpdk_up || return 1
	# Without --no-wait the tool comes back when the switch has taken up all of its configuration.
	vsctl set Open_vSwitch . "external_ids:started=$(now_ms)"
}
dpdk_up() { [ "$(vsctl --no-wait get Open_vSwitch . dpdk_initialized)" = true ]; }

switch_up() {
	memory_up
	netns_add switch && netns_add client && netns_add server && netns_add relay || return 1
	ovsdb_up || return 1
	vsctl --no-wait set Open_vSwitch . \
		other_config:dpdk-init=true other_config:dpdk-socket-mem=512 \
		other_config:dpdk-extra="--no-pci --in-memory --file-prefix=ovs-$$" \
		other_config:pmd-maxsleep=100 other_config:vlan-limit=2 || return 1
	vswitchd_up || { tail -5 "$RUN/vswitchd.log" | sed 's/^/# /'; return 1; }
	# Which port a host is at is learned once, and not forgotten before a slow test's end.
	vsctl add-br br0 -- set bridge br0 datapath_type=netdev fail-mode=standalone \
		other_config:mac-aging-time=3600
}

# --- hosts -------------------------------------------------------------------------------------

offloads_off() { # NS IFNAME
	in_ns "$1" ethtool -K "$2" rx off tx off sg off tso off gso off gro off >/dev/null 2>&1
	in_ns "$1" ethtool -K "$2" rxvlan off txvlan off \
		rx-vlan-stag-hw-parse off tx-vlan-stag-hw-insert off >/dev/null 2>&1
	return 0
}

host_address() { # client|server
	local a4=$CLIENT4 a6=$CLIENT6 mac=$CLIENT_MAC
	[ "$1" = client ] || { a4=$SERVER4 a6=$SERVER6 mac=$SERVER_MAC; }
	in_ns "$1" ip link set eth0 down
	in_ns "$1" ip link set eth0 address "$mac" mtu 1500
	offloads_off "$1" eth0
	in_ns "$1" ip addr replace "$a4/24" dev eth0
	in_ns "$1" ip link set eth0 up
	in_ns "$1" ip addr replace "$a6/64" dev eth0 nodad
	# One congestion control whatever the machine's default. Not by sysctl: a namespace may only
	# choose from what the host allows everyone.
	in_ns "$1" ip route replace 10.77.0.0/24 dev eth0 src "$a4" congctl cubic
	in_ns "$1" ip -6 route replace fd77::/64 dev eth0 metric 100 congctl cubic
}

# Room for a fast path of a few ms.
host_settings() { # client|server
	in_ns "$1" sysctl -q -w net.ipv4.tcp_rmem="4096 131072 8388608" \
		net.ipv4.tcp_wmem="4096 131072 8388608" \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}

# Interface of a side in the switch's namespace, and its far end: in the host, or in the relay's.
side_if() {
	case $1.$((LINK_MTU > 1600)) in
	client.0) echo c0 ;;
	server.0) echo s0 ;;
	client.1) echo p1 ;;
	server.1) echo p2 ;;
	esac
}

hosts_up() {
	local side sw n=0 kind
	for side in client server; do
		sw=$(side_if $side)
		host_settings $side || return 1
		on_switch ip link add "$sw" mtu "$LINK_MTU" type veth peer name eth0 netns "$NS-$side" || return 1
		on_switch ip link set "$sw" up
		offloads_off switch "$sw"
		host_address $side || return 1
		n=$((n + 1))
		kind=(type=dpdk "options:dpdk-devargs=net_af_packet$n,iface=$sw")
		[ "$sw" != "p$n" ] || kind=()
		vsctl add-port br0 "p$n" -- set Interface "p$n" ofport_request=$n "${kind[@]}" || return 1
	done
	wait_for "ports p1 and p2 are up" 60 port_is_up p1 || return 1
	wait_for "ports p1 and p2 are up" 60 port_is_up p2
}

# As the groups that watch it see it.  The database's link_state can stay behind for good: the switch
# writes it when a vhost-user port connects, which may be before the port counts as running.
port_state() { ofctl dump-ports-desc br0 "$1" | grep 'state:'; }
port_live() { port_state "$1" | grep -q LIVE; }
# The switch answers before it has told its groups: its next answer comes after that.
port_is_up() { port_live "$1" && port_state "$1" >/dev/null; }
port_is_down() { port_state "$1" | grep -vq LIVE && port_state "$1" >/dev/null; }

# link_relay client|server ARGS...: puts the relay into that side's link; eth0 keeps its addresses.
# The relay's interface "near" is the host's side, "far" the switch's.
link_relay() {
	local side=$1 sw
	shift
	sw=$(side_if "$side")
	if ! in_ns relay ip link show "$side-far" >/dev/null 2>&1; then
		in_ns "$side" ip link set eth0 down
		in_ns "$side" ip link set eth0 name "$side-far" netns "$NS-relay" || return 1
		in_ns relay ip link add "$side-near" mtu 1600 type veth peer name eth0 netns "$NS-$side" ||
			return 1
		in_ns relay ip link set "$side-far" mtu 1600 address 02:4c:45:00:01:0${#side} up
		in_ns relay ip link set "$side-near" up
		offloads_off relay "$side-near"
		offloads_off relay "$side-far"
		in_ns relay sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
		host_address "$side" || return 1
	fi
	stop "relay-$side"
	rm -f "$RUN/relay-$side.log"
	spawn "relay-$side" nsenter --net="/run/netns/$NS-relay" \
		"$RELAY" --stats "$RUN/relay-$side.json" "$@" "$side-near" "$side-far" || return 1
	wait_for "the relay at the $side runs" 60 grep -q relaying "$RUN/relay-$side.log"
}

# link_direct client|server: takes the relay out again.
link_direct() {
	local side=$1
	in_ns relay ip link show "$side-far" >/dev/null 2>&1 || return 0
	stop "relay-$side"
	rm -f "$RUN/relay-$side.log"
	in_ns relay ip link del "$side-near"
	in_ns relay ip link set "$side-far" down
	in_ns relay ip link set "$side-far" name eth0 netns "$NS-$side" || return 1
	host_address "$side"
}

# --- Leat's ports ------------------------------------------------------------------------------

sock() { echo "$RUN/$1.sock"; }

leat_ports_up() {
	local n=31 p opt
	for p in leat-a leat-b leat-tap; do
		opt=()
		[ $p != leat-tap ] || opt=(options:tx-retries-max=0)
		vsctl --may-exist add-port br0 $p tag=4095 -- set Interface $p \
			type=dpdkvhostuserclient ofport_request=$n mtu_request="$LINK_MTU" \
			options:vhost-server-path="$(sock $p)" "${opt[@]}" || return 1
		n=$((n + 1))
	done
}

leat_ports_live() { port_is_up leat-a && port_is_up leat-b && port_is_up leat-tap; }
leat_ports_down() { port_is_down leat-a && port_is_down leat-b && port_is_down leat-tap; }

# A stand-in for leatd that forwards between leat-a and leat-b without looking: steering needs no
# more. It is in the package dpdk-dev; false if it is not there.
forwarder_up() {
	command -v dpdk-testpmd >/dev/null || return 1
	rm -f "$(sock leat-a)" "$(sock leat-b)"
	spawn vnf sh -c 'exec dpdk-testpmd -l 0,1 --in-memory --single-file-segments --no-pci \
		--no-telemetry --file-prefix="$1" -m 192 \
		--vdev="net_virtio_user0,path=$2,server=1,queue_size=1024" \
		--vdev="net_virtio_user1,path=$3,server=1,queue_size=1024" -- \
		--forward-mode=io --auto-start --total-num-mbufs=16384 --nb-cores=1 \
		--txd=1024 --rxd=1024 --stats-period=3600 >"$4" 2>&1' sh \
		"leat-$$" "$(sock leat-a)" "$(sock leat-b)" "$RUN/testpmd.log" || return 1
	wait_for "leat-a is up" 60 port_is_up leat-a && wait_for "leat-b is up" 60 port_is_up leat-b
}

# --- servers and data --------------------------------------------------------------------------

# make_data FILE SIZE [SEED]: the same bytes for the same seed, not compressible.
make_data() {
	head -c "$2" /dev/zero |
		openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass "pass:${3:-leat}" >"$1" 2>/dev/null
}
hash_of() { sha256sum | cut -d' ' -f1; }
hash_file() { sha256sum "$1" 2>/dev/null | cut -d' ' -f1; }

# nginx_up PORT... ssl:PORT... h2:PORT...: serves $RUN/www in the server's namespace on both families;
# h2 is HTTP/2 with TLS.
nginx_up() {
	local p tls
	mkdir -p "$RUN/www" "$RUN/nginx"
	{
		echo "daemon off; worker_processes 1; user root; pid $RUN/nginx/pid;"
		echo "error_log $RUN/nginx/error.log; events { worker_connections 4096; }"
		echo "http { access_log $RUN/nginx/access.log; sendfile on; default_type text/plain;"
		echo "client_body_temp_path $RUN/nginx; proxy_temp_path $RUN/nginx;"
		echo "fastcgi_temp_path $RUN/nginx; uwsgi_temp_path $RUN/nginx; scgi_temp_path $RUN/nginx;"
		for p; do
			echo "server { root $RUN/www;"
			case $p in
			ssl:* | h2:*)
				[ "${p%:*}" = h2 ] && tls="ssl http2" || tls=ssl
				p=${p#*:}
				echo "listen $p $tls; listen [::]:$p $tls;"
				echo "ssl_certificate $RUN/nginx/cert; ssl_certificate_key $RUN/nginx/key;"
				;;
			*) echo "listen $p; listen [::]:$p;" ;;
			esac
			echo "}"
		done
		echo "}"
	} >"$RUN/nginx/conf"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=leat.test \
		-keyout "$RUN/nginx/key" -out "$RUN/nginx/cert" >/dev/null 2>&1 || return 1
	spawn nginx nsenter --net="/run/netns/$NS-server" nginx -e "$RUN/nginx/error.log" -c "$RUN/nginx/conf" ||
		return 1
	wait_for "nginx answers" 60 on_server curl -s -o /dev/null "http://127.0.0.1:${1#ssl:}/"
}

# fetch URL [CURL OPTIONS]: prints the hash of what came, and fails if curl did.
fetch() {
	local out
	out=$(set -o pipefail; on_client curl -sS -k --noproxy '*' --connect-timeout 60 --max-time "${MAX_TIME:-600}" \
		"$@" | hash_of) || return 1
	echo "$out"
}

capture_up() { # NAME NS FILTER...: tcpdump on that host's eth0 into $RUN/NAME.pcap
	local name=$1 ns=$2
	shift 2
	spawn "$name" nsenter --net="/run/netns/$NS-$ns" tcpdump -U -n -s 128 -i eth0 -w "$RUN/$name.pcap" "$@" ||
		return 1
	wait_for "tcpdump listens" 60 grep -q "listening on" "$RUN/$name.log"
}
