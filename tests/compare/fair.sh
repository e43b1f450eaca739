#!/bin/bash
# make compare-fair: two flows that send through one bottleneck at once, one from Linux's stack and one
# from Leat's. Jain's index of what they carry: 1 is even, 0.5 is all for one.
. "$(dirname "$0")/lib.sh"

RUNS=${RUNS:-5}
TIME=${TIME:-60}		# seconds
RTT=${RTT:-20}			# ms
FIRST=${FIRST:-1}
RESULTS=${RESULTS:-$BUILD_DIR/compare-fair.jsonl}
SPEC=rate=${NECK:-20},queue=100,delay=$((RTT * 500))

# CONTROL=1: two flows of Linux's instead, which tells what there is to be had.
ALSO=$PLAIN_PORT
[ -z "${CONTROL:-}" ] || ALSO=$((PLAIN_PORT + 2))

echo "compare-fair: $RUNS runs of $TIME s, bottleneck $SPEC; results in $RESULTS"
compare_up
[ -n "${APPEND:-}" ] || rm -f "$RESULTS"
for ((seed = FIRST; seed < FIRST + RUNS; seed++)); do
	stack=leat
	[ -z "${CONTROL:-}" ] || stack=linux
	if run_once $stack down "$seed" "$SPEC" --bulk "$TIME" --also "$ALSO"; then
		"$COMPARE/results.py" fair "$RESULTS" "$RUN" "$stack" "$seed"
	else
		NFAIL=$((NFAIL + 1))
		diag "run $seed: no result"
	fi
done
"$COMPARE/results.py" fairness "$RESULTS"
finish
