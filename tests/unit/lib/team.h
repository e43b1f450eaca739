/*
 * team.h - stacks that share their frames, as workers do: each frame arrives at the stack that the
 * test says, and is handed over to its owner by the rings that leatd's workers use.
 *
 * With one stack nothing crosses.  One thread runs them all, in virtual time.  A frame's `port` is
 * the side it came by.
 */
#ifndef LEAT_TESTS_UNIT_TEAM_H
#define LEAT_TESTS_UNIT_TEAM_H

#include <tcpterm/stack.h>

#include "datapath/handoff.h"
#include "tests/unit/tap.h"

enum { TEAM_MAX = 4 };

/* How many stacks the running test is to have, where its library (lone.h, chain.h, ...) goes by
 * it: 1, and in programs that end by TEAM_MAIN() 2 and 4, too. */
extern unsigned team_size;

/* Tests that show a check of S run three times; with 2 and 4 stacks their names say so. */
#define TEAM_MAIN(suite_name, ...)                                                                 \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct tap_test tests[] = { __VA_ARGS__ };                            \
                                                                                                   \
		return team_tap(#suite_name, tests, sizeof tests / sizeof tests[0], argc, argv);   \
	}
int team_tap(const char *suite, const struct tap_test *tests, unsigned n, int argc, char **argv);

struct team {
	unsigned n;
	struct tcpterm *stack[TEAM_MAX];
	struct frag_table *frags[TEAM_MAX];
	struct handoff *handoff;
	struct parse_conf conf[2];	/* by side */
	unsigned first;			/* whose turn is next */
	uint64_t crossed;		/* frames and datagrams that were handed over */
	/* for fragments that make no segment */
	void (*forward)(void *ctx, const struct pkt *p);
	void *ctx;
	struct {
		unsigned n;
		struct rte_mbuf *m[HANDOFF_BURST];
	} queue[TEAM_MAX];		/* what has arrived and was not read */
};

/*
 * So many stacks of these settings; mbufs that may be held are divided among them.  Frames are read
 * in domain `domain`; `tap`: they are copies.  0, or a negative errno with `err`, and nothing is
 * left.
 */
int team_init(struct team *t, unsigned n, const struct tcpterm_conf *conf, uint16_t domain,
	      bool tap, usec_t now, struct err *err);

/* Frees what waits, too. */
void team_fini(struct team *t);

/* The frame arrives at stack `at` by `side`; taken. */
void team_arrive(struct team *t, unsigned at, uint8_t side, struct rte_mbuf *m, usec_t now);

/* One that is not this frame's, another one for each side where there are more than two; where
 * there is one stack, that. */
unsigned team_stranger(const struct team *t, uint8_t side, struct rte_mbuf *m);

/* Every stack has turns until nothing is on its way, and its timers are fired. */
void team_run(struct team *t, usec_t now);
usec_t team_next(const struct team *t);

/* Whose a frame is, and a tuple without VLANs: which of t->stack. */
unsigned team_owner(const struct team *t, uint8_t side, struct rte_mbuf *m);
unsigned team_owner_of(const struct team *t, const struct flow_key *k);

/* At every stack, under one id. */
int team_listen(struct team *t, const struct tcpterm_listener_conf *l, tcpterm_listener_id *id);
int team_unlisten(struct team *t, tcpterm_listener_id id);

/* The sums over all stacks. */
void team_stats(const struct team *t, struct tcpterm_stats *sum);
uint64_t team_drops(const struct team *t, enum drop why);

/* The first flow of any; NULL. */
struct flow *team_flow(struct team *t);

#endif
