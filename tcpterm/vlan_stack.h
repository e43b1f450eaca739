/*
 * vlan_stack.h - VLAN stacks deeper than two, interned for the flow key.
 *
 * Counted: an entry lives while some object's key or template names it.  Single-threaded.
 */
#ifndef TCPTERM_VLAN_STACK_H
#define TCPTERM_VLAN_STACK_H

#include <tcpterm/types.h>

struct vlan_stacks;

struct vlan_stacks *vlan_stacks_new(uint32_t n_max);
void vlan_stacks_free(struct vlan_stacks *v);
void vlan_stacks_commit(struct vlan_stacks *v);	/* as slab_commit() */

/*
 * Writes n_tags and vid[] of the key for these VIDs.  Deeper than two: looks the stack up and,
 * with `create`, adds it.  False: not known (no such flow), or no room.  Does not count a use.
 */
bool vlan_stack_key(struct vlan_stacks *v, const uint16_t *vid, unsigned n, bool create,
		    struct flow_key *k);

/* One more, one less object whose key this is; nothing for keys of at most two tags. */
void vlan_stack_get(struct vlan_stacks *v, const struct flow_key *k);
void vlan_stack_put(struct vlan_stacks *v, const struct flow_key *k);

/* The VIDs of a key, outermost first; returns how many. */
unsigned vlan_stack_vids(const struct vlan_stacks *v, const struct flow_key *k,
			 uint16_t vid[PKT_MAX_TAGS]);

#endif
