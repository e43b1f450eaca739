/*
 * policy.h - the policy language of leatd (leat-policy(5)), compiled.
 *
 * A `struct policy` is an immutable snapshot: policy_parse() makes it,
 * policy_bind() resolves the port names once before it is published, and from
 * then on nothing writes it.  The control thread owns it, publishes it (RCU is
 * the caller's) and frees it.  Any thread may call the functions that take it
 * const; policy_decide() takes no lock, allocates nothing and is what workers
 * call for the first packet of a flow.
 */
#ifndef LEAT_VNF_POLICY_POLICY_H
#define LEAT_VNF_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "datapath/addr.h"
#include "datapath/err.h"

enum {
	POLICY_ERRORS_MAX = 50,		/* kept; the rest are counted */
	POLICY_RULES_MAX = 16384,	/* bounds the index: 4 KB a distinct selector */
	POLICY_TAGS_MAX = 16,		/* VLAN tags of a stack */
	POLICY_PORTS_MAX = 64,		/* ports that policy_bind() takes */
	POLICY_NAME_MAX = 63,		/* bytes of any name */
	POLICY_TEXT_MAX = 64 << 20,	/* bytes of a policy, with its files */
	POLICY_FILES_MAX = 1024,
	POLICY_PATH_MAX = 255,		/* bytes of a sink's path */
	POLICY_DEPTH_MAX = 16,		/* of files in files */
	POLICY_ATTACHMENT_MIN = 64,	/* below are the domains of pairs without a tag */
	POLICY_ATTACHMENT_MAX = 2046,
	POLICY_SAMPLE_MAX = 65535,	/* of 1/N */
	POLICY_PAIRS_MAX = 16,		/* that one selection is balanced over */
	POLICY_INSPECT_MIN = 64,	/* bytes of a direction, of `set inspect` */
	POLICY_INSPECT_MAX = 512,
};

enum policy_truth { POLICY_FALSE, POLICY_TRUE, POLICY_UNKNOWN };

/* How long it is waited for what a flow's bytes say: since its first frame, and while they leave it
 * open in each direction. */
struct policy_inspect {
	int64_t us;
	uint32_t bytes;
};

/* The rungs that a rule may name.  splice, snoop and release come later. */
enum policy_mode {
	POLICY_PROXY,
	POLICY_TRACK,
	POLICY_PASSIVE,
	POLICY_PASS,
	POLICY_DROP,
	POLICY_RESET,
};

/* Which ends get the RST. */
enum policy_reset { POLICY_RESET_BOTH, POLICY_RESET_CLIENT, POLICY_RESET_SERVER };

/* Which of two conflicting versions of a byte a passive stream delivers. */
enum policy_overlap {
	POLICY_OVERLAP_FIRST,
	POLICY_OVERLAP_LAST,
	POLICY_OVERLAP_REJECT,
	POLICY_OVERLAP_BSD,
	POLICY_OVERLAP_BSD_RIGHT,
	POLICY_OVERLAP_LINUX,
	POLICY_OVERLAP_OLD_LINUX,
	POLICY_OVERLAP_SOLARIS,
	POLICY_OVERLAP_OLD_SOLARIS,
	POLICY_OVERLAP_HPUX10,
	POLICY_OVERLAP_HPUX11,
	POLICY_OVERLAP_IRIX,
	POLICY_OVERLAP_MACOS,
	POLICY_OVERLAP_WINDOWS,
	POLICY_OVERLAP_WINDOWS2K3,
	POLICY_OVERLAP_VISTA,
	POLICY_N_OVERLAPS
};

/* The congestion control of a proxied flow's legs. */
enum policy_cc { POLICY_CC_DEFAULT, POLICY_CC_CUBIC, POLICY_CC_RENO };

/* What a proxied flow's SYN meets where handshakes leave no room for it. */
enum policy_urgent { POLICY_URGENT_INLINE, POLICY_URGENT_OOB, POLICY_URGENT_DROP };
enum policy_flood { POLICY_FLOOD_PASS, POLICY_FLOOD_COOKIE, POLICY_FLOOD_DROP };

