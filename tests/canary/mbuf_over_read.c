/*
 * mbuf_over_read.c - reads one byte past a test mbuf's data.
 */
#include <stdio.h>

#include "tests/unit/eal.h"

int
main(void)
{
	static const unsigned char bytes[61] = { 1 };
	struct rte_mbuf *m = test_mbuf(bytes, sizeof bytes);
	const volatile unsigned char *p = rte_pktmbuf_mtod(m, const unsigned char *);

	printf("# byte %zu is %u\n", sizeof bytes, p[sizeof bytes]);
	rte_pktmbuf_free(m);
	return 0;
}
