/*
 * passive.c - any segments, in any order and time, to a passive pair.
 *
 * Each 8 bytes are one step: [0] which end, what flags, or a wait, or [2] who is the client for
 * certain; [1..2] the offset; [3] how far off; [4..5] the ACK; [6] length; [7] window and XOR of
 * the bytes.  However they come, each direction's bytes and gaps follow each other without a hole,
 * nothing is sent, and every buffer comes back.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tests/unit/copies.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int64_t
offset_of(const uint8_t *b, uint8_t far)
{
	int64_t off = (int16_t)(b[0] | b[1] << 8);

	return off + ((int64_t)(far & 15) << (far & 16 ? 26 : 14));
}

static void
step(const uint8_t *b)
{
	static const uint16_t flags[] = { TCP_ACK,	     TCP_ACK, TCP_ACK | TCP_FIN, TCP_SYN,
					  TCP_SYN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK, 0 };
	uint32_t len = b[6] & 0x80 ? (uint32_t)(b[6] & 0x7f) * 40 : b[6];

	if ((b[0] & 0xc0) == 0xc0 && copies_flow())
		tcpterm_initiator_is(copies.s, copies_flow(), b[2] & 1);
	if (b[0] & 0x80) {
		copies_wait((int64_t)(b[0] & 0x7f) << (b[1] & 31));
		return;
	}
	copies.window = (uint16_t)(b[7] * 257);
	copies.shift = b[0] & 0x40 ? 0xff : b[7] & 15;
	copies.cut = b[3] & 0x20 ? 1 + b[5] : 0;
	copies_altered(b[0] & 1, flags[b[0] >> 1 & 7], offset_of(b + 1, b[3]),
		       offset_of(b + 4, b[3] >> 6), len, b[7] & 0x10 ? b[7] : 0,
		       (b[0] & 0x30) == 0x30);
}

/* What is told from here on has the other direction 0. */
static void
on_roles(void *ctx, struct flow *f)
{
	static __typeof__(copies.dir[0]) was;

	(void)ctx;
	if (f->roles != TCPTERM_ROLES_CORRECTED)
		return;
	was = copies.dir[0];
	copies.dir[0] = copies.dir[1];
	copies.dir[1] = was;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct tcpterm_passive_conf small = { .n_segments = 8, .budget_bytes = 20000 };
	size_t i;
	bool whole;

	copies_n_ready = size & 4 ? 1 : 0;	/* who is quiet rests at once */
	copies_begin(size & 1 ? &small : NULL);
	copies.ops.roles = on_roles;
	copies.overlap = (uint8_t)(size / 8 % 3 ? 0 : size / 24 % TCPTERM_N_OVERLAPS);
	if (size & 2)
		copies_handshake();
	for (i = 0; i + 8 <= size && i < 8 * 400; i += 8)
		step(bytes + i);
	copies.n_forwarded = 0;		/* what has a wrong checksum and no flow goes on */
	/* Several flows may have come and gone: only one of them can be checked so. */
	whole = copies.n_new > 1 || copies.dir[0].disorder + copies.dir[1].disorder == 0;
	if (!copies_end() || !whole)
		abort();
	return 0;
}
