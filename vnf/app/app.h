/*
 * app.h - which application protocol the two byte streams of a flow speak, and the names in them.
 *
 * What is known of a flow is a struct app_state of its owner's, which must not move; bytes that
 * must be kept from one segment to the next, and names, are in memory of a struct app, of which
 * each worker has one: reserved once, used as needed.  Where it runs out, the flow that has kept
 * bytes for longest stops being looked at.  All calls are of the thread that owns the struct app.
 *
 * The answer depends on the first contiguous bytes of both directions alone: not on ports, nor on
 * how the bytes were cut.  It is given once and then stays; a later upgrade only adds to it
 * ("smtp" becomes "smtp+tls").  The protocols are the rows of protocols.def.
 */
#ifndef LEAT_VNF_APP_APP_H
#define LEAT_VNF_APP_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	APP_LOOK = 512,		/* bytes of a direction that are looked at to identify */
	APP_PATIENCE = 16384,	/* bytes of one direction, while the other is silent */
	APP_LABEL = 48,		/* bytes of a printed chain, with its NUL */
	APP_NAME = 256,		/* bytes of a name, with its NUL: RFC 1035 2.3.4, RFC 4253 4.2 */
	APP_ALPN = 64,
	APP_BANNER_TOLD = 200,	/* bytes of an SSH banner as it is told */
	APP_LIST = 480,		/* bytes of all names of a flow as app_list() writes them */
};

enum app_answer {
	APP_UNKNOWN,		/* the bytes so far do not tell */
	APP_FOUND,
	APP_UNDEFINED,		/* looked, nothing matches */
};

enum app_id {
	APP_NONE,
#define PROTOCOL(id, ...) APP_##id,
#include "vnf/app/protocols.def"
#undef PROTOCOL
	APP_N
};

/* --- names --- */

enum app_names_kind { APP_NAMES_NONE, APP_NAMES_TLS, APP_NAMES_HTTP, APP_NAMES_SSH, APP_NAMES_DNS };

/*
 * Texts end with a NUL and are cut to their room.  They are the peer's bytes as they came, except
 * that a NUL in them ends them: whoever shows them makes them harmless for its medium.
 */
struct app_names {
	uint8_t kind;		/* enum app_names_kind */
	union {
		struct {
			char sni[APP_NAME];	/* RFC 6066 3 */
			char alpn[APP_ALPN];	/* RFC 7301 3.1: the client's list, ';' between */
			char ja3[33], ja4[37];
			uint16_t version;	/* the client's highest, or the server's choice */
			bool chosen;		/* it is the server's */
			bool ech;		/* the encrypted_client_hello extension was there */
		} tls;
		struct {
			char host[APP_NAME];	/* of the request line, else of the Host field */
			char method[16];
			uint16_t status;	/* of the first response; 0: none seen */
		} http;
		struct {
			char banner[2][APP_NAME];	/* client's, server's; RFC 4253 4.2 */
		} ssh;
		struct {
			char name[APP_NAME];	/* of the first question */
		} dns;
	};
};

/* --- one flow --- */

struct app_hold;
struct app_long;
struct app_park;

/* Fields are app/'s own.  All zeros is a flow of which no byte was seen. */
struct app_state {
	struct app_hold *hold;	/* the first bytes of both directions */
	struct app_long *tail;	/* the client's, where more than APP_LOOK are needed */
	struct app_park *park;	/* what came out of order */
	struct app_names *names;
	uint32_t seen[2];	/* contiguous bytes so far, in each direction */
	uint8_t outer, id;	/* enum app_id: a chain of at most two */
	uint8_t answer, phase;
	bool weak, unsure, flip;	/* `flip`: direction 0 is the server's */
	bool sided;		/* it was unsure, and is not any more */
	bool asked;		/* the client asked for TLS */
	uint8_t closed, done;	/* bit a direction */
	uint8_t n_word, n_head;
	uint16_t passed;	/* the client's bytes in which TLS was awaited */
	uint8_t head[8];	/* the first of them */
};

/* A worker's memory. */
struct app;

struct app_limits {
	uint32_t n_holds;	/* undecided flows whose bytes are kept, 1 KB each */
	uint32_t n_longs;	/* requests or ClientHellos above APP_LOOK at a time, 20 KB each */
	uint32_t n_names;	/* flows with names, 0.6 KB each, kept until they end */
	uint32_t n_parks;	/* flows whose bytes came out of order, 6 KB each */
};

