/*
 * VLAN stacks in flow keys: two VIDs as they are, deeper ones by name.
 */
#include "tcpterm/vlan_stack.h"

#include "tcpterm/intern.h"

struct vlan_stacks *
vlan_stacks_new(uint32_t n_max)
{
	return (struct vlan_stacks *)intern_new(n_max, PKT_MAX_TAGS);
}

void
vlan_stacks_free(struct vlan_stacks *v)
{
	intern_free((struct intern *)v);
}

void
vlan_stacks_commit(struct vlan_stacks *v)
{
	intern_commit((struct intern *)v);
}

static uint32_t
name_in(const struct flow_key *k)
{
	return (uint32_t)k->vid[0] << 16 | k->vid[1];
}

bool
vlan_stack_key(struct vlan_stacks *v, const uint16_t *vid, unsigned n, bool create,
	       struct flow_key *k)
{
	uint32_t words[PKT_MAX_TAGS], name;
	unsigned i;

	k->n_tags = (uint16_t)n;
	if (n <= 2) {
		k->vid[0] = n > 0 ? vid[0] : 0;
		k->vid[1] = n > 1 ? vid[1] : 0;
		return true;
	}
	if (n > PKT_MAX_TAGS)
		return false;
	for (i = 0; i < n; i++)
		words[i] = vid[i];
	if (!intern_name((struct intern *)v, words, n, create, &name))
		return false;
	k->vid[0] = (uint16_t)(name >> 16);
	k->vid[1] = (uint16_t)name;
	return true;
}

void
vlan_stack_get(struct vlan_stacks *v, const struct flow_key *k)
{
	if (k->n_tags > 2)
		intern_get((struct intern *)v, name_in(k));
}

void
vlan_stack_put(struct vlan_stacks *v, const struct flow_key *k)
{
	if (k->n_tags > 2)
		intern_put((struct intern *)v, name_in(k));
}

unsigned
vlan_stack_vids(const struct vlan_stacks *v, const struct flow_key *k, uint16_t vid[PKT_MAX_TAGS])
{
	const uint32_t *words;
	unsigned n, i;

	if (k->n_tags <= 2) {
		for (i = 0; i < k->n_tags; i++)
			vid[i] = k->vid[i];
		return k->n_tags;
	}
	words = intern_words((const struct intern *)v, name_in(k), &n);
	for (i = 0; i < n; i++)
		vid[i] = (uint16_t)words[i];
	return n;
}