/* Where a passive flow's bytes go. */
enum policy_sink { POLICY_SINK_COUNT, POLICY_SINK_FILES };

/* What a flow's end has to say for its frames to be kept; a set. */
enum policy_keep {
	POLICY_KEEP_ALWAYS = 1,
	POLICY_KEEP_GAPS = 2,
	POLICY_KEEP_CONFLICT = 4,
	POLICY_KEEP_RESET = 8,		/* it ended by a RST */
	POLICY_KEEP_REFUSED = 16,
	POLICY_KEEP_TIMEOUT = 32,
	POLICY_KEEP_IDLE = 64,
	POLICY_KEEP_EVICTED = 128,
	POLICY_KEEP_UNIDENTIFIED = 256,	/* its application is not known */
};

struct policy_attrs {
	bool log;
	bool close_local;		/* proxy: acknowledge a FIN at once */
	bool window_strict;		/* track: drop what is outside the receiver's window */
	/* these are of proxy as well */
	bool pace;			/* spread segments over the round trip */
	bool idle_restart;		/* begin with the initial window after an idle time */
	bool no_ecn;			/* send nothing that is ECN-capable */
	bool signed_reset;		/* refuse a SYN with MD5 or AO, else it is passed */
	uint16_t mss;			/* bytes, no segment is larger; 0: the MTU says */
	enum policy_cc cc;
	enum policy_flood flood;
	enum policy_overlap overlap;
	enum policy_urgent urgent;
	enum policy_sink sink;
	/* These live as long as the snapshot; NULL: none. */
	const char *sink_dir;		/* SINK_FILES: absolute */
	const char *eve;		/* events go to this file or socket ("unix:PATH") */
	const char *pcapng;		/* frames go to this folder */
	const char *keep_apps;		/* "tls,http": kept by these too */
	unsigned keep;			/* of enum policy_keep; 0 without keep_apps: always */
	bool stream;			/* passive: bytes go to readers of leatd's stream socket */
	int64_t timeout_us;		/* idle time; 0: the mode's own */
};

/* What is known of a flow: at its first packet, but for what its bytes say. */
struct policy_facts {
	struct ip_addr src, dst;	/* IPv4 is v4-mapped: the address tells the family */
	uint16_t sport, dport;		/* host order */
	uint16_t domain;		/* ingress domain: attachment id */
	uint8_t port;			/* ingress port: its index in policy_bind()'s names */
	uint8_t peer;			/* the port it is paired with; itself if none */
	uint8_t proto;			/* IP protocol number */
	uint8_t n_tags;
	uint16_t vid[POLICY_TAGS_MAX];	/* outermost first; a VID of 0 (priority tag) is no tag */
	bool midstream;			/* not a SYN: which end is the client is a guess */
	/* What its bytes say.  NULL: not known yet; "": nothing, and never will. */
	const char *app;		/* a chain, "smtp+tls" */
	const char *sni, *host, *alpn;	/* alpn: ';' between */
	bool app_grows;			/* the chain may get another link */
	bool settled;			/* it was waited long enough: what is not known is not so */
};

struct policy_verdict {
	enum policy_mode mode;		/* while it is waited: the mode to begin in */
	enum policy_reset reset;	/* mode RESET */
	struct policy_attrs attrs;	/* of the first rule with that mode */
	uint32_t rule;			/* index in file order; policy_n_rules() is the default */
	uint32_t n_waiting;		/* rules before it that it may be, once its bytes say it */
	unsigned may;			/* bit a mode: of these and of `rule` */
	const char *name;		/* of the rule; lives as long as the snapshot */
	bool swapped;			/* midstream: matched with the ends swapped */
	bool demoted;			/* proxy can't begin mid-stream: track */
};

/* One port range, inclusive. */
struct policy_ports {
	uint16_t lo, hi;
};

