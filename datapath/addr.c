/* addr.c - text forms and prefixes of addresses. */
#include "datapath/addr.h"

#include <arpa/inet.h>
#include <errno.h>

const char *
ip_addr_format(const struct ip_addr *a, char *buf)
{
	if (ip_addr_is_v4(a))
		return inet_ntop(AF_INET, &a->b[12], buf, IP_ADDR_STRLEN);
	return inet_ntop(AF_INET6, a->b, buf, IP_ADDR_STRLEN);
}

int
ip_addr_parse(const char *text, struct ip_addr *a)
{
	uint8_t v4[4];

	if (inet_pton(AF_INET, text, v4) == 1) {
		*a = ip_addr_v4(v4);
		return 0;
	}
	return inet_pton(AF_INET6, text, a->b) == 1 ? 0 : -EINVAL;
}

bool
ip_addr_in_prefix(const struct ip_addr *a, const struct ip_addr *prefix, unsigned len)
{
	unsigned whole = len / 8, rest = len % 8;

	if (len >= 128)
		return ip_addr_eq(a, prefix);
	if (memcmp(a->b, prefix->b, whole) != 0)
		return false;
	return ((a->b[whole] ^ prefix->b[whole]) & (uint8_t)(0xff00 >> rest)) == 0;
}
