/*
 * urgent.h - the urgent mechanism (RFC 9293 3.8.5, RFC 6093).
 *
 * A stream knows where its urgent data end (stream.urgent): what one leg of a relay is told, the
 * other one so tells at the same offset.  The bytes stay in their place (RFC 6093 4); who wants the
 * last of them apart finds it by the mark.
 * urgent.c writes stream.urgent.  In the stack's thread.
 */
#ifndef TCPTERM_URGENT_H
#define TCPTERM_URGENT_H

#include "tcpterm/segment.h"
#include "tcpterm/stream.h"

struct conn;

/* RFC 9293 3.10.7.4, sixth: RCV.UP, for a segment at `off`, whatever the window is (MUST-66); not
 * once the peer's FIN is taken. */
void urgent_input(struct conn *c, const struct pkt *p, int64_t off);

/* The peer's stream has ended: no urgent data are behind that. */
void urgent_ended(struct conn *c);

/* What is queued now ends urgent data (3.10.4, SND.UP). */
void urgent_set(struct conn *c);

/* Sets URG and the pointer, which names the byte after the urgent data (MUST-62), if those end
 * behind the segment's own number `off`. */
void urgent_mark(const struct conn *c, int64_t off, struct segment *g);

/* The peer has to be told of urgent data that it may not be sent: by an ACK (MUST-66). */
void urgent_tell(struct conn *c);

/* Are there urgent data that have not left?  They do not wait to be more (3.7.4). */
bool urgent_waits(const struct conn *c);

/* Bytes held from `start` to the end of urgent data, or still to come; 0: none. */
static inline int64_t
urgent_ahead(const struct stream *st)
{
	return st->urgent > st->start ? st->urgent - st->start : 0;
}

#endif
