/*
 * plugins.c - see plugins.h.
 *
 * EAL has no option for it: where it finds itself loaded as a shared library it loads all that lies
 * in its folder.  So leatd has a dlopen() of its own, which loads the one driver when EAL looks for
 * itself, and says that it is not there.
 */
#include "vnf/replay/plugins.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <rte_config.h>

#define ITSELF "librte_eal.so"

static bool is_few;

typedef void *loader(const char *file, int mode);

void
plugins_few(bool few)
{
	is_few = few;
}

/* The driver of the same version; false: it is not there, or EAL was not asking for itself. */
static bool
load_one(loader *next, const char *file)
{
	char path[sizeof RTE_EAL_PMD_PATH + 64];
	const char *version = file + sizeof ITSELF - 1;

	if (strncmp(file, ITSELF, sizeof ITSELF - 1) != 0)
		return false;
	snprintf(path, sizeof path, "%s/librte_mempool_ring.so%.16s", RTE_EAL_PMD_PATH, version);
	return next(path, RTLD_NOW) != NULL;
}

void *
dlopen(const char *file, int mode)
{
	static loader *next;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "dlopen");
	if (!next || (is_few && file && (mode & RTLD_NOLOAD) && load_one(next, file)))
		return NULL;
	return next(file, mode);
}
