/*
 * sink_frame.c - see sink_frame.h; doc/leat-stream.5 has every byte.
 */
#include "vnf/sink_frame.h"

#include <string.h>

/* A record being written. */
struct pen {
	uint8_t *at;
};

static void
put(struct pen *p, uint64_t v, unsigned n_bytes)
{
	for (; n_bytes > 0; n_bytes--, v >>= 8)
		*p->at++ = (uint8_t)v;
}

static void
put_bytes(struct pen *p, const void *from, size_t n)
{
	memcpy(p->at, from, n);
	p->at += n;
}

/* Cut to `size`, and filled with zeros to it. */
static void
put_text(struct pen *p, const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	memcpy(p->at, s, n);
	memset(p->at + n, 0, size - n);
	p->at += size;
}

/* Its length comes last. */
static struct pen
begin(uint8_t *to, enum frame_type type, unsigned direction, uint64_t number)
{
	struct pen p = { to };

	put(&p, 0, 4);
	put(&p, type, 1);
	put(&p, direction, 1);
	put(&p, 0, 2);
	put(&p, number, 8);
	return p;
}

/* `more` bytes follow that are not written here. */
static size_t
end(uint8_t *to, const struct pen *p, uint32_t more)
{
	const size_t n = (size_t)(p->at - to);
	struct pen first = { to };

	put(&first, n + more, 4);
	return n;
}

size_t
sink_frame_hello(uint8_t *to, const char *instance)
{
	struct pen p = begin(to, FRAME_HELLO, 0, 0);

	put_bytes(&p, "LEAT", 4);
	put(&p, FRAME_VERSION, 2);
	put(&p, 0, 2);
	put_bytes(&p, instance, strnlen(instance, 64));
	return end(to, &p, 0);
}

size_t
sink_frame_open(uint8_t *to, uint64_t number, const struct flow_record *r, bool roles_guessed,
		bool late)
{
	struct pen p = begin(to, FRAME_OPEN, 0, number);
	unsigned i;

	put(&p, (uint64_t)r->started, 8);
	put_bytes(&p, r->end[RECORD_CLIENT].addr, 16);
	put_bytes(&p, r->end[RECORD_SERVER].addr, 16);
	put(&p, r->end[RECORD_CLIENT].port, 2);
	put(&p, r->end[RECORD_SERVER].port, 2);
	put(&p, r->domain, 2);
	put(&p, r->family, 1);
	put(&p, r->n_vlans, 1);
	for (i = 0; i < RECORD_VLANS; i++)
		put(&p, i < r->n_vlans ? r->vlan[i] : 0, 2);
	put(&p, (roles_guessed ? 1 : 0) | (late ? 2 : 0), 1);
	put(&p, 0, 7);
	put_text(&p, r->flow_id, RECORD_ID);
	put_text(&p, r->rule, RECORD_RULE);
	put_text(&p, r->start, RECORD_WORD);
	return end(to, &p, 0);
}

size_t
sink_frame_roles(uint8_t *to, uint64_t number, bool turned)
{
	struct pen p = begin(to, FRAME_ROLES, 0, number);

	put(&p, turned, 1);
	put(&p, 0, 7);
	return end(to, &p, 0);
}

size_t
sink_frame_meta(uint8_t *to, uint64_t number, const char *app, const char *names)
{
	struct pen p = begin(to, FRAME_META, 0, number);

	put_bytes(&p, "app=", 4);
	put_bytes(&p, app, strnlen(app, RECORD_APP));
	put(&p, '\n', 1);
	put_bytes(&p, names, strnlen(names, RECORD_NAMES));
	return end(to, &p, 0);
}

size_t
sink_frame_data(uint8_t *to, const struct sink_frame_place *place, int64_t unix_us, uint32_t len)
{
	struct pen p = begin(to, FRAME_DATA, place->direction, place->number);

	put(&p, place->offset, 8);
	put(&p, (uint64_t)unix_us, 8);
	return end(to, &p, len);
}

size_t
sink_frame_gap(uint8_t *to, const struct sink_frame_place *place, uint64_t len, const char *reason)
{
	struct pen p = begin(to, FRAME_GAP, place->direction, place->number);

	put(&p, place->offset, 8);
	put(&p, len, 8);
	put_text(&p, reason, RECORD_WORD);
	return end(to, &p, 0);
}

size_t
sink_frame_conflict(uint8_t *to, uint64_t number, const struct conflict_record *c)
{
	struct pen p = begin(to, FRAME_CONFLICT, c->direction, number);

	put(&p, c->offset, 8);
	put(&p, c->length, 4);
	put(&p, c->shown, 4);
	put_bytes(&p, c->was, c->shown);
	put_bytes(&p, c->came, c->shown);
	return end(to, &p, 0);
}

size_t
sink_frame_end(uint8_t *to, uint64_t number, const struct flow_record *r)
{
	struct pen p = begin(to, FRAME_END, 0, number);
	unsigned i;

	put(&p, (uint64_t)r->ended, 8);
	for (i = 0; i < 2; i++)
		put(&p, r->direction[i].packets, 8);
	for (i = 0; i < 2; i++)
		put(&p, r->direction[i].bytes, 8);
	put_text(&p, r->reason, RECORD_WORD);
	return end(to, &p, 0);
}

size_t
sink_frame_lost(uint8_t *to, uint64_t n_flows)
{
	struct pen p = begin(to, FRAME_LOST, 0, 0);

	put(&p, n_flows, 8);
	return end(to, &p, 0);
}
