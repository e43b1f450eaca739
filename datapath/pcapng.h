/*
 * pcapng.h - the blocks of a pcapng file (draft-ietf-opsawg-pcapng), written into a buffer.
 *
 * DPDK's rte_pcapng knows only the ethdevs that exist when the file is begun, by their drivers'
 * names: in-process rings, and ports that still wait for the switch, are none.
 *
 * Values in this machine's byte order, as the format allows.  Each function returns how many bytes
 * it wrote.  No state; any thread.
 */
#ifndef LEAT_DATAPATH_PCAPNG_H
#define LEAT_DATAPATH_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_IN, PCAPNG_OUT };

enum {
	PCAPNG_BLOCK_MAX = 2400,	/* a section, an interface, statistics */
	PCAPNG_HEAD_LEN = 28,		/* what is before a packet's bytes, */
	PCAPNG_TAIL_MAX = 20,		/* and behind them */
};

/* The section header, first in the file; `comment` may be empty.  Texts are cut at 1,024 bytes. */
size_t pcapng_section(uint8_t to[PCAPNG_BLOCK_MAX], const char *program, const char *comment);

/* An Ethernet interface; the first is number 0.  Times are in us. */
size_t pcapng_interface(uint8_t to[PCAPNG_BLOCK_MAX], const char *name, const char *description,
			uint32_t snaplen);

/*
 * A packet: head, its `captured` bytes in any number of pieces, tail.  `us` counts from 1970,
 * `length` is the frame's on the wire.
 */
size_t pcapng_head(uint8_t to[PCAPNG_HEAD_LEN], uint32_t interface, int64_t us, uint32_t captured,
		   uint32_t length);
size_t pcapng_tail(uint8_t to[PCAPNG_TAIL_MAX], uint32_t captured, enum pcapng_direction direction);

/* What became of an interface's packets: received, and dropped by the capture. */
size_t pcapng_statistics(uint8_t to[PCAPNG_BLOCK_MAX], uint32_t interface, int64_t began_us,
			 int64_t ended_us, uint64_t received, uint64_t dropped);

#endif
