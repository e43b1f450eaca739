/*
 * ast.h - a policy as it was written, and the parser's state (private to vnf/policy).
 *
 * Everything here lives in the arena of its `struct policy` and goes with it:
 * no token and no node owns memory, so error recovery has nothing to release.
 * Written while parsing and compiling, on one thread; read-only afterwards.
 */
#ifndef LEAT_VNF_POLICY_AST_H
#define LEAT_VNF_POLICY_AST_H

#include "vnf/policy/policy.h"
#include "vnf/policy/span.h"

/* Bump allocation; freed as a whole. */
struct arena {
	struct arena_block *head;
};

void *arena_alloc(struct arena *a, size_t n);	/* zeroed; NULL: no memory */
char *arena_strndup(struct arena *a, const char *s, size_t n);
void arena_fini(struct arena *a);

/* One file's text; the first is the one that was given, the others it names. */
struct source {
	struct source *next;
	const char *name, *text;
	size_t len;
	unsigned order;			/* in which they came, from 0 */
};

/* A place in a text: bytes [off, end), beginning at line:col. */
struct loc {
	const struct source *src;
	int line, col;
	size_t off, end;
};

struct word {
	const char *s;
	struct loc loc;
};

enum item_kind {
	ITEM_DOTTED,	/* 10.0.0.1 or VLANs 100.200: the context tells */
	ITEM_ADDR6,
	ITEM_RANGE,	/* one number is lo = hi */
	ITEM_UNTAGGED,
	ITEM_SET,
	ITEM_WORD,	/* a name to be checked; an error elsewhere */
	ITEM_PREFIX,	/* from DOTTED or ADDR6, checked */
	ITEM_STACK,	/* from DOTTED, checked */
	ITEM_NAME,	/* from WORD or DOTTED, checked */
};

struct item {
	enum item_kind kind;
	struct loc loc;
	struct item *next;
	const char *text;		/* DOTTED, ADDR6, WORD, NAME; SET: its name */
	int64_t len;			/* written prefix length, -1: none */
	union {
		struct {
			uint64_t lo, hi;	/* RANGE */
		};
		struct policy_prefix prefix;
		struct {
			uint8_t n_vids;		/* STACK */
			uint16_t vid[POLICY_TAGS_MAX];
		};
		struct set *set;
		const char *name;		/* NAME: without "*" first and "." last */
	};
};

/* Names, sorted without regard to case. */
struct texts {
	size_t n;
	const char *v[];
};

enum list_kind { LIST_ADDR, LIST_PORT, LIST_DOMAIN, LIST_VLAN, LIST_NAME };

/* What stands after from, to, port, vlan, domain and in a set. */
struct list {
	struct item *first, **tail;
	size_t n;
	bool any, negated;
	struct loc loc;
};

struct set {
	struct set *next;
	const char *name;
	struct loc loc;
	const char *file;		/* where its items are; NULL: in the statement */
	struct list *list;		/* NULL: its definition is broken */
	enum list_kind kind;		/* ADDR, PORT or NAME */
	bool ready;			/* checked: may be referred to */
	const struct spans *spans;
	const struct texts *texts;	/* NAME */
};

/* Bits of `struct match`.seen. */
enum match_field {
	SEEN_FROM,
	SEEN_TO,
	SEEN_SPORT,
	SEEN_DPORT,
	SEEN_PROTO,
	SEEN_VLAN,
	SEEN_ON,
	SEEN_DOMAIN,
	/* what its bytes say */
	SEEN_APP,
	SEEN_SNI,
	SEEN_HOST,
	SEEN_ALPN,
	SEEN_N,
};

enum { N_NAMES = SEEN_N - SEEN_APP };

/* The conditions of a rule or a selection; a NULL list is any. */
struct match {
	struct list *from, *to, *sport, *dport, *vlan, *domain;
	struct list *name[N_NAMES];	/* by field, from SEEN_APP on */
	struct word on;			/* s NULL: any port */
	bool tcp;
	struct loc seen[SEEN_N];	/* line 0: not written */
};

enum attr_field {
	ATTR_LOG,
	ATTR_TIMEOUT,
	ATTR_OVERLAP,
	ATTR_CLOSE,
	ATTR_SINK,	/* count, files */
	ATTR_STREAM,
	ATTR_EVE,
	ATTR_PCAPNG,
	ATTR_KEEP,
	ATTR_CC,
	ATTR_PACE,
	ATTR_IDLE_RESTART,
	ATTR_ECN,
	ATTR_MSS,
	ATTR_FLOOD,
	ATTR_SIGNED,
	ATTR_WINDOW,
	ATTR_URGENT,
	ATTR_N
};

