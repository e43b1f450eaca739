/*
 * roles.c - which direction is the client's: what identification says of it, and what it is told.
 */
#include <string.h>

#include "vnf/app/memory.h"

int
app_client(const struct app_state *s)
{
	return s->sided ? (int)dir_of(s, 0) : -1;
}

static uint8_t
turned(uint8_t dirs)
{
	return (uint8_t)(dirs >> 1 | dirs << 1) & 3;
}

static void
turn_hold(struct app_hold *h)
{
	const uint16_t n = h->n[0];
	uint8_t bytes[APP_LOOK];

	memcpy(bytes, h->bytes[0], n);
	memcpy(h->bytes[0], h->bytes[1], h->n[1]);
	memcpy(h->bytes[1], bytes, n);
	h->n[0] = h->n[1];
	h->n[1] = n;
}

/* Of a row that does not tell its ends apart they were read by the guess. */
static void
turn_names(struct app_names *n)
{
	char banner[APP_NAME];

	if (n->kind != APP_NAMES_SSH)
		return;
	memcpy(banner, n->ssh.banner[0], sizeof banner);
	memcpy(n->ssh.banner[0], n->ssh.banner[1], sizeof banner);
	memcpy(n->ssh.banner[1], banner, sizeof banner);
}

void
app_turn(struct app_state *s)
{
	const uint32_t seen = s->seen[0];

	s->seen[0] = s->seen[1];
	s->seen[1] = seen;
	s->closed = turned(s->closed);
	s->done = turned(s->done);
	if (s->hold)
		turn_hold(s->hold);
	for (unsigned i = 0; s->park && i < s->park->n_pieces; i++)
		s->park->piece[i].dir ^= 1;
	if (!s->flip && s->names)
		turn_names(s->names);
	s->flip = s->unsure = false;
}

void
app_keep_roles(struct app_state *s)
{
	if (s->flip && s->names)
		turn_names(s->names);
	s->flip = s->unsure = false;
}