/* One prefix; `len` counts bits of its own family (0-32, 0-128). */
struct policy_prefix {
	struct ip_addr addr;
	uint8_t len;
	bool v6;
};

enum policy_steer_kind { POLICY_STEER_INLINE, POLICY_STEER_COPY, POLICY_STEER_MIRROR };

/* By what connections are spread over several pairs: both directions always go alike. */
enum policy_balance { POLICY_BALANCE_L3L4, POLICY_BALANCE_L3 };

/* Two of Leat's ports: towards the client, towards the server. */
struct policy_pair {
	const char *a, *b;
};

enum { POLICY_STEER_VLAN_ANY = -1, POLICY_STEER_VLAN_NONE = 0 };

/*
 * A selection for the switch.  Every name is made of [A-Za-z0-9_.:-], does not
 * begin with '-' or '.', is not a number and is no reserved port name of Open vSwitch:
 * it may stand in an argv and in flow text.  Empty lists mean any.
 */
struct policy_steer {
	const char *name;
	const char *bridge, *client, *server;
	enum policy_steer_kind kind;
	const struct policy_pair *pairs;	/* inline */
	size_t n_pairs;			/* more than one: balanced */
	enum policy_balance balance;
	const char *tap;		/* copy, mirror */
	uint16_t attachment;		/* inline: id of the metadata tag, 0 without */
	unsigned sample;		/* copy: one of so many connections, 1: all */
	const struct policy_prefix *from, *to;	/* client's and server's addresses */
	size_t n_from, n_to;
	const struct policy_ports *ports;	/* the server's */
	size_t n_ports;
	int vlan;			/* VID, or POLICY_STEER_VLAN_* */
	int next_table;			/* resubmit(,T); 0: NORMAL */
	bool fail_closed;		/* inline */
	unsigned order;			/* 0 first: earlier selections win */
};

/* One error: the text is `file:line:col: message`, the source line and a caret. */
struct policy_error {
	unsigned file;			/* in which order the files were read, from 0 */
	int line, col;			/* from 1; columns are bytes */
	char *text;			/* ends in a newline */
};

struct policy_errors {
	struct policy_error list[POLICY_ERRORS_MAX];	/* by file, line and column */
	unsigned n;
	unsigned n_more;		/* not kept */
};

struct policy;

/*
 * Reads a file: *text (to be freed) of at most `max` bytes.  0, or a negative errno with `err`.
 */
typedef int policy_read(const char *path, size_t max, char **text, size_t *len, struct err *err);

/*
 * Writes the text together with every file that it names, in a form that policy_parse() reads:
 * what is stored, sent and loaded again depends on no file.  A text that names none is written as
 * it is.  0; -EINVAL with an error for each file that can't be read; -ENOMEM, -EIO.
 */
int policy_expand(const char *name, const char *text, size_t len, policy_read *read, FILE *out,
		  struct policy_errors *errs);

/*
 * Compiles `len` bytes of `text` (which is copied); `name` stands in messages
 * for the file.  Files that the text names are those that policy_expand()
 * put into it.  0 and *out, which the caller frees; else *out is NULL:
 * -EINVAL with every error of the text in `errs`, -EFBIG or -ENOMEM with none.
 * `errs` is overwritten; release it with policy_errors_free() in every case.
 */
int policy_parse(const char *name, const char *text, size_t len, struct policy **out,
		 struct policy_errors *errs);

/* How many rules a text has that parses, by its words alone; -ENOMEM. */
int policy_count_rules(const char *text, size_t len);

/*
 * Resolves `on NAME` against the ports' names; facts then name a port by its
 * index.  Before it, rules with `on` match nothing.  Call before publishing.
 * 0, -EINVAL with errors (a rule names a port that there is not), -E2BIG.
 */
int policy_bind(struct policy *p, const char *const *ports, unsigned n_ports,
		struct policy_errors *errs);

/* NULL does nothing. */
void policy_free(struct policy *p);

/* Writes canonical text, which parses to an equal policy.  0, or -EIO. */
int policy_print(const struct policy *p, FILE *f);