struct attr_list {
	struct policy_attrs v;
	struct loc seen[ATTR_N];
};

/* The dimensions of the index; the rest is compared rule by rule. */
enum dim_id { DIM_SRC, DIM_DST, DIM_SPORT, DIM_DPORT, DIM_DOMAIN, DIM_VID, DIM_N };

struct rule {
	struct rule *next;
	struct word name;
	enum policy_mode mode;
	enum policy_reset reset;
	struct match *match;		/* the default's is empty */
	struct attr_list *attrs;
	const struct spans *dim[DIM_N];	/* NULL: any */
	uint64_t ports;			/* bit k: port k of policy_bind(); `on` only */
	bool has_names;
	const struct texts *texts[N_NAMES];	/* of match->name */
};

/* Two of Leat's ports, and those after them in a list that balances. */
struct pair {
	struct pair *next, *last;	/* last: of the list's first */
	struct word a, b;
};

struct steer {
	struct steer *next;
	struct word name, bridge, client, server;
	enum policy_steer_kind kind;
	struct match *match;
	struct pair *pairs;		/* inline */
	struct word tap;		/* copy, mirror */
	struct loc path;		/* of what says how it goes: attachment, balance, ... */
	bool balanced;
	enum policy_balance balance;
	uint16_t attachment;		/* 0: none */
	unsigned sample;
	int next_table;
	bool fail_closed;
};

/* Half-open pieces of one dimension, each with the rules that it satisfies. */
struct dim {
	size_t n;
	u128 *start;			/* ascending; start[0] is 0; NULL: any, by all rules */
	uint32_t *row;			/* piece -> row */
	uint64_t *bits;			/* row * n_words: bit r, rule r holds here */
	size_t n_rows;
};

struct policy {
	struct arena arena;
	struct source *sources, **sources_tail;
	unsigned n_sources;
	struct set *sets, **sets_tail;
	void *set_tree;			/* tsearch(3) by name */
	struct rule *rules, **rules_tail;
	struct steer *steer_list, **steer_tail;
	struct rule *def;
	struct policy_inspect inspect;
	struct loc inspect_seen;	/* line 0: not written */

	struct rule **rule;		/* by index */
	uint32_t *by_name;		/* the rules' indices, in the order of their names */
	uint32_t n_rules;
	size_t n_words;			/* 64-bit words of a row */
	struct dim dim[DIM_N];
	struct policy_steer *steers;
	size_t n_steers;
};

struct parser {
	struct policy *p;
	struct policy_errors *errs;
	policy_read *read;		/* NULL: only what was given with the text is there */
	struct frame *frame;		/* the file being read (lex.l) */
	struct loc at;			/* the token that was read last */
	int next_col;			/* where the next one begins */
	int token;			/* what it was */
	struct word open;		/* s not NULL: read this file next */
	bool open_set;			/* it holds the items of a set */
	unsigned n_opened;
	size_t n_bytes;			/* of all files opened */
	struct match *match;		/* of the statement being read */
	struct attr_list *attrs;
	bool skipping;			/* in a broken statement: skip to the next */
	bool only_files;		/* words are not complained of */
	bool default_seen;
	bool nomem;
	/* sinks.c: of the sink being read */
	struct loc kept;		/* line 0: it has no `keep` */
	unsigned keep;
	const char *keep_apps;
};

