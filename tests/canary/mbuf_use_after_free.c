/*
 * mbuf_use_after_free.c - reads a test mbuf's data after the mbuf was freed.
 */
#include <stdio.h>

#include "tests/unit/eal.h"

int
main(void)
{
	struct rte_mbuf *m = test_mbuf("abcd", 4);
	const volatile char *p = rte_pktmbuf_mtod(m, const char *);

	rte_pktmbuf_free(m);
	printf("# byte 0 is %d\n", p[0]);
	return 0;
}
