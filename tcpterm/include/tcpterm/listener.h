/*
 * listener.h - rules that say which SYNs a stack answers, and how.
 *
 * A listener is a rule, not a socket: any number of connections come from one.
 * Belongs to a stack and its thread.  Only SYNs pay for the search.
 */
#ifndef TCPTERM_LISTENER_H
#define TCPTERM_LISTENER_H

#include <tcpterm/flow.h>

struct tcpterm;

enum tcpterm_tags {
	TCPTERM_TAGS_ANY,	/* tagged or not */
	TCPTERM_TAGS_NONE,	/* untagged only; a priority tag (VID 0) is no tag */
	TCPTERM_TAGS_EXACT,	/* exactly these VIDs, outermost first */
	TCPTERM_TAGS_RANGE,	/* one tag, VID in vid[0]..vid[1] */
};

/*
 * Precedence where several match: the highest `priority`; then the more
 * specific: tags (exact, range, none, any), destination prefix length,
 * destination port range (narrower), source prefix, source port range,
 * ingress (one domain before any); then the older.
 */
struct tcpterm_selector {
	int32_t priority;
	enum tcpterm_tags tags;
	uint8_t n_vids;
	uint16_t vid[PKT_MAX_TAGS];
	struct ip_addr dst, src;
	uint8_t dst_len, src_len;	/* bits of the 128-bit form (IPv4 /n: 96 + n); 0 any */
	uint16_t dst_port[2], src_port[2];	/* inclusive ranges; {0, 65535} any */
	bool any_domain;
	uint16_t domain;
};

/* Everything that a SYN said. */
struct tcpterm_syn {
	const struct pkt *pkt;		/* addresses, tags, ingress, TTL, TOS, window, numbers */
	struct tcpterm_options opt;
	usec_t now;
};

/* Its link header. */
void tcpterm_syn_l2(const struct tcpterm_syn *syn, struct tcpterm_l2 *l2);

/* What the filter may say besides its decision. */
struct tcpterm_verdict {
	enum tcpterm_decision decision;
	uint64_t cookie;		/* comes back in flow.cookie */
	void *caller;			/* comes back in flow.caller */
	int64_t defer_us;		/* DEFER: the deadline */
	enum tcpterm_decision on_expiry;	/* DEFER: then, and at once where no more SYNs may
						 * be held (tcpterm_conf.n_deferred) */
	int64_t idle_us;		/* 0: the stack's default */
	bool close_local;		/* RELAY: acknowledge a FIN at once */
	uint8_t overlap;		/* PASSIVE: enum tcpterm_overlap */
	uint8_t urgent;			/* PASSIVE: enum tcpterm_urgent */
	bool copy;			/* PASSIVE: the frames are copies, do not forward them */
	bool interrupted;		/* mid-stream: it was followed by who is gone */
	bool window_strict;		/* TRACK: what is outside the window is dropped */
	bool was_terminated;		/* interrupted, TRACK: by a proxy, so bytes may be lost;
					 * where they are, both ends are reset */
	usec_t repeats_until;		/* was_terminated: a sender whose timer backed off while
					 * nobody forwarded may only now repeat what it has */
	uint8_t sender;			/* enum tcpterm_sender, of a segment that is no SYN */
	bool sender_unsure;		/* that is a guess, too */
	uint8_t flood;			/* RELAY: enum tcpterm_flood */
	bool signed_reset;		/* RELAY: a SYN with MD5 or AO is refused, else passed */
	struct tcpterm_tuning tuning;	/* ACCEPT, RELAY */
	uint8_t ends;			/* RESET: who is told; 0: the sender only */
};

typedef struct tcpterm_verdict (*tcpterm_filter_fn)(void *ctx, const struct tcpterm_syn *syn);

struct tcpterm_listener_conf {
	struct tcpterm_selector select;
	tcpterm_filter_fn filter;	/* NULL: accept */
	void *ctx;
};

typedef uint32_t tcpterm_listener_id;	/* 0 is none */

/* 0 and *id, -EEXIST (same selector), -EINVAL, -ENOMEM (limit). */
int tcpterm_listen(struct tcpterm *s, const struct tcpterm_listener_conf *conf,
		   tcpterm_listener_id *id);

/* Drops its pending embryos; established connections stay. -ENOENT. */
int tcpterm_unlisten(struct tcpterm *s, tcpterm_listener_id id);

/* The late answer to a deferred SYN; DEFER again is -EINVAL.  A cookie or a caller of 0 leaves what
 * the filter said first.  The flow is gone or changed afterwards. */
int tcpterm_decide(struct tcpterm *s, struct flow *f, const struct tcpterm_verdict *v);

#endif
