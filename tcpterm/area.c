#include "tcpterm/area.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>

enum { PAGE = 4096, AT_ONCE = 4 << 20 };

int
area_init(struct area *a, size_t bytes)
{
	void *p;

	memset(a, 0, sizeof *a);
	bytes = RTE_ALIGN_CEIL(bytes, (size_t)PAGE);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(p, bytes, MADV_NOHUGEPAGE);
	a->base = p;
	a->bytes = bytes;
	return 0;
}

void
area_fini(struct area *a)
{
	if (a->base)
		munmap(a->base, a->bytes);
	memset(a, 0, sizeof *a);
}

/* Two uses for three pages have reached about half of them. */
void
area_commit(struct area *a)
{
	size_t n = RTE_MIN(a->bytes - a->committed, (size_t)AT_ONCE);

	if (n == 0 || __atomic_load_n(&a->n_used, __ATOMIC_RELAXED) < a->bytes / PAGE * 2 / 3)
		return;
	(void)madvise((char *)a->base + a->committed, n, MADV_POPULATE_WRITE);
	a->committed += n;
}
