/*
 * addr.h - one IP address of either family.
 *
 * IPv4 is held as its IPv4-mapped IPv6 form (::ffff:a.b.c.d, RFC 4291 2.5.5.2),
 * so that one comparison and one prefix match serve both families.  Bytes are
 * in network order.  Values; any thread.
 */
#ifndef LEAT_DATAPATH_ADDR_H
#define LEAT_DATAPATH_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ip_addr {
	union {
		uint8_t b[16];
		uint32_t w[4];
		uint64_t q[2];
	};
};

enum { IP_ADDR_STRLEN = 46 };

/* `v4` points to 4 bytes in network order; they need no alignment. */
static inline struct ip_addr
ip_addr_v4(const void *v4)
{
	struct ip_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	memcpy(&a.b[12], v4, 4);
	return a;
}

static inline struct ip_addr
ip_addr_v6(const void *v6)
{
	struct ip_addr a;

	memcpy(a.b, v6, 16);
	return a;
}

static inline bool
ip_addr_is_v4(const struct ip_addr *a)
{
	const struct ip_addr mapped = { .b = { [10] = 0xff, [11] = 0xff } };

	return (a->q[0] | (a->w[2] ^ mapped.w[2])) == 0;
}

static inline bool
ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

/*
 * Writes the address as people write it (RFC 5952; IPv4 dotted) into `buf` of
 * at least IP_ADDR_STRLEN bytes and returns `buf`.
 */
const char *ip_addr_format(const struct ip_addr *a, char *buf);

/* Reads either family's text form.  0, or -EINVAL. */
int ip_addr_parse(const char *text, struct ip_addr *a);

/*
 * Is `a` inside `prefix`/`len`?  `len` counts bits of the 128-bit form: an IPv4
 * /n is 96 + n.
 */
bool ip_addr_in_prefix(const struct ip_addr *a, const struct ip_addr *prefix, unsigned len);

#endif
