#!/bin/bash
# make demo: Leat's main job on real components, in three acts, on a switch and hosts of its own.
# Prints what should be seen and what is; the exit status is 0 if nothing differs.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/leat.sh"
. "$(dirname "$0")/acts.sh"

N_SEEN=0 N_DIFFER=0

see() { # WHAT SHOULD_BE IS
	local verdict=PASS
	N_SEEN=$((N_SEEN + 1))
	[ "$2" = "$3" ] || { verdict=DIFFERS; N_DIFFER=$((N_DIFFER + 1)); }
	printf '  %-7s  %s\n' "$verdict" "$1"
	printf '           should be: %s\n           is:        %s\n' "$2" "$3"
}

act() {
	printf '\n=== %s\n' "$1"
	[ -z "${2:-}" ] || sed 's/^/    /' <<<"$2"
}

give_up() {
	echo "demo: $1" >&2
	leatd_says >&2
	exit 1
}

[ "$(id -u)" = 0 ] || { echo "demo: needs root, for namespaces, hugepages and the switch" >&2; exit 1; }
for program in "$LEATD" "$LEATCTL" "$VSWITCHD"; do
	[ -x "$program" ] || { echo "demo: $program is not there; run: make demo" >&2; exit 1; }
done

begin
act "The scene" "client (namespace) -- veth -- Open vSwitch with DPDK -- veth -- server (namespace)
leatd hangs on the switch by leat-a, leat-b and leat-tap; all of it in $RUN"
chain_up || give_up "the chain does not start"
act_data || give_up "nginx does not start"
echo
sed 's/^/    /' "$RUN/policy"
printf '\n    leatctl steer show:\n'
ctl steer show | sed 's/^/    /' | cut -c 1-160 | head -n 12

act "Act 1: proxy. curl fetches 256 MB from nginx; Leat ends and begins the TCP between them"
act_proxy
printf '\n    leatctl flow list, while it ran:\n'
sed 's/^/    /' "$RUN/proxy.flows"

act "Act 2: track. A TLS download passes unchanged, and is followed"
act_track
printf '\n    leatctl flow list, while it ran:\n'
sed 's/^/    /' "$RUN/track.flows"

act "Act 3: passive. Copies of a third port's traffic are reassembled into files"
act_passive
act "Act 3 again, with 1 % of the copies dropped on purpose"
leatd_down
leatd_up --fault "tap:loss=1%,seed=7,log=$RUN/fault.log" || give_up "leatd does not start again"
ctl steer apply >/dev/null
act_passive_with_loss

act "What the database remembers (sqlite3 leat.db)"
sqlite3 -readonly -box "$RUN/leat.db" \
	"SELECT client, server, mode, rule, reason, up_bytes, down_bytes, gap_bytes FROM flow_text
	 ORDER BY id" | sed 's/^/    /'

act "Takedown"
ctl steer clear >/dev/null
see "Leat's rules left on the bridge" 0 \
	"$(ofctl dump-flows br0 'cookie=0x4c45415400000000/0xffffffff00000000' | grep -c cookie=)"
leatd_down
see "leatd still runs" no "$(running leatd && echo yes || echo no)"
printf '\n%d seen, %d differ, %.0f s\n' "$N_SEEN" "$N_DIFFER" "$(since_start)"
[ "$N_DIFFER" = 0 ]
exit