/* Writes rule `i` alone (policy_n_rules(): the default), without a newline. */
void policy_print_rule(const struct policy *p, uint32_t i, FILE *f);

/* Do they say the same: sets, selections, rules and default, in their order? */
bool policy_equal(const struct policy *a, const struct policy *b);

/*
 * Writes what `b` has otherwise than `a`, a line each, nothing if they say the same: "+ " and "- "
 * before statements that came and went (both, where one changed), or before an item of a set, and
 * "> " before a rule or selection that moved.  0, -ENOMEM, -EIO.
 */
int policy_diff(const struct policy *a, const struct policy *b, FILE *f);

/* Is rule `i` of one printed as rule `k` of the other?  Sets are compared by name. */
bool policy_rule_equal(const struct policy *a, uint32_t i, const struct policy *b, uint32_t k);

/* The rule of this name; policy_n_rules(): there is none but the default. */
uint32_t policy_find_rule(const struct policy *p, const char *name);

/*
 * First match in file order wins, else the default.  Where `midstream` is set
 * the client is not known: a rule takes the flow if it matches either way round.
 *
 * A rule that asks for what is not known yet is remembered, and the walk goes on: v->rule is what
 * takes the flow if none of the v->n_waiting rules does.  The flow then begins in the strongest
 * mode that any of them could need (proxy, passive, track), and is decided again, by the same
 * call, when more is known.
 */
void policy_decide(const struct policy *p, const struct policy_facts *f, struct policy_verdict *v);

/* One rule tried on a flow. */
struct policy_try {
	uint32_t rule;			/* policy_n_rules(): the default */
	bool takes, swapped;		/* swapped: with the ends the other way round */
	bool waits;			/* it would, if the flow said what is not known yet */
	/* The first condition that fails: as given, and (midstream) the other way round:
	 * "from", "from port", "to", "port", "proto", "vlan", "on", "domain", "app", "sni", "host",
	 * "alpn"; NULL: none.  Of a rule that waits: what is not known. */
	const char *fails[2];
};

/*
 * Tells `fn` of each rule in order, up to the one that policy_decide() takes, which is the
 * last.  It reads the same index and compares by the same functions.
 */
void policy_explain(const struct policy *p, const struct policy_facts *f,
		    void (*fn)(void *aux, const struct policy_try *t), void *aux);

/* Writes why the rule does not take the flow, in words; nothing if it does.  `ports` as in
 * policy_bind(). */
void policy_explain_why(const struct policy *p, const struct policy_facts *f,
			const struct policy_try *t, const char *const *ports, FILE *out);

uint32_t policy_n_rules(const struct policy *p);

/* What `set inspect` says, else 3 s and 512 bytes. */
struct policy_inspect policy_inspect(const struct policy *p);

/* Where rule `i` stands: its file's name, and the line from 1. */
const char *policy_rule_place(const struct policy *p, uint32_t i, int *line);

/* The mode that rule `i` has for a flow of which the beginning was seen, or was not. */
enum policy_mode policy_rule_mode(const struct policy *p, uint32_t i, bool midstream);

/* The name of rule `i`, or "default". */
const char *policy_rule_name(const struct policy *p, uint32_t i);

/* Does any of them say that flows' frames are kept? */
bool policy_keeps_frames(const struct policy *p);

/* Does any rule, or the default, name this mode? */
bool policy_uses(const struct policy *p, enum policy_mode mode);

/* Writes selection `i` alone, with its newline. */
void policy_print_steer(const struct policy *p, size_t i, FILE *f);

/* The steer statements in file order; *n of them, NULL if none. */
const struct policy_steer *policy_steers(const struct policy *p, size_t *n);

/* "proxy", "track", ... */
const char *policy_mode_name(enum policy_mode m);

/* Writes all errors, and how many more there were. */
void policy_errors_print(const struct policy_errors *errs, FILE *f);

/* Frees the texts and empties the list. */
void policy_errors_free(struct policy_errors *errs);

#endif
