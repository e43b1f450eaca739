/*
 * frame.h - frames written byte by byte, for tests of any tier but system.
 *
 * Layers are appended in wire order; frame_end() fills in lengths and checksums,
 * from the innermost layer out, by a plain RFC 1071 loop of its own.  A test may
 * overwrite any byte before or after that.  Values; one thread.
 */
#ifndef LEAT_TESTS_UNIT_FRAME_H
#define LEAT_TESTS_UNIT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum { FRAME_MAX = 66000, FRAME_MAX_LAYERS = 8 };

struct frame {
	uint8_t b[FRAME_MAX];
	size_t len;
	struct {
		char kind;	/* '4', '6', 't'cp, 'i'cmp, 'j' icmpv6 */
		size_t at;
	} layer[FRAME_MAX_LAYERS];
	unsigned n_layers;
};

void frame_init(struct frame *f);
void frame_bytes(struct frame *f, const void *bytes, size_t len);
/* `len` bytes of a pattern that repeats with period 251. */
void frame_fill(struct frame *f, size_t len);
/* MACs 02:00:00:00:00:01 -> :02 and the type, which tags and frame_ip*() correct. */
void frame_ether(struct frame *f, uint16_t type);
void frame_tag(struct frame *f, uint16_t tpid, uint16_t tci);
/* Addresses in text.  `options` are bytes (a multiple of 4), 0 for none. */
void frame_ip4(struct frame *f, const char *src, const char *dst, uint8_t proto,
	       const void *options, size_t options_len);
void frame_ip6(struct frame *f, const char *src, const char *dst, uint8_t next);
void frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
	       uint16_t flags, uint16_t window, const void *options, size_t options_len);
void frame_icmp(struct frame *f, uint8_t type, uint8_t code, uint32_t rest);
void frame_icmp6(struct frame *f, uint8_t type, uint8_t code, uint32_t rest);
void frame_end(struct frame *f);
/* Bytes behind the IP datagram, after frame_end(). */
void frame_trailer(struct frame *f, size_t len);

/* RFC 1071 over bytes, in the plainest way; the value in host order. */
uint16_t naive_sum(const uint8_t *b, size_t len, uint32_t sum);

/* tests/unit/eal.h's exact-size buffer with the frame's bytes. */
struct rte_mbuf *frame_mbuf(const struct frame *f);

#endif
