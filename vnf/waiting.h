/*
 * waiting.h - flows whose rule depends on what their bytes will say (leat-policy(5), Names).
 *
 * Such a flow begins in the strongest mode that it may need, and is decided by the policy then in
 * force when its bytes have said enough, or when they were waited for as long as `set inspect`
 * says.  It is then moved down the ladder.  A worker's; where there is hardly room for another one,
 * the flow that has waited for longest is decided by what is known of it.
 */
#ifndef LEAT_VNF_WAITING_H
#define LEAT_VNF_WAITING_H

#include <tcpterm/stack.h>

struct note;
struct worker;

struct waiting;

/* Room for `n`, above 1024; memory is used as it is needed.  NULL: none. */
struct waiting *waiting_new(uint32_t n);
void waiting_free(struct waiting *w);

/* The flow waits from here on; its note is taken. */
void waiting_begin(struct worker *w, struct flow *f, struct note *n);

/* More is known of a flow that waits. */
void waiting_heard(struct worker *w, struct note *n);

/* The flow of the note is over, or waits no more. */
void waiting_end(struct worker *w, struct note *n);

/*
 * Decides those that can be decided, in no callback of the stack's and before tcpterm_run(), so
 * that what a relay took in this turn has not left yet.  Returns how many.
 */
unsigned waiting_run(struct worker *w);

/* How many wait. */
uint32_t waiting_count(const struct waiting *w);

#endif
