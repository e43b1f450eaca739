/*
 * watch_text.c - see watch_text.h.
 */
#include "vnf/watch_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <nettle/base16.h>
#include <string.h>

#include <rte_common.h>

#include "vnf/row.h"

static const char *const arrow[] = { ">", "<" };
static const char *const direction_name[] = { "up", "down" };

/* --- begin and end --- */

static void
put_end(struct text *t, const struct flow_record *r, unsigned side)
{
	char addr[INET6_ADDRSTRLEN] = "";

	inet_ntop(r->family == 4 ? AF_INET : AF_INET6, r->end[side].addr, addr, sizeof addr);
	text_printf(t, r->family == 4 ? "%s:%u" : "[%s]:%u", addr, r->end[side].port);
}

static const char *
what_is_shown(const char *mode)
{
	if (strcmp(mode, "passive") == 0)
		return "both streams, reassembled";
	if (strcmp(mode, "proxy") == 0)
		return "what is passed on";
	return "what crosses, as it crosses: repeated and out of order, too";
}

static void
show_row(struct watch_view *v, struct text *t, const struct watch_piece *p)
{
	const struct flow_record *r = &p->row;
	const bool begins = p->kind == WATCH_BEGIN;

	if (v->style == WATCH_JSON) {
		text_printf(t, "{\"event\": \"%s\", \"id\": \"%s\", \"client\": \"",
			    begins ? "begin" : "end", r->flow_id);
		put_end(t, r, RECORD_CLIENT);
		text_puts(t, "\", \"server\": \"");
		put_end(t, r, RECORD_SERVER);
		text_printf(t, "\", \"mode\": \"%s\", \"reason\": \"%s\"}\n", r->mode, r->reason);
		return;
	}
	if (!begins) {
		text_printf(t, "# %s has ended: %s\n", r->flow_id, r->reason);
		return;
	}
	text_printf(t, "# %s ", r->flow_id);
	put_end(t, r, RECORD_CLIENT);
	text_puts(t, " > ");
	put_end(t, r, RECORD_SERVER);
	text_printf(t, " %s: %s, from now on\n", r->mode, what_is_shown(r->mode));
}

/* --- bytes --- */

void
watch_show_end(struct watch_view *v, struct text *t)
{
	if (v->in_line)
		text_puts(t, "\n");
	v->in_line = false;
}

/* Lines begin with an arrow, those of the other direction on a new one. */
static void
begin_line(struct watch_view *v, struct text *t, unsigned direction)
{
	if (v->in_line && v->direction == direction)
		return;
	watch_show_end(v, t);
	text_printf(t, "%s ", arrow[direction]);
	v->in_line = true;
	v->direction = (uint8_t)direction;
}

static void
show_text(struct watch_view *v, struct text *t, const struct watch_piece *p)
{
	const char *at = (const char *)p->bytes, *end = at + p->n;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;

		begin_line(v, t, p->direction);
		/* a line's own end is no news */
		text_put_terminal(t, at,
				  (size_t)(stop - at) - (nl && stop > at && stop[-1] == '\r'));
		if (nl)
			watch_show_end(v, t);
		at = nl ? nl + 1 : end;
	}
}

static void
show_hex(struct text *t, const struct watch_piece *p)
{
	unsigned i, k;

	for (i = 0; i < p->n; i += 16) {
		text_printf(t, "%s %08jx ", arrow[p->direction], (uintmax_t)(p->offset + i));
		for (k = i; k < i + 16; k++)
			if (k < p->n)
				text_printf(t, "%s%02x", k == i + 8 ? "  " : " ", p->bytes[k]);
			else
				text_puts(t, k == i + 8 ? "    " : "   ");
		text_puts(t, "  |");
		for (k = i; k < i + 16 && k < p->n; k++)
			text_printf(t, "%c", isprint(p->bytes[k]) ? p->bytes[k] : '.');
		text_puts(t, "|\n");
	}
}

static void
show_json(struct text *t, const struct watch_piece *p)
{
	const bool is_gap = p->kind == WATCH_GAP;
	char hex[BASE16_ENCODE_LENGTH(WATCH_BYTES)];

	text_printf(t,
		    "{\"event\": \"%s\", \"direction\": \"%s\", \"offset\": %ju, \"length\": %ju",
		    is_gap ? "gap" : "data", direction_name[p->direction], (uintmax_t)p->offset,
		    (uintmax_t)p->len);
	if (is_gap) {
		text_printf(t, ", \"reason\": \"%s\"}\n", p->reason);
		return;
	}
	text_puts(t, ", \"bytes\": \"");
	base16_encode_update(hex, p->n, p->bytes);
	text_put(t, hex, BASE16_ENCODE_LENGTH(p->n));
	text_puts(t, "\"}\n");
}

/* Where bytes do not go on where those before them ended. */
static void
show_jump(struct watch_view *v, struct text *t, const struct watch_piece *p)
{
	if (v->known[p->direction] ? v->next[p->direction] == p->offset : p->offset == 0)
		return;
	watch_show_end(v, t);
	text_printf(t, "%s [at byte %ju]\n", arrow[p->direction], (uintmax_t)p->offset);
}

/* What was said of the ends before is to be read the other way round; from here on it is right. */
static void
show_roles(struct watch_view *v, struct text *t)
{
	const bool as_json = v->style == WATCH_JSON;

	watch_show_end(v, t);
	row_turn(&v->row);
	RTE_SWAP(v->known[0], v->known[1]);
	RTE_SWAP(v->next[0], v->next[1]);
	text_printf(t, as_json ? "{\"event\": \"roles\", \"id\": \"%s\", \"client\": \"" : "# %s ",
		    v->row.flow_id);
	put_end(t, &v->row, RECORD_CLIENT);
	text_puts(t, as_json ? "\", \"server\": \"" : " > ");
	put_end(t, &v->row, RECORD_SERVER);
	text_puts(t, as_json ? "\"}\n" : ": so it is, the client had been guessed wrong\n");
}

void
watch_show(struct watch_view *v, struct text *t, const struct watch_piece *p)
{
	if (p->kind == WATCH_BEGIN) {
		v->row = p->row;
		v->turned = p->turned;
	}
	if (p->turned != v->turned) {
		v->turned = p->turned;
		show_roles(v, t);
	}
	if (p->kind == WATCH_BEGIN || p->kind == WATCH_END) {
		watch_show_end(v, t);
		show_row(v, t, p);
		return;
	}
	if (v->style == WATCH_JSON) {
		show_json(t, p);
		return;
	}
	show_jump(v, t, p);
	v->known[p->direction] = true;
	v->next[p->direction] = p->offset + p->len;
	if (p->kind == WATCH_GAP) {
		watch_show_end(v, t);
		text_printf(t, "%s [gap %ju bytes %s]\n", arrow[p->direction], (uintmax_t)p->len,
			    p->reason);
	} else if (v->style == WATCH_HEX) {
		show_hex(t, p);
	} else {
		show_text(v, t, p);
	}
}