/* errors.c */
void error_at(const struct policy *p, struct policy_errors *errs, const struct loc *loc,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void errors_sort(struct policy_errors *errs);
/* "line 1:5", or "file:1:5" if that is another file than that of `here`.  Into `buf`. */
enum { PLACE_MAX = 160 };
const char *place_name(const struct loc *here, const struct loc *there, char buf[PLACE_MAX]);
/* The source text of `loc`, in quotes and cut to what a person reads, into `buf`. */
const char *source_quote(const struct policy *p, const struct loc *loc, char *buf, size_t size);

/* Adds `what` to a list of words in `buf`, `len` long; words of the language go in quotes. */
size_t phrase_add(char *buf, size_t size, size_t len, const char *what, bool first, bool last);

/* source.c */
/* Takes the text apart if it carries files.  0 or -ENOMEM. */
int sources_take(struct policy *p, const char *name, const char *text, size_t len);
/* Writes the text, with its files if it has any.  0 or -EIO. */
int sources_put(const struct policy *p, FILE *out);
/* The file that `word` names in its own file's folder; NULL, and it was said why. */
struct source *source_open(struct parser *ps, const struct word *word);

/* ast.c: what the grammar's actions call.  Those that return a pointer return NULL
 * where there is no memory. */
struct item *item_new(struct parser *ps, enum item_kind kind, struct loc loc);
struct item *item_text(struct parser *ps, enum item_kind kind, const char *text, struct loc loc);
struct item *item_prefix(struct parser *ps, enum item_kind kind, const char *text, uint64_t len,
			 struct loc loc);
struct item *item_range(struct parser *ps, uint64_t lo, uint64_t hi, struct loc loc);
struct list *list_new(struct parser *ps, struct loc loc);
void list_add(struct list *l, struct item *i);
void list_negate(struct parser *ps, struct list *l, const struct loc *loc);
struct set *set_declare(struct parser *ps, const char *name, struct loc loc);
struct set *set_find(const struct policy *p, const char *name);
void match_list(struct parser *ps, enum match_field field, struct list *l, const struct loc *loc);
void match_tcp(struct parser *ps, const struct loc *loc);
void match_on(struct parser *ps, const struct word *port, const struct loc *loc);
void proto_refuse(struct parser *ps, const struct loc *loc);
void attr_once(struct parser *ps, enum attr_field field, const struct loc *loc);
void attr_timeout(struct parser *ps, uint64_t us, const struct loc *loc);
void overlap_choose(struct parser *ps, const struct loc *loc, const struct word *word);
const char *overlap_word(enum policy_overlap o);
/* A new statement: nothing is known of it.  0 or -ENOMEM. */
int statement_begins(struct parser *ps);
void later_refuse(struct parser *ps, const struct loc *loc);
int table_check(struct parser *ps, uint64_t table, const struct loc *loc);
void inspect_set(struct parser *ps, uint64_t us, const struct loc *us_loc, const char *bytes,
		 const struct loc *bytes_loc);
struct rule *rule_new(struct parser *ps, enum policy_mode mode);
void rule_add(struct parser *ps, struct rule *r);
void default_add(struct parser *ps, struct rule *r);
struct steer *steer_new(struct parser *ps, enum policy_steer_kind kind, int next_table);
void steer_add(struct parser *ps, struct steer *s);
struct pair *pair_new(struct parser *ps, const struct word *a, const struct word *b);
struct pair *pair_append(struct pair *list, struct pair *one);
int attachment_check(struct parser *ps, uint64_t id, const struct loc *loc);
int sample_check(struct parser *ps, uint64_t one, const struct loc *one_loc, uint64_t of,
		 const struct loc *of_loc);

/* sinks.c: where a flow's bytes, frames and events go. */
#define SINK_VERDICTS "always, gaps, conflict, reset, refused, timeout, idle, evicted, unidentified"
void sink_count(struct parser *ps, const struct loc *loc);
void sink_files(struct parser *ps, const struct loc *loc, const char *dir,
		const struct loc *dir_loc);
/* A sink without a path, and with one; then what its `keep` said was read before. */
void sink_word(struct parser *ps, const char *kind, const struct loc *loc,
	       const struct loc *kind_loc);
void sink_path(struct parser *ps, const char *kind, const struct loc *loc,
	       const struct loc *kind_loc, const char *path, const struct loc *path_loc);
void sink_keep(struct parser *ps, const char *word, const struct loc *loc);
void sink_verdict(struct parser *ps, const char *word, const struct loc *loc);
void sink_verdict_app(struct parser *ps, struct list *l, const struct loc *loc);
/* As tune_check(), tune_equal() and tune_print(). */
void sinks_check(struct parser *ps, const struct rule *r);
bool sinks_equal(const struct policy_attrs *a, const struct policy_attrs *b);
const char *sinks_print(const struct attr_list *a, const char *sep, FILE *f);

/* expected.c */
struct unexpected {
	const struct loc *loc;
	const char *found, *before;	/* symbols: this one, and the one before it */
	bool is_word, is_later, is_bad;
	const char **expected;		/* is written to */
};
/* Says what was found and which of `n` symbols could have stood there; the statement is skipped. */
void unexpected_report(struct parser *ps, const struct unexpected *u, int n);

/* tune.c: how a flow's connections behave, or are followed. */
/* One of CC, PACE, IDLE_RESTART, ECN, FLOOD, SIGNED and WINDOW, with its word (s NULL: it has
 * none). */
void tune_choose(struct parser *ps, enum attr_field field, const struct loc *loc,
		 const struct word *word);
void tune_mss(struct parser *ps, uint64_t bytes, const struct loc *loc);
/* Says of those given that the rule's mode has no use for them. */
void tune_check(struct parser *ps, const struct rule *r);
bool tune_equal(const struct policy_attrs *a, const struct policy_attrs *b);
/* Writes them; `sep` stands before the first.  What stands before the next one. */
const char *tune_print(const struct attr_list *a, const char *sep, FILE *f);

/*
 * check.c: reads the items of a list as `kind` wants them.  Each returns false
 * after it has said what is wrong (or where a set that it needs is broken, of
 * which it was said before).
 */
bool list_check(struct parser *ps, struct list *l, enum list_kind kind);
void set_check(struct parser *ps, struct set *s);
bool rule_check(struct parser *ps, struct rule *r);
bool match_check(struct parser *ps, struct match *m);
void name_check(struct parser *ps, const struct word *w);

/* names.c */
/* Reads one item of a list of names. */
bool item_name(struct parser *ps, struct item *i);
/* What a checked list holds, in the arena.  NULL: no memory (ps->nomem). */
const struct texts *list_texts(struct parser *ps, const struct list *l);
/* Are they applications that are known? */
bool labels_check(struct parser *ps, const struct list *l);
/* False if the rule is not to go on: no flow says what it asks for, or no memory. */
bool names_compile(struct parser *ps, struct rule *r);
/* Does every flow that says what `b` asks for say what `a` asks for? */
bool names_include(const struct rule *a, const struct rule *b);
/* What the flow says of the rule's names; *which: of the condition that decided, SEEN_N: none. */
enum policy_truth names_hold(const struct rule *r, const struct policy_facts *f,
			     enum match_field *which);
/* NULL: not known. */
const char *fact_of(const struct policy_facts *f, enum match_field field);

/* steer_check.c */
bool steer_check(struct parser *ps, struct steer *s);
/* Against the selections before it. */
void steer_check_against(struct parser *ps, const struct steer *s);

/* steer.c */

/* Fills p->steers from the list.  0 or -ENOMEM. */
int steers_compile(struct parser *ps);

/* compile.c */
/* What a checked list holds, in the arena.  NULL: no memory (ps->nomem). */
const struct spans *list_spans(struct parser *ps, const struct list *l, enum list_kind kind);
/* Does every stack and range of `b` stand in `a`?  NULL is any. */
bool vlans_include(const struct list *a, const struct list *b);
/* 0, -EINVAL (the errors say why), -ENOMEM. */
int policy_compile(struct parser *ps);

/* shadow.c */
/* Says of rules that those before them leave nothing.  0 or -ENOMEM. */
int shadows_check(struct parser *ps);

/* index.c */
int index_build(struct policy *p);
void index_fini(struct policy *p);

/* The rows of the index that one key selects; a NULL row is all rules. */
struct index_rows {
	const uint64_t *row[DIM_N];
};

void index_rows(const struct policy *p, const u128 key[DIM_N], struct index_rows *rows);
/* The first rule in [from, limit) that stands in all the rows, else `limit`. */
uint32_t index_next(const struct policy *p, const struct index_rows *rows, uint32_t from,
		    uint32_t limit);

/* Does rule `i` stand in the row of dimension `d`? */
bool index_holds(const struct index_rows *rows, enum dim_id d, uint32_t i);

/* decide.c */
/* A flow one way round, looked up in the index; the rest is compared rule by rule. */
struct way {
	struct index_rows rows;
	unsigned n_vids;
	uint16_t vid[POLICY_TAGS_MAX];	/* the VLAN stack without priority tags */
	uint8_t proto, port;
};

/* Fills `w`; `swap`: with the ends the other way round. */
void way_look(const struct policy *p, const struct policy_facts *f, bool swap, struct way *w);
/* Which condition of the rule fails that the index leaves open; SEEN_N: none. */
enum match_field rest_fails(const struct rule *r, const struct way *w);

/* The rules that a flow meets, in their order. */
struct walk {
	const struct policy *p;
	const struct policy_facts *f;
	struct way way[2];
	unsigned n_ways;
};

void walk_begin(struct walk *w, const struct policy *p, const struct policy_facts *f);
/* The first rule from `from` on that takes the flow, or may: which is *truth.  p->n_rules, and
 * true: it is the default. */
uint32_t walk_next(const struct walk *w, uint32_t from, bool *swapped, enum policy_truth *truth);

/* print.c */
/* "from <lan>": one condition as it is written; nothing if there is none. */
void condition_print(const struct match *m, enum match_field field, FILE *f);

#endif
