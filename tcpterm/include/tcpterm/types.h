/*
 * types.h - identities, decisions, options and reasons of libtcpterm.
 *
 * Values; any thread.  Ports, windows and numbers are in host order.
 */
#ifndef TCPTERM_TYPES_H
#define TCPTERM_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "datapath/addr.h"
#include "datapath/clock.h"
#include "datapath/flow_key.h"
#include "datapath/parse.h"

/* What an Ethernet header says, tags outermost first, without the metadata tag. */
struct tcpterm_l2 {
	struct rte_ether_addr dst, src;
	uint8_t n_tags;
	struct vlan_tag tag[PKT_MAX_TAGS];
};

/* One end's whole identity on the wire, for an active open. */
struct tcpterm_identity {
	struct tcpterm_l2 l2;		/* as the SYN carries it */
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;	/* local 0: any free port */
	uint16_t domain;
	uint8_t side;			/* the port of the pair that faces the peer */
	uint8_t ttl;			/* 0: 64 */
	uint8_t tos;
};

enum tcpterm_cc {
	TCPTERM_CC_DEFAULT,	/* the stack's */
	TCPTERM_CC_CUBIC,	/* RFC 9438 */
	TCPTERM_CC_RENO,	/* RFC 5681, 6582 */
};

/* What may be chosen for the connections of a flow; all zero is the default. */
struct tcpterm_tuning {
	uint8_t cc;		/* enum tcpterm_cc */
	bool pace;		/* spread segments over the round trip, send no bursts */
	bool idle_restart;	/* after an idle RTO begin with the initial window (RFC 5681 4.1) */
	bool no_ecn;		/* send what is not ECN-capable, though the ends agreed on it */
	uint16_t mss;		/* no larger segment is announced or sent; 0: the MTU says */
};

/* What a sequence-preserving flow's SYN meets where there is no room for embryos
 * (RFC 4987 3). */
enum tcpterm_flood {
	TCPTERM_FLOOD_PASS,	/* forwarded, not followed: the server defends itself */
	TCPTERM_FLOOD_COOKIE,	/* answered here by a SYN cookie; numbers are translated */
	TCPTERM_FLOOD_DROP,
};

/* TCP options of a segment (RFC 9293 3.2, 7323, 2018). */
struct tcpterm_options {
	bool has_mss, has_wscale, has_ts, sack_permitted;
	bool has_md5, has_ao;		/* kinds 19, 29: never held */
	bool has_fastopen, has_mptcp;
	bool malformed;			/* a length that does not fit; the rest is ignored */
	uint8_t n_unknown;		/* options of other kinds */
	uint8_t wscale;			/* as sent; above 14 counts as 14 (RFC 7323 2.3) */
	uint16_t mss;
	uint32_t tsval, tsecr;
	uint8_t n_sack;
	struct {
		uint32_t left, right;
	} sack[4];
};

/* The SYN filter's answers, and those for segments of unknown flows. */
enum tcpterm_decision {
	TCPTERM_ACCEPT,		/* terminate here: a connection of the caller's */
	TCPTERM_RELAY,		/* proxy: forward the handshake, then terminate */
	TCPTERM_PASSIVE,	/* reassemble both directions, transmit nothing */
	TCPTERM_TRACK,		/* forward unchanged and follow the state */
	TCPTERM_PASS,		/* forward unchanged, count only */
	TCPTERM_FORWARD,	/* this segment goes on unchanged, and no flow is made of it */
	TCPTERM_DROP,		/* drop the whole flow, count */
	TCPTERM_RESET,		/* refuse with a RST, and keep no state */
	TCPTERM_SILENT,		/* no answer, no state */
	TCPTERM_DEFER,		/* keep an embryo until tcpterm_decide() or the deadline */
};

/* Ends of a flow, as a set. */
enum {
	TCPTERM_INITIATOR = 1,
	TCPTERM_RESPONDER = 2,
	TCPTERM_BOTH_ENDS = 3,
};

/* Who sent a segment that is no SYN. */
enum tcpterm_sender {
	TCPTERM_SENDER_GUESSED,	/* the lower port is the responder's */
	TCPTERM_SENDER_INITIATOR,
	TCPTERM_SENDER_RESPONDER,
};

enum tcpterm_kind {
	TCPTERM_KIND_NONE,
	TCPTERM_KIND_EMBRYO,	/* deferred, or a handshake being forwarded or answered */
	TCPTERM_KIND_CONN,
	TCPTERM_KIND_RELAY,
	TCPTERM_KIND_PASSIVE,
	TCPTERM_KIND_TRACK,
	TCPTERM_KIND_PASS,
	TCPTERM_KIND_DROP,
	TCPTERM_KIND_TIMEWAIT,	/* what is left of a flow that ended: counted, but no flow */
	TCPTERM_N_KINDS
};

