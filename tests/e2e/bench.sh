#!/bin/bash
# make bench-e2e: the same work without a function, by testpmd, by leatd that tracks and that proxies, and
# by HAProxy, in turns. README.md says what is measured and how to read what comes.
E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$E2E/../system/lib.sh"
. "$E2E/../system/leat.sh"

ENDS=$BUILD_DIR/obj/tests/e2e/ends
RESULTS=${RESULTS:-$BUILD_DIR/bench-e2e.jsonl}
SWITCH_CORE=${SWITCH_CORE:-0} FUNCTION_CORE=${FUNCTION_CORE:-1}
LEAT_PAGES=260	# leatd's 256 MB, testpmd's 192 MB, and some that a fresh process finds no use for

# Ports a variant: the first of eight. Not steered, by testpmd, and by leatd's two modes.
NONE_PORT=9000 TESTPMD_PORT=9008 TRACK_PORT=9016 PROXY_PORT=9024 HAPROXY_PORT=9032
# The links of HAProxy: host to host, no switch.
HAPROXY4=10.78.0.3 SERVER_BEHIND4=10.79.0.2

missing() {
	local what=()
	[ "$(id -u)" = 0 ] || what+=("root's rights")
	[ -x "$VSWITCHD" ] || what+=("$VSWITCHD (package openvswitch-switch-dpdk)")
	[ -n "$(command -v dpdk-testpmd)" ] || what+=("dpdk-testpmd (package dpdk)")
	[ -n "$(command -v haproxy)" ] || what+=("haproxy (package haproxy)")
	[ -n "$(command -v stdbuf)" ] || what+=("stdbuf (package coreutils)")
	[ "$(nproc)" -ge 2 ] || what+=("a second processor")
	[ ${#what[@]} -gt 0 ] || return 1
	printf 'bench-e2e: missing: %s\n' "${what[@]}" >&2
	echo "bench-e2e: packages are installed by: build-aux/packages test bench (as root)" >&2
}

range() { echo "$1:$(($1 + 7))"; }

policy() {
	cat >"$RUN/policy" <<-END
	steer leat: bridge br0 client p1 server p2 proto tcp port { $(range $TRACK_PORT) $(range $PROXY_PORT) } via leat-a leat-b next normal fail open
	rule proxied: proxy proto tcp port $(range $PROXY_PORT)
	rule tracked: track proto tcp port $(range $TRACK_PORT)
	default pass
	END
}

# --- the scene --------------------------------------------------------------------------------------

alike() { # SIDE: nothing is learned from one connection for the next, and ports do not run out
	in_ns "$1" sysctl -q -w net.ipv4.tcp_no_metrics_save=1 net.ipv4.tcp_tw_reuse=1 \
		net.ipv4.ip_local_port_range="10240 65535"
}

vhost_port() { # NAME NUMBER
	vsctl add-port br0 "$1" tag=4095 -- set Interface "$1" type=dpdkvhostuserclient \
		ofport_request="$2" mtu_request=1600 options:vhost-server-path="$(sock "$1")"
}

# testpmd gets what the policy's rules give leatd, by rules of the same form: a VNF's ports are in
# the path in both directions, and what comes back has its real port's number again.
testpmd_rules() {
	local m
	ofctl add-flow br0 "priority=400,in_port=pmd-a,actions=load:2->NXM_OF_IN_PORT[],NORMAL" &&
		ofctl add-flow br0 "priority=400,in_port=pmd-b,actions=load:1->NXM_OF_IN_PORT[],NORMAL" ||
		return 1
	m=$(printf '0x%x/0xfff8' $TESTPMD_PORT)
	ofctl add-flow br0 "priority=100,tcp,in_port=p1,tp_dst=$m,actions=output:pmd-a" &&
		ofctl add-flow br0 "priority=100,tcp,in_port=p2,tp_src=$m,actions=output:pmd-b"
}

# Under a shell's name for its input: commands are written to it later.
testpmd_up() {
	mkfifo "$RUN/testpmd.in"
	exec 7<>"$RUN/testpmd.in"
	# shellcheck disable=SC2016
	spawn testpmd sh -c 'core=$1; shift; exec stdbuf -oL dpdk-testpmd --lcores "0@$core,1@$core" \
		--in-memory --single-file-segments --no-pci --no-telemetry --file-prefix="$1" -m 192 \
		--vdev="net_virtio_user0,path=$2,server=1,queue_size=1024" \
		--vdev="net_virtio_user1,path=$3,server=1,queue_size=1024" -- \
		-i --auto-start --forward-mode=io --record-core-cycles --total-num-mbufs=16384 --nb-cores=1 \
		--txd=1024 --rxd=1024 <"$4"' sh \
		"$FUNCTION_CORE" "pmd-$$" "$(sock pmd-a)" "$(sock pmd-b)" "$RUN/testpmd.in" || return 1
	wait_for "pmd-a is up" 60 port_is_up pmd-a && wait_for "pmd-b is up" 60 port_is_up pmd-b
}

leat_up() {
	local trust=${TRUST:+,trust}
	policy
	mkdir -p "$RUN/leat"
	spawn leatd taskset -c "$FUNCTION_CORE" "$LEATD" --name t --run-dir "$RUN/leat" --db "$RUN/leat.db" \
		--policy "$RUN/policy" --port "a=vhost:$(sock leat-a)$trust" --port "b=vhost:$(sock leat-b)$trust" \
		--pair a:b --workers 1 --cores "$FUNCTION_CORE" --ovs-db "$OVS_DIR/db.sock" \
		--metrics "unix:$RUN/metrics.sock" || return 1
	wait_for "leat-a is up" 60 port_is_up leat-a && wait_for "leat-b is up" 60 port_is_up leat-b &&
		wait_for "leatd is ready" 60 leatd_ready && ctl steer apply >"$RUN/steer.log" 2>&1
}

haproxy_link() { # SIDE ADDRESS-THERE ADDRESS-HERE
	in_ns relay ip link add "$1-link" type veth peer name eth1 netns "$NS-$1" || return 1
	in_ns relay ip link set "$1-link" mtu 1500 up
	in_ns "$1" ip link set eth1 mtu 1500 up
	offloads_off relay "$1-link"
	offloads_off "$1" eth1
	in_ns relay ip addr add "$3/24" dev "$1-link"
	in_ns "$1" ip addr add "$2/24" dev eth1
	in_ns relay ip route replace "${2%.*}.0/24" dev "$1-link" src "$3" congctl cubic
	in_ns "$1" ip route replace "${2%.*}.0/24" dev eth1 src "$2" congctl cubic
}

haproxy_config() {
	local n
	echo "global"
	echo "	nbthread 1"
	echo "	maxconn 9000"
	echo "defaults"
	echo "	mode tcp"
	echo "	timeout connect 10s"
	echo "	timeout client 1h"
	echo "	timeout server 1h"
	for n in 0 1 2 3 4 5 6 7; do
		echo "listen l$n"
		echo "	bind $HAPROXY4:$((HAPROXY_PORT + n))"
		echo "	server s $SERVER_BEHIND4:$((HAPROXY_PORT + n))"
	done
}

haproxy_up() {
	haproxy_link client 10.78.0.1 $HAPROXY4 && haproxy_link server $SERVER_BEHIND4 10.79.0.3 || return 1
	host_settings relay
	alike relay
	haproxy_config >"$RUN/haproxy.cfg"
	spawn haproxy taskset -c "$FUNCTION_CORE" nsenter --net="/run/netns/$NS-relay" \
		haproxy -db -f "$RUN/haproxy.cfg" || return 1
	wait_for "haproxy listens" 60 in_ns relay sh -c "ss -Hltn 'sport = :$HAPROXY_PORT' | grep -q ."
}

scene() {
	switch_up && vsctl set Open_vSwitch . \
		other_config:pmd-cpu-mask="$(printf '0x%x' $((1 << SWITCH_CORE)))" &&
		hosts_up && alike client && alike server &&
		vhost_port leat-a 31 && vhost_port leat-b 32 && vhost_port pmd-a 41 && vhost_port pmd-b 42 &&
		leat_up && haproxy_up && testpmd_up && testpmd_rules &&
		vsctl set Open_vSwitch . other_config:pmd-maxsleep=0
}

missing && exit 1
leat_begin
# What else runs here is not to be measured: this session before others, where the kernel weighs sessions.
ahead() { echo "$1" 2>/dev/null >/proc/self/autogroup || renice -n "$1" -p $$ >/dev/null 2>&1; }
ahead -10
scene || {
	echo "bench-e2e: the scene can't be set up" >&2
	tail -n 5 "$RUN"/*.log | cut -c 1-200 >&2
	exit 1
}
rm -f "$RESULTS"
echo "bench-e2e: Open vSwitch's PMD is on core $SWITCH_CORE and never sleeps; leatd, testpmd and HAProxy are" \
	"on core $FUNCTION_CORE; client and server are on either, for rr and cpu- on core $SWITCH_CORE." \
	"${TRUST:+leatd trusts its ports. }Load $(cut -d' ' -f1-3 /proc/loadavg)."
"$E2E/rounds.py" --run "$RUN" --ends "$ENDS" --client "/run/netns/$NS-client" --server "/run/netns/$NS-server" \
	--rounds "${ROUNDS:-5}" --time "${TIME:-2}" --hold "${HOLD:-5000}" --only "${ONLY:-.}" \
	--core "$SWITCH_CORE" --results "$RESULTS" \
	"none=$SERVER4:$NONE_PORT" "testpmd=$SERVER4:$TESTPMD_PORT" "track=$SERVER4:$TRACK_PORT" \
	"proxy=$SERVER4:$PROXY_PORT" "haproxy=$HAPROXY4:$HAPROXY_PORT" &
record process "$! $(start_time $!) rounds"	# in the background, so that a signal is heeded at once
wait $! || NFAIL=1
"$E2E/results.py" "$RESULTS" || NFAIL=1
ahead 0
finish