/* Address space is reserved, memory used as needed.  NULL: none. */
struct app *app_new(const struct app_limits *limits);
void app_free(struct app *a);

/* `roles_unsure`: direction 0 may as well be the server's (no SYN was seen). */
void app_begin(struct app_state *s, bool roles_unsure);

/* Which direction is the client's, of a flow whose roles were unsure: 0 or 1.  -1: its bytes do not
 * tell, so far. */
int app_client(const struct app_state *s);

/* Direction 0 is the client's for certain, and was the other one until now (app_turn), or was taken
 * for it all the time. */
void app_turn(struct app_state *s);
void app_keep_roles(struct app_state *s);

/*
 * The next `len` bytes of direction `dir` (0: client to server).  `p` is read during the call only.
 * Returns app_answer() as it is afterwards.
 */
enum app_answer app_feed(struct app *a, struct app_state *s, unsigned dir, const void *p,
			 size_t len);

/*
 * The same for bytes at `off` of the direction, in whatever order they come and however often; of
 * what came twice the first counts.  What comes too early is kept; where there is no room for it,
 * as app_gap().
 */
enum app_answer app_feed_at(struct app *a, struct app_state *s, unsigned dir, uint64_t off,
			    const void *p, size_t len);

/* Bytes of `dir` are missing here: nothing after them will be looked at. */
enum app_answer app_gap(struct app *a, struct app_state *s, unsigned dir);

/* No byte will follow: what can be said is said. */
enum app_answer app_settle(struct app *a, struct app_state *s);

/* The flow has ended; gives its memory back. */
void app_end(struct app *a, struct app_state *s);

/* Would app_feed() of this direction still change anything?  False: it need not be called. */
bool app_wants(const struct app_state *s, unsigned dir);

enum app_answer app_answer(const struct app_state *s);

/* The answer is of a signature that other traffic could have by chance. */
bool app_is_weak(const struct app_state *s);

/* Nothing fits yet, though a direction has said `bytes` bytes. */
bool app_says_nothing(const struct app_state *s, uint32_t bytes);

/*
 * What may be relied on.  NULL: not known yet; "": there is none, and will be none.  Valid until
 * the next call for this flow.
 */
struct app_known {
	char chain[APP_LABEL];
	const char *app, *sni, *host, *alpn;
	bool grows;		/* `app` may get another link */
};
void app_known(const struct app_state *s, struct app_known *k);

/* "tls", "smtp+tls", or "" while it is unknown or undefined.  Returns `buf`. */
char *app_print(const struct app_state *s, char buf[APP_LABEL]);

/* Does the chain have this label, or is it the whole chain? */
bool app_is(const struct app_state *s, const char *label);

/* NULL: none yet. */
const struct app_names *app_names(const struct app_state *s);

/*
 * Is it the flow's name; "": has it none?  Names of hosts have no case; "*.example" is every name
 * below example, and a host without a port is one with any.  An ALPN is one of those offered.
 */
bool app_is_sni(const struct app_state *s, const char *sni);
bool app_is_host(const struct app_state *s, const char *host);
bool app_is_alpn(const struct app_state *s, const char *alpn);

/* --- names as texts, for people, the database and programs --- */

/*
 * Tells `fn` of each name that is known: its key and its text, at most APP_NAME bytes with the
 * NUL, printable ASCII; a backslash and every other byte is \xHH.  The keys, in this order:
 * sni, alpn (';' between), tls_version, ja3, ja4, ech; host, method, status; client_banner,
 * server_banner; query.  Of flows whose application is unknown nothing is told.
 */
typedef void app_told(void *aux, const char *key, const char *text);
void app_tell(const struct app_state *s, app_told *fn, void *aux);

/* Writes them as lines, "sni=www.example\nalpn=h2\n"; what there is no room for is left out. */
void app_list(const struct app_state *s, char *to, size_t size);

/* Writes `from` as app_tell() does, cut to `size` with its NUL.  Returns its length. */
size_t app_harmless(char *to, size_t size, const char *from);

/* The label of a row, and its reference. */
const char *app_label(enum app_id id);
const char *app_reference(enum app_id id);

/* --- counters --- */

struct app_status {
	uint64_t found, undefined, stolen;	/* flows; `stolen`: given up for want of memory */
	uint32_t holds, longs, names, parks;	/* in use */
};
void app_status(const struct app *a, struct app_status *st);

/* How many rows the bytes so far leave possible; for tests. */
unsigned app_candidates(const void *client, size_t n_client, const void *server, size_t n_server);

#endif
