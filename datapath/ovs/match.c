/*
 * match.c - the OpenFlow matches that catch a selection's packets at one of its ports.
 *
 * The products are written out: prefixes of clients x of servers x port masks.  A list of
 * prefixes usually has one or two; what is larger belongs into the policy, and OVS_RULES_MAX
 * says so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "datapath/ovs/match.h"

enum { ADDR_TEXT = 80, PORT_TEXT = 40, VLAN_TEXT = 32, MATCH_TEXT = 360 };

struct walk {
	const struct ovs_selection *sel;
	enum ovs_side side;
	uint32_t in_port;
	ovs_match_fn *fn;
	void *ctx;
	struct err *e;
};

/* The packet's source or destination, as the selection knows it by client and server. */
struct list {
	const struct ovs_prefix *of;
	unsigned int n;
};

static struct list
source(const struct walk *w)
{
	return w->side == OVS_CLIENT ? (struct list){ w->sel->from, w->sel->n_from }
				     : (struct list){ w->sel->to, w->sel->n_to };
}

static struct list
destination(const struct walk *w)
{
	return w->side == OVS_CLIENT ? (struct list){ w->sel->to, w->sel->n_to }
				     : (struct list){ w->sel->from, w->sel->n_from };
}

/* Steps to the next prefix of the family; an empty list gives NULL once. */
static bool
next(struct list l, bool v6, unsigned int *i, const struct ovs_prefix **p)
{
	*p = NULL;
	if (l.n == 0)
		return (*i)++ == 0;
	while (*i < l.n) {
		*p = &l.of[(*i)++];
		if ((*p)->v6 == v6)
			return true;
	}
	return false;
}

static bool
has_family(struct list l, bool v6)
{
	const struct ovs_prefix *p;
	unsigned int i = 0;

	return next(l, v6, &i, &p);
}

/* ",nw_src=10.0.0.0/8": host bits are cleared, as the switch would do. */
static const char *
address(const char *which, const struct ovs_prefix *p, char text[ADDR_TEXT])
{
	unsigned int i, bits, size;
	char addr[INET6_ADDRSTRLEN];
	uint8_t masked[16];

	text[0] = '\0';
	if (p == NULL || p->len == 0)
		return text;
	size = p->v6 ? 16 : 4;
	for (i = 0; i < size; i++) {
		bits = p->len > 8 * i ? p->len - 8 * i : 0;
		masked[i] = bits >= 8 ? p->addr[i] : p->addr[i] & (uint8_t)(0xff00u >> bits);
	}
	inet_ntop(p->v6 ? AF_INET6 : AF_INET, masked, addr, sizeof(addr));
	snprintf(text, ADDR_TEXT, ",%s_%s=%s/%u", p->v6 ? "ipv6" : "nw", which, addr, p->len);
	return text;
}

static int
give(struct walk *w, enum ovs_part part, const char *head, const char *src, const char *dst,
     const char *tail)
{
	char text[MATCH_TEXT], vlan[VLAN_TEXT] = "";

	if (w->sel->vlan == OVS_VLAN_NONE)
		snprintf(vlan, sizeof(vlan), ",vlan_tci=0x0000/0x1fff");
	else if (w->sel->vlan != OVS_VLAN_ANY)
		snprintf(vlan, sizeof(vlan), ",dl_vlan=%d", w->sel->vlan);
	snprintf(text, sizeof(text), "%s,in_port=%u%s%s%s%s", head, w->in_port, vlan, src, dst,
		 tail);
	return w->fn(w->ctx, part, text);
}

/* One range as the fewest value/mask pairs: each time the largest aligned block that fits. */
static int
range(struct walk *w, bool v6, struct ovs_port_range r, const char *src, const char *dst)
{
	const char *which = w->side == OVS_CLIENT ? "tp_dst" : "tp_src";
	uint32_t at = r.first, size;
	char tp[PORT_TEXT];
	int err;

	for (; at <= r.last; at += size) {
		size = at == 0 ? 0x10000 : at & -at;
		while (at + size - 1 > r.last)
			size /= 2;
		if (size == 1)
			snprintf(tp, sizeof(tp), ",%s=%u", which, at);
		else if (size < 0x10000)
			snprintf(tp, sizeof(tp), ",%s=0x%x/0x%x", which, at, 0x10000 - size);
		else
			tp[0] = '\0';
		err = give(w, OVS_PART_FLOW, v6 ? "tcp6" : "tcp", src, dst, tp);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
flows(struct walk *w, bool v6, const char *src, const char *dst)
{
	unsigned int i;
	int err = 0;

	if (w->sel->n_ports == 0)
		err = give(w, OVS_PART_FLOW, v6 ? "tcp6" : "tcp", src, dst, "");
	for (i = 0; i < w->sel->n_ports && err == 0; i++)
		err = range(w, v6, w->sel->ports[i], src, dst);
	if (err != 0)
		return err;
	/* All fragments have L4 ports 0 to the switch, the first one too. */
	return give(w, OVS_PART_FRAGMENT,
		    v6 ? "ipv6,nw_proto=6,ip_frag=yes" : "ip,nw_proto=6,ip_frag=yes", src, dst, "");
}

/* An error comes from any router on the way; only its destination is known. */
static int
icmp_errors(struct walk *w, bool v6)
{
	const struct ovs_prefix *p;
	char dst[ADDR_TEXT];
	unsigned int i = 0;
	int err = 0;

	while (err == 0 && next(destination(w), v6, &i, &p)) {
		address("dst", p, dst);
		if (!v6) {
			err = give(w, OVS_PART_ERROR, "icmp,icmp_type=3", "", dst, "");
			continue;
		}
		err = give(w, OVS_PART_ERROR, "icmp6,icmp_type=1", "", dst, "");
		if (err == 0)
			err = give(w, OVS_PART_ERROR, "icmp6,icmp_type=2", "", dst, "");
	}
	return err;
}

static int
family(struct walk *w, bool v6)
{
	const struct ovs_prefix *s, *d;
	char src[ADDR_TEXT], dst[ADDR_TEXT];
	unsigned int i = 0, j;
	int err = 0;

	while (err == 0 && next(source(w), v6, &i, &s)) {
		address("src", s, src);
		for (j = 0; err == 0 && next(destination(w), v6, &j, &d);)
			err = flows(w, v6, src, address("dst", d, dst));
	}
	return err != 0 ? err : icmp_errors(w, v6);
}

int
ovs_match_each(const struct ovs_selection *sel, enum ovs_side side, uint32_t in_port,
	       ovs_match_fn *fn, void *ctx, struct err *e)
{
	struct walk w = { sel, side, in_port, fn, ctx, e };
	unsigned int i, n = 0;
	int v6, err = 0;

	for (i = 0; i < sel->n_ports; i++)
		if (sel->ports[i].first > sel->ports[i].last)
			return err_set(e, -EINVAL, "steer %s: port range %u:%u is upside down",
				       sel->name, sel->ports[i].first, sel->ports[i].last);
	for (v6 = 0; v6 < 2 && err == 0; v6++) {
		if (!has_family(source(&w), v6) || !has_family(destination(&w), v6))
			continue;
		n++;
		err = family(&w, v6);
	}
	if (err == 0 && n == 0)
		return err_set(e, -EINVAL,
			       "steer %s: clients and servers have no address family "
			       "in common",
			       sel->name);
	return err;
}
