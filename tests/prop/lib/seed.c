/*
 * seed.c - see seed.h.
 */
#include "tests/prop/lib/seed.h"

#include <stdio.h>
#include <stdlib.h>

unsigned
seed(void)
{
	const char *s = getenv("SEED");
	unsigned v = s ? (unsigned)strtoul(s, NULL, 0) : 1;

	printf("# SEED=%u\n", v);
	srand(v);
	return v;
}
