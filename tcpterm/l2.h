/*
 * l2.h - link headers learned from one direction of a flow and written for it again.
 *
 * Most flows share their headers with many others, but for the VIDs, which are in their keys; so
 * headers are interned without these, counted, and a flow has a name for each direction's.  What
 * an end's IP headers have in common is learned and kept with them.  The metadata tag, by which the
 * switch knows an attachment's frames, is put back in front of the user's tags.  A template follows
 * a MAC move: it is the latest frame's.  Single-threaded.
 */
#ifndef TCPTERM_L2_H
#define TCPTERM_L2_H

#include <tcpterm/types.h>
#include <tcpterm/flow.h>

struct l2_headers;

/* How an end writes its IP headers, by its latest acceptable segment; ttl 0: not seen yet. */
struct manners {
	uint8_t ttl, tos;	/* without ECN's bits where they come from a template */
	bool df;
	uint32_t flow_label;
};

/* Room for `n_max` different ones. */
struct l2_headers *l2_headers_new(uint32_t n_max);
void l2_headers_free(struct l2_headers *s);
void l2_headers_commit(struct l2_headers *s);	/* as slab_commit() */

/* Makes `t` what the frame says; cheap when nothing changed.  False: there is
 * no room, and `t` stays what it was. */
bool l2_learn(struct l2_headers *s, struct l2_template *t, const struct pkt *p);
bool l2_from(struct l2_headers *s, struct l2_template *t, const struct tcpterm_l2 *l2,
	     uint8_t side);

/* The same header, but to that MAC. */
bool l2_redirect(struct l2_headers *s, struct l2_template *t, const uint8_t dst[6]);

void l2_forget(struct l2_headers *s, struct l2_template *t);

/* The manners, but for the flow label. */
struct manners l2_manners(const struct l2_headers *s, const struct l2_template *t);

/* The sender's MAC; NULL: nothing was learned. */
const uint8_t *l2_src(const struct l2_headers *s, const struct l2_template *t);

/* Writes the header with EtherType `ether_type` and a key's two VIDs to `to`; its length, 0 if
 * nothing was learned.  `swap` exchanges the MACs: a reply along the same tags. */
unsigned l2_write(const struct l2_headers *s, const struct l2_template *t, const uint16_t vid[2],
		  bool swap, uint16_t ether_type, uint8_t *to);

/* That length. */
unsigned l2_len(const struct l2_headers *s, const struct l2_template *t);

/* The same as in the frame `p`. */
unsigned l2_write_as(const struct pkt *p, bool swap, uint16_t ether_type, uint8_t *to);

#endif
