/*
 * flow.c - see flow.h.
 */
#include "vnf/steer/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VID_MAX = 4094, PORT_MAX = 65535 };

static bool
read_number(const char *s, long low, long high, long *v)
{
	char *end;

	*v = strtol(s, &end, 10);
	return *s >= '0' && *s <= '9' && *end == '\0' && *v >= low && *v <= high;
}

/* "10.0.0.1:80", "[fd00::1]:80" */
static int
read_end(const char *text, struct ip_addr *addr, uint16_t *port, struct err *err)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	uint8_t b[16];
	long v;

	if (!colon || len >= sizeof host || !read_number(colon + 1, 0, PORT_MAX, &v))
		goto refuse;
	*port = (uint16_t)v;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, b) == 1) {
		*addr = ip_addr_v4(b);
		return 0;
	}
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, b) == 1) {
			*addr = ip_addr_v6(b);
			return 0;
		}
	}
refuse:
	return err_set(err, -EINVAL, "\"%.60s\": expected 10.0.0.1:80 or [fd00::1]:80", text);
}

int
steer_flow_read(struct steer_flow *f, int n, const char *const words[], struct err *err)
{
	long vid;
	int rc;

	*f = (struct steer_flow){ .vid = OVS_VLAN_NONE };
	if (n < 1 || strcmp(words[0], "tcp") != 0)
		return err_set(err, -EINVAL, "\"%.60s\": expected tcp", n < 1 ? "" : words[0]);
	if (n != 3 && n != 5)
		return err_set(
			err, -EINVAL,
			"expected tcp CLIENT:PORT SERVER:PORT, and vlan N where it is tagged");
	rc = read_end(words[1], &f->src, &f->sport, err);
	if (rc == 0)
		rc = read_end(words[2], &f->dst, &f->dport, err);
	if (rc != 0)
		return rc;
	if (ip_addr_is_v4(&f->src) != ip_addr_is_v4(&f->dst))
		return err_set(err, -EINVAL, "one end is IPv4 and the other IPv6");
	if (n == 3)
		return 0;
	if (strcmp(words[3], "vlan") != 0)
		return err_set(err, -EINVAL, "\"%.60s\": expected vlan N", words[3]);
	if (!read_number(words[4], 1, VID_MAX, &vid))
		return err_set(err, -EINVAL, "\"%.60s\": expected a VLAN from 1 to %d", words[4],
			       VID_MAX);
	f->vid = (int)vid;
	return 0;
}

/* --- matching --- */

static bool
prefix_has(const struct ovs_prefix *p, const struct ip_addr *a)
{
	const uint8_t *b = p->v6 ? a->b : a->b + 12;
	unsigned i, left;

	if (p->v6 == ip_addr_is_v4(a))
		return false;
	for (i = 0; i * 8 < p->len; i++) {
		left = p->len - i * 8;
		if ((p->addr[i] ^ b[i]) & (left >= 8 ? 0xff : 0xff00 >> left & 0xff))
			return false;
	}
	return true;
}

static bool
list_has(const struct ovs_prefix *list, unsigned n, const struct ip_addr *a)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (prefix_has(&list[i], a))
			return true;
	return n == 0;
}

bool
steer_flow_matches(const struct steer_flow *f, const struct ovs_selection *s)
{
	unsigned i;

	if (s->kind == OVS_STEER_MIRROR || (s->vlan != OVS_VLAN_ANY && s->vlan != f->vid) ||
	    !list_has(s->from, s->n_from, &f->src) || !list_has(s->to, s->n_to, &f->dst))
		return false;
	for (i = 0; i < s->n_ports; i++)
		if (f->dport >= s->ports[i].first && f->dport <= s->ports[i].last)
			return true;
	return s->n_ports == 0;
}

/* --- printing --- */

void
steer_flow_print(const struct steer_flow *f, const struct ovs_selection *s, bool back, char *text,
		 size_t size)
{
	const struct ip_addr *src = back ? &f->dst : &f->src, *dst = back ? &f->src : &f->dst;
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN], vlan[32] = "";
	bool v4 = ip_addr_is_v4(src);
	int family = v4 ? AF_INET : AF_INET6;

	inet_ntop(family, v4 ? src->b + 12 : src->b, a, sizeof a);
	inet_ntop(family, v4 ? dst->b + 12 : dst->b, b, sizeof b);
	if (f->vid != OVS_VLAN_NONE)
		snprintf(vlan, sizeof vlan, ",dl_vlan=%d", f->vid);
	snprintf(text, size, "%s,in_port=%s%s,%s=%s,%s=%s,nw_ttl=64,tp_src=%u,tp_dst=%u",
		 v4 ? "tcp" : "tcp6", back ? s->server : s->client, vlan,
		 v4 ? "nw_src" : "ipv6_src", a, v4 ? "nw_dst" : "ipv6_dst", b,
		 back ? f->dport : f->sport, back ? f->sport : f->dport);
}
