/*
 * l2.h - link headers learned from one direction and written for it again.
 *
 * The metadata tag, by which the switch knows an attachment's frames, is put back in front of
 * the user's tags.  A template follows a MAC move: it is the latest frame's.  Stacks deeper than
 * two are interned with TPID and PCP, counted.  Single-threaded.
 */
#ifndef TCPTERM_L2_H
#define TCPTERM_L2_H

#include <tcpterm/types.h>
#include <tcpterm/flow.h>

struct l2_stacks;

struct l2_stacks *l2_stacks_new(uint32_t n_max);
void l2_stacks_free(struct l2_stacks *s);

/* Makes `t` what the frame says; cheap when nothing changed. False: no room for a deep stack. */
bool l2_learn(struct l2_stacks *s, struct l2_template *t, const struct pkt *p);
bool l2_from(struct l2_stacks *s, struct l2_template *t, const struct tcpterm_l2 *l2, uint8_t side);
void l2_forget(struct l2_stacks *s, struct l2_template *t);

/* Length of the link header, and the header with EtherType `ether_type` written to `to`. `swap`
 * exchanges the MACs: a reply along the same tags. */
unsigned l2_len(const struct l2_template *t);
unsigned l2_write(const struct l2_stacks *s, const struct l2_template *t, bool swap,
		  uint16_t ether_type, uint8_t *to);

#endif
