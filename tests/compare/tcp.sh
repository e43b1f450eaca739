#!/bin/bash
# make compare-tcp: the same transfers Linux to Linux and through Leat's proxy, over the same bridge and
# the same impaired hop, in pairs of the same seed. README.md says how to read what comes.
. "$(dirname "$0")/lib.sh"

SEEDS=${SEEDS:-3}		# pairs a cell; the goals are stated for 20
FIRST=${FIRST:-1}		# the first seed, so that a long comparison may be made in parts
CELLS=${CELLS:-.}		# regular expression
RESULTS=${RESULTS:-$BUILD_DIR/compare-tcp.jsonl}
POLICE=20 BURST=62500 NECK=20

# A cell a line: NAME DIRECTION SPEC [SPEC of the server's link]. The hop is in the client's link: what
# goes down meets it behind Leat, which sends there; what goes up, before Leat, which receives there.
cells() {
	local rtt half leg way p
	for leg in send recv; do
		[ $leg = send ] && way=down || way=up
		for rtt in 10 50; do
			half=$((rtt * 500))
			for p in 0 0.1 1 3 10; do
				echo "loss$p-rtt$rtt-$leg $way loss=$p%,rate=$RATE,delay=$half"
			done
			for p in 5 25; do
				echo "reorder$p-rtt$rtt-$leg $way reorder=$p%,hold=$half,rate=$RATE,delay=$half"
			done
			echo "policer-rtt$rtt-$leg $way police=$POLICE,burst=$BURST,rate=$RATE,delay=$half"
			echo "bottleneck-rtt$rtt-$leg $way rate=$NECK,queue=100,delay=$half"
		done
	done
	# A short leg that loses behind a long one that does not.
	echo "split-rtt100 down loss=1%,rate=$RATE,delay=2500 rate=$RATE,delay=50000"
}
chosen() { cells | grep -E -- "^[^ ]*($CELLS)" | sort -s -k 4,4; }

pair() { # SEED NAME DIRECTION SPEC
	local stack order="linux leat"
	[ $(($1 % 2)) = 0 ] || order="leat linux"
	for stack in $order; do
		N_DONE=$((N_DONE + 1))
		if run_once "$stack" "$3" "$1" "$4" --short "$SHORT" --lanes "$LANES" --bulk "$BULK"; then
			"$COMPARE/results.py" add "$RESULTS" "$RUN" "$2" "$stack" "$1" "$3" |
				sed "s|^|$(printf '%4d/%d' "$N_DONE" "$N_ALL") |"
		else
			NFAIL=$((NFAIL + 1))
			diag "$2, seed $1, $stack: no result"
		fi
	done
}

compare() {
	local seed name way spec far
	for ((seed = FIRST; seed < FIRST + SEEDS; seed++)); do
		while read -r name way spec far <&3; do
			if [ -n "$far" ]; then
				link_relay server --up "$far" --down "$far"
			else
				link_direct server
			fi
			pair "$seed" "$name" "$way" "$spec"
		done 3< <(chosen)
	done
}

N_DONE=0 N_ALL=$(($(chosen | wc -l) * SEEDS * 2))
[ "$N_ALL" -gt 0 ] || { echo "compare-tcp: no cell matches $CELLS" >&2; exit 2; }
echo "compare-tcp: $((N_ALL / SEEDS / 2)) cells, $SEEDS seeds from $FIRST, $N_ALL runs of at least" \
	"$BULK s; results in $RESULTS"
compare_up
[ -n "${APPEND:-}" ] || rm -f "$RESULTS"
compare
"$COMPARE/results.py" table "$RESULTS"
finish
