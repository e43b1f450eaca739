/*
 * pcapng.h - the blocks of a pcapng file (draft-ietf-opsawg-pcapng), appended to a buffer.
 *
 * DPDK's rte_pcapng knows only the ethdevs that exist when the file is begun, by their drivers'
 * names: in-process rings, and ports that still wait for the switch, are none.
 *
 * Values in this machine's byte order, as the format allows.  No state but the buffer's; whoever
 * owns that may call.
 */
#ifndef LEAT_VNF_PCAPNG_H
#define LEAT_VNF_PCAPNG_H

#include <stdint.h>

#include "ctl/text.h"

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_IN, PCAPNG_OUT };

/* The section header, first in the file; `comment` may be empty. */
void pcapng_put_section(struct text *out, const char *program, const char *comment);

/* An Ethernet interface; the first is number 0.  Times are in us. */
void pcapng_put_interface(struct text *out, const char *name, const char *description,
			  uint32_t snaplen);

/*
 * A packet: begin, its `captured` bytes by text_put() in any number of pieces, end.  `us` counts
 * from 1970, `length` is the frame's on the wire.
 */
void pcapng_begin_packet(struct text *out, uint32_t interface, int64_t us, uint32_t captured,
			 uint32_t length);
void pcapng_end_packet(struct text *out, uint32_t captured, enum pcapng_direction direction);

/* What became of an interface's packets: received, and dropped by the capture. */
void pcapng_put_statistics(struct text *out, uint32_t interface, int64_t began_us, int64_t ended_us,
			   uint64_t received, uint64_t dropped);

#endif
