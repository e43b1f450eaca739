# shellcheck shell=bash
# Connections between kernels, or programs, through the proxy: what the interop tests share. After
# leat.sh. Every case has a port of its own, so that the database tells its flows apart.

ENDS=$LIB_DIR/ends.py
FIRST_PORT=7000 LAST_PORT=7199
BESIDE_PORT=6999	# is not steered
PORT=$FIRST_PORT

write_policy() { # FILE: stands for leat.sh's
	cat >"$1" <<-END
	steer inline: bridge br0 client p1 server p2 proto tcp port $FIRST_PORT:$LAST_PORT
		via leat-a leat-b next normal fail open
	rule all: proxy proto tcp port $FIRST_PORT:$LAST_PORT { log }
	default pass
	END
}

next_port() { PORT=$((PORT + 1)); }

# The case's flows in the database, of one family, that were proxied to their end.
flows_of() { # PORT FAMILY WHERE
	sql "SELECT count(*) FROM flow WHERE server_port = $1 AND family = $2 AND mode = 'proxy' AND reason = 'fin' AND ($3)"
}
recorded_flows() { [ "$(flows_of "$1" "$2" "$3")" -ge "$4" ]; }

# proxied NAME PORT FAMILIES UP DOWN: each of the families has a flow of so many bytes at least (a segment
# that came twice counts twice), which ended as flows should.
proxied() {
	local family where="up_bytes >= $4 AND down_bytes >= $5"
	for family in $3; do
		check "$1: over IPv$family it was proxied" wait_for "the flow is in the database" 60 \
			recorded_flows "$2" "$family" "$where" 1 ||
			diag "$(sql "SELECT family, mode, reason, up_bytes, down_bytes FROM flow WHERE server_port = $2")"
	done
}

# carried NAME PORT FAMILY UP DOWN: its proxied flows had so many bytes at least, however they ended.
carried() {
	check "$1: it was proxied" wait_for "the flows are in the database" 60 carried_so_far "${@:2}" ||
		diag "$(sql "SELECT family, mode, reason, up_bytes, down_bytes FROM flow WHERE server_port = $2")"
}
carried_so_far() {
	[ "$(sql "SELECT ifnull(sum(up_bytes) >= $3 AND sum(down_bytes) >= $4, 0) FROM flow
		WHERE server_port = $1 AND family = $2 AND mode = 'proxy'")" = 1 ]
}

serve() { # NAME PORT N FILE SETTING...
	spawn "$1" nsenter --net="/run/netns/$NS-server" "$ENDS" serve "${@:2}" &&
		wait_for "$1 listens" 60 grep -q listening "$RUN/$1.log"
}

# What came at an end, as ends.py prints it, for each of these families.
came() { # FAMILIES FILE
	local family
	for family in $1; do
		echo "$family $(stat -c %s "$2") $(hash_file "$2")"
	done
}
# What ends.py printed of one kind: what came, or what the kernel said.
said_came() { grep -E '^[46] [^c-]' "$1"; }
said_kernel() { grep -E '^[46] (cc=|-)' "$1"; }

hosts_of() { # FAMILIES: the server's addresses
	local family
	for family in $1; do
		[ "$family" = 4 ] && echo "$SERVER4" || echo "$SERVER6"
	done
}

# talk NAME PORT FAMILIES UP DOWN CLIENT_SETTINGS SERVER_SETTINGS: one connection a family, at once.
# What the kernels say of them is left in $RUN/client.says and $RUN/server.says.
talk() {
	local name=$1 port=$2 families=$3 up=$4 down=$5 hosts
	mapfile -t hosts < <(hosts_of "$families")
	rm -f "$RUN/server.log"
	# shellcheck disable=SC2086
	serve server "$port" "${#hosts[@]}" "$down" $7 || { not_ok "$name: a server"; return 1; }
	# shellcheck disable=SC2086
	on_client timeout 300 "$ENDS" call "$port" "$up" "${hosts[@]}" $6 >"$RUN/client.log" 2>&1
	wait_for "the server ends" 60 not_running server
	said_kernel "$RUN/client.log" >"$RUN/client.says"
	said_kernel "$RUN/server.log" >"$RUN/server.says"
	expect "$name: the client got what the server sent" "$(came "$families" "$down")" \
		"$(said_came "$RUN/client.log")"
	expect "$name: the server got what the client sent" "$(came "$families" "$up")" \
		"$(said_came "$RUN/server.log")"
}

# ends NAME FAMILIES UP DOWN CLIENT_SETTINGS SERVER_SETTINGS: as talk, and through the proxy.
ends() {
	next_port
	talk "$1" "$PORT" "${@:2}" && proxied "$1" "$PORT" "$2" "$(stat -c %s "$3")" "$(stat -c %s "$4")"
}

says() { # client|server WORD: on every connection
	! grep -qvw -- "$2" "$RUN/$1.says" && [ -s "$RUN/$1.says" ]
}
says_not() { ! grep -qw -- "$2" "$RUN/$1.says" && grep -q cc= "$RUN/$1.says"; }
agreed() { # NAME client|server WORD...: said of every connection; -WORD: of none
	local name=$1 side=$2 word
	shift 2
	for word; do
		case $word in
		-*) check "$name: no ${word#-} at the $side" says_not "$side" "${word#-}" ;;
		*) check "$name: $word at the $side" says "$side" "$word" ;;
		esac || diag "$(cat "$RUN/$side.says")"
	done
}

both_sysctl() { on_client sysctl -q -w "$@" && on_server sysctl -q -w "$@"; }

listens() { on_server ss -Hltn "sport = :$1" | grep -q .; }
# at_server NAME PORT CMD...: a server in the background, until it listens.
at_server() {
	local name=$1 port=$2
	shift 2
	spawn "$name" nsenter --net="/run/netns/$NS-server" "$@" &&
		wait_for "$name listens" 60 listens "$port"
}
