/*
 * nearest.c - see nearest.h.  The distance is the number of letters to insert, remove, replace or
 * swap with the next; a third of the word may be wrong, and one letter always.
 */
#include "vnf/nearest.h"

#include <string.h>

enum { WORD_MAX = 64 };

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Three rows of the usual matrix are enough. */
static unsigned
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned row[3][WORD_MAX + 1], *two = row[0], *one = row[1], *now = row[2], *old;
	size_t i, j;

	for (j = 0; j <= n_b; j++)
		one[j] = (unsigned)j;
	for (i = 1; i <= n_a; i++) {
		now[0] = (unsigned)i;
		for (j = 1; j <= n_b; j++) {
			now[j] = min3(one[j] + 1, now[j - 1] + 1,
				      one[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two[j - 2] + 1 < now[j])
				now[j] = two[j - 2] + 1;
		}
		old = two;
		two = one;
		one = now;
		now = old;
	}
	return one[n_b];
}

struct nearest
nearest_begin(const char *asked)
{
	return (struct nearest){ .asked = asked, .distance = (unsigned)strlen(asked) / 3 + 2 };
}

void
nearest_look(struct nearest *n, const char *word)
{
	size_t n_a = strlen(n->asked), n_b = strlen(word);
	unsigned d;

	if (n_a > WORD_MAX || n_b > WORD_MAX)
		return;
	d = distance(n->asked, n_a, word, n_b);
	if (d >= n->distance || d >= n_b)
		return;
	n->distance = d;
	n->word = word;
}