/* RFC 9293 3.3.2. */
enum tcpterm_state {
	TCPTERM_CLOSED,
	TCPTERM_LISTEN,
	TCPTERM_SYN_SENT,
	TCPTERM_SYN_RECEIVED,
	TCPTERM_ESTABLISHED,
	TCPTERM_FIN_WAIT_1,
	TCPTERM_FIN_WAIT_2,
	TCPTERM_CLOSE_WAIT,
	TCPTERM_CLOSING,
	TCPTERM_LAST_ACK,
	TCPTERM_TIME_WAIT,
};

/* How a flow came into being. */
enum tcpterm_start {
	TCPTERM_START_SYN,
	TCPTERM_START_SYNACK,
	TCPTERM_START_MIDSTREAM,
	TCPTERM_START_UNSEEN,
	TCPTERM_START_INTERRUPTED,	/* mid-stream, known from before its follower was lost */
	TCPTERM_START_COOKIE,	/* by a SYN cookie: a proxied flow's numbers are its own */
};

/* Which end of a flow is the initiator. */
enum tcpterm_roles {
	TCPTERM_ROLES_KNOWN,	/* its SYN or SYN-ACK was seen, or evidence bore a guess out */
	TCPTERM_ROLES_GUESSED,	/* met in its middle: by the caller's verdict, or by ports */
	TCPTERM_ROLES_CORRECTED,	/* a guess was wrong, and is mended */
	TCPTERM_ROLES_WRONG,	/* it is, and will be mended at the end of the burst */
};

/* Why a flow ended. */
enum tcpterm_end {
	TCPTERM_END_NONE,	/* still alive */
	TCPTERM_END_FIN,
	TCPTERM_END_RST,
	TCPTERM_END_REFUSED,	/* RST, or nothing, instead of a SYN-ACK */
	TCPTERM_END_TIMEOUT,	/* retransmissions, probes or keepalives unanswered */
	TCPTERM_END_IDLE,
	TCPTERM_END_EVICTED,
	TCPTERM_END_ABORTED,	/* by the caller: policy, kill, shutdown */
	TCPTERM_END_REPLACED,	/* a SYN with a new ISN began a new flow */
	TCPTERM_END_BYTES_LOST,	/* interrupted: what was acknowledged for its receiver is gone */
	TCPTERM_END_CORRUPT,	/* a port that trusts: what was to be sent again had come wrong */
	TCPTERM_END_RESYNC,	/* passive: it went on unseen for too far to say where it is */
};

enum tcpterm_gap_reason {
	TCPTERM_GAP_LOST_IN_TAP,
	TCPTERM_GAP_OWN_DROP,
	TCPTERM_GAP_NOT_CAPTURED,
	TCPTERM_GAP_BUDGET
};

/*
 * Which of two versions of a byte a passive stream delivers; doc/leat-policy.5 has the rules.  All
 * but FIRST decide by where the two segments begin and end, and only until the other end has
 * acknowledged the byte.
 */
enum tcpterm_overlap {
	TCPTERM_OVERLAP_FIRST,
	TCPTERM_OVERLAP_LAST,
	TCPTERM_OVERLAP_REJECT,	/* a segment that contradicts is refused whole */
	TCPTERM_OVERLAP_BSD,
	TCPTERM_OVERLAP_BSD_RIGHT,
	TCPTERM_OVERLAP_LINUX,
	TCPTERM_OVERLAP_OLD_LINUX,
	TCPTERM_OVERLAP_SOLARIS,
	TCPTERM_OVERLAP_OLD_SOLARIS,
	TCPTERM_OVERLAP_HPUX10,
	TCPTERM_OVERLAP_HPUX11,
	TCPTERM_OVERLAP_IRIX,
	TCPTERM_OVERLAP_MACOS,
	TCPTERM_OVERLAP_WINDOWS,
	TCPTERM_OVERLAP_WINDOWS2K3,
	TCPTERM_OVERLAP_VISTA,
	TCPTERM_N_OVERLAPS
};

/* What a passive stream does with the byte that an urgent pointer marks (RFC 6093). */
enum tcpterm_urgent {
	TCPTERM_URGENT_INLINE,	/* a byte like others */
	TCPTERM_URGENT_OOB,	/* told beside the stream; offsets do not count it */
	TCPTERM_URGENT_DROP,	/* not told at all */
	TCPTERM_N_URGENTS
};

/* The words that leatctl, the database and scripts use.  Static storage. */
const char *tcpterm_kind_name(enum tcpterm_kind k);
const char *tcpterm_state_name(enum tcpterm_state s);
const char *tcpterm_start_name(enum tcpterm_start s);
const char *tcpterm_roles_name(enum tcpterm_roles r);	/* what will be mended is a guess */
const char *tcpterm_end_name(enum tcpterm_end e);
const char *tcpterm_gap_name(enum tcpterm_gap_reason r);
const char *tcpterm_overlap_name(enum tcpterm_overlap o);

#endif
