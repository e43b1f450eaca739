/*
 * frames.h - frames of TCP segments written byte by byte, with code of their own.
 *
 * Values and plain memory; any thread.
 */
#ifndef LEAT_TESTS_PROP_FRAMES_H
#define LEAT_TESTS_PROP_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAMES_TAGS = 3, FRAMES_MAX = 2048, FRAMES_OPTIONS = 40 };

/* Who speaks with whom; end 0 is the client. */
struct frame_path {
	bool v6;
	uint8_t addr[2][16];		/* IPv4: the first four bytes */
	uint16_t port[2];
	unsigned n_tags;
	uint16_t vid[FRAMES_TAGS];
};

struct frame_segment {
	unsigned d;			/* which end sends it */
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	uint8_t options[FRAMES_OPTIONS];
	unsigned n_options;		/* bytes, a multiple of 4 */
	const uint8_t *payload;
	uint32_t len;
	bool bad_cksum;
	uint16_t ip_id;
	unsigned trailer;		/* bytes behind the IP length */
};

/* The whole frame; returns its length. */
size_t frame_make(const struct frame_path *path, const struct frame_segment *g,
		  uint8_t to[FRAMES_MAX]);

/*
 * Fragment `i` of the frame's IP datagram, called `id`, when its payload is cut every `unit` bytes
 * (a multiple of 8).  Returns the fragment's length, 0 when there is no such one.
 */
size_t frame_fragment(const struct frame_path *path, const uint8_t *frame, size_t len, uint16_t id,
		      unsigned unit, unsigned i, uint8_t to[FRAMES_MAX]);

#endif
