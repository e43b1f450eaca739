/* put.h - numbers in network byte order, written byte by byte. */
#ifndef LEAT_TESTS_UNIT_PUT_H
#define LEAT_TESTS_UNIT_PUT_H

#include <stdint.h>

static inline void
put16(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *to, uint32_t v)
{
	put16(to, v >> 16);
	put16(to + 2, v & 0xffff);
}

#endif
