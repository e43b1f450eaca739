/*
 * frame.h - an Ethernet frame on its way, and how a port would hand it over.
 *
 * Whoever is given a frame by a function that "takes" it frees it or gives it
 * on; everywhere else it is borrowed for the call.  Single thread.
 */
#ifndef LEAT_SIM_FRAME_H
#define LEAT_SIM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_MAX = 65535 + 14 + 16,	/* bytes: the largest IP packet, tagged */
	FRAME_PIECES = 8,
};

struct frame {
	size_t len;			/* bytes of the whole frame */
	uint16_t gso_size;		/* payload bytes a segment when it is to be cut, else 0 */
	bool csum_none;			/* valid, but the TCP checksum is not computed */
	unsigned n_pieces;		/* buffers it lies in; 0 and 1 both mean one */
	size_t piece[FRAME_PIECES];	/* bytes in each; their sum is `len` */
	uint8_t bytes[];
};

/* A copy of `len` bytes, linear, with a computed checksum.  Never NULL (aborts without memory). */
struct frame *frame_new(const uint8_t *bytes, size_t len);

/* A copy with all its attributes. */
struct frame *frame_copy(const struct frame *f);

void frame_free(struct frame *f);

/* Offset of the IP header behind the VLAN tags, or `len` if the frame is too short for one. */
size_t frame_ip_offset(const uint8_t *bytes, size_t len);

/* What a router says to the sender of `f`, whose next link carries `mtu` bytes of IP (icmp.c). */
struct frame *frame_too_big(const struct frame *f, unsigned mtu);

/*
 * Calls `each` with every segment that a port would make of `f`: `f` itself when it is no
 * super-segment, else copies cut at gso_size with headers, lengths, sequence numbers, flags and
 * checksums of their own.  A frame whose checksum is not computed is given one.  `each` takes
 * its frame, and `f` is taken too.
 */
void frame_cut(struct frame *f, void (*each)(void *ctx, struct frame *), void *ctx);

#endif
