/*
 * The words for kinds, states, starts, ends and gaps.
 */
#include <tcpterm/types.h>

#include <stddef.h>

static const char *
name_of(const char *const *names, size_t n, unsigned value)
{
	return value < n && names[value] ? names[value] : "unknown";
}

#define NAME_OF(names, value) name_of(names, sizeof names / sizeof names[0], (unsigned)(value))

const char *
tcpterm_kind_name(enum tcpterm_kind k)
{
	static const char *const names[] = {
		[TCPTERM_KIND_NONE] = "none",	      [TCPTERM_KIND_EMBRYO] = "embryo",
		[TCPTERM_KIND_CONN] = "conn",	      [TCPTERM_KIND_RELAY] = "relay",
		[TCPTERM_KIND_PASSIVE] = "passive",   [TCPTERM_KIND_TRACK] = "track",
		[TCPTERM_KIND_PASS] = "pass",	      [TCPTERM_KIND_DROP] = "drop",
		[TCPTERM_KIND_TIMEWAIT] = "timewait",
	};

	return NAME_OF(names, k);
}

const char *
tcpterm_state_name(enum tcpterm_state s)
{
	static const char *const names[] = {
		[TCPTERM_CLOSED] = "closed",	       [TCPTERM_LISTEN] = "listen",
		[TCPTERM_SYN_SENT] = "syn-sent",       [TCPTERM_SYN_RECEIVED] = "syn-received",
		[TCPTERM_ESTABLISHED] = "established", [TCPTERM_FIN_WAIT_1] = "fin-wait-1",
		[TCPTERM_FIN_WAIT_2] = "fin-wait-2",   [TCPTERM_CLOSE_WAIT] = "close-wait",
		[TCPTERM_CLOSING] = "closing",	       [TCPTERM_LAST_ACK] = "last-ack",
		[TCPTERM_TIME_WAIT] = "time-wait",
	};

	return NAME_OF(names, s);
}

const char *
tcpterm_start_name(enum tcpterm_start s)
{
	static const char *const names[] = {
		[TCPTERM_START_SYN] = "syn",
		[TCPTERM_START_SYNACK] = "synack",
		[TCPTERM_START_MIDSTREAM] = "midstream",
		[TCPTERM_START_UNSEEN] = "unseen",
		[TCPTERM_START_INTERRUPTED] = "interrupted",
		[TCPTERM_START_COOKIE] = "cookie",
	};

	return NAME_OF(names, s);
}

const char *
tcpterm_roles_name(enum tcpterm_roles r)
{
	static const char *const names[] = {
		[TCPTERM_ROLES_KNOWN] = "known",
		[TCPTERM_ROLES_GUESSED] = "guessed",
		[TCPTERM_ROLES_CORRECTED] = "corrected",
		[TCPTERM_ROLES_WRONG] = "guessed",
	};

	return NAME_OF(names, r);
}

const char *
tcpterm_end_name(enum tcpterm_end e)
{
	static const char *const names[] = {
		[TCPTERM_END_NONE] = "none",	     [TCPTERM_END_FIN] = "fin",
		[TCPTERM_END_RST] = "rst",	     [TCPTERM_END_REFUSED] = "refused",
		[TCPTERM_END_TIMEOUT] = "timeout",   [TCPTERM_END_IDLE] = "idle",
		[TCPTERM_END_EVICTED] = "evicted",   [TCPTERM_END_ABORTED] = "aborted",
		[TCPTERM_END_REPLACED] = "replaced", [TCPTERM_END_BYTES_LOST] = "bytes-lost",
		[TCPTERM_END_CORRUPT] = "corrupt",   [TCPTERM_END_RESYNC] = "resync",
	};

	return NAME_OF(names, e);
}

const char *
tcpterm_gap_name(enum tcpterm_gap_reason r)
{
	static const char *const names[] = {
		[TCPTERM_GAP_LOST_IN_TAP] = "lost-in-tap",
		[TCPTERM_GAP_OWN_DROP] = "own-drop",
		[TCPTERM_GAP_NOT_CAPTURED] = "not-captured",
		[TCPTERM_GAP_BUDGET] = "budget",
	};

	return NAME_OF(names, r);
}

const char *
tcpterm_overlap_name(enum tcpterm_overlap o)
{
	static const char *const names[] = {
		[TCPTERM_OVERLAP_FIRST] = "first",
		[TCPTERM_OVERLAP_LAST] = "last",
		[TCPTERM_OVERLAP_REJECT] = "reject",
		[TCPTERM_OVERLAP_BSD] = "bsd",
		[TCPTERM_OVERLAP_BSD_RIGHT] = "bsd-right",
		[TCPTERM_OVERLAP_LINUX] = "linux",
		[TCPTERM_OVERLAP_OLD_LINUX] = "old-linux",
		[TCPTERM_OVERLAP_SOLARIS] = "solaris",
		[TCPTERM_OVERLAP_OLD_SOLARIS] = "old-solaris",
		[TCPTERM_OVERLAP_HPUX10] = "hpux10",
		[TCPTERM_OVERLAP_HPUX11] = "hpux11",
		[TCPTERM_OVERLAP_IRIX] = "irix",
		[TCPTERM_OVERLAP_MACOS] = "macos",
		[TCPTERM_OVERLAP_WINDOWS] = "windows",
		[TCPTERM_OVERLAP_WINDOWS2K3] = "windows2k3",
		[TCPTERM_OVERLAP_VISTA] = "vista",
	};

	return NAME_OF(names, o);
}
