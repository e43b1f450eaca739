/*
 * query.c - what of apply.h needs to know nothing but the instance's number: questions, and the
 * way round Leat.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/apply.h"
#include "datapath/ovs/mirror.h"

/* Counts the rules of a bridge whose cookie is `cookie` under `mask`. */
static int
count(const struct ovs_target *t, const char *bridge, uint64_t cookie, uint64_t mask,
      unsigned int *n, struct err *e)
{
	char filter[80], doing[160], *out = NULL;
	const char *at;
	int err;

	snprintf(filter, sizeof(filter), "cookie=0x%" PRIx64 "/0x%" PRIx64, cookie, mask);
	snprintf(doing, sizeof(doing), "counting the rules of bridge %s", bridge);
	err = ovs_ofctl(t, doing, "dump-aggregate", bridge, filter, NULL, 0, &out, e);
	if (err != 0)
		return err;
	at = strstr(out, "flow_count=");
	if (at == NULL || sscanf(at, "flow_count=%u", n) != 1)
		err = err_set(e, -EIO, "%s: ovs-ofctl said: %.200s", doing, out);
	free(out);
	return err;
}

int
ovs_present(const struct ovs_target *t, unsigned int instance, const char *bridge,
	    unsigned int *n_rules, struct err *e)
{
	return count(t, bridge, ovs_cookie(instance), OVS_COOKIE_MASK, n_rules, e);
}

int
ovs_bypass(const struct ovs_target *t, unsigned int instance, const char *bridge, bool dry_run,
	   char **sent, struct err *e)
{
	uint64_t cookie = ovs_cookie(instance), mask = OVS_COOKIE_MASK | OVS_COOKIE_RETURN;
	char bundle[100] = "", doing[160];
	struct mirror_plan mirrors = { 0 };
	unsigned int n = 0;
	int err;

	snprintf(doing, sizeof(doing), "bypassing Leat on bridge %s", bridge);
	err = count(t, bridge, cookie, mask, &n, e);
	if (err == 0 && n != 0)
		snprintf(bundle, sizeof(bundle), "flow delete cookie=0x%" PRIx64 "/0x%" PRIx64 "\n",
			 cookie, mask);
	if (err == 0 && n != 0 && !dry_run)
		err = ovs_ofctl(t, doing, "bundle", bridge, "-", bundle, 0, NULL, e);
	/* Traffic first: it is past Leat already should the mirrors fail. */
	if (err == 0)
		err = mirror_plan(t, instance, bridge, NULL, 0, &mirrors, e);
	if (err == 0 && !dry_run)
		err = mirror_apply(t, bridge, &mirrors, e);
	if (err == 0 && sent != NULL && asprintf(sent, "%s%s", bundle, mirrors.text) < 0)
		err = err_set(e, -ENOMEM, "%s: out of memory", doing);
	mirror_plan_fini(&mirrors);
	return err;
}

/* Whether a bridge holds anything of the instance. */
static int
holds(const struct ovs_target *t, unsigned int instance, const char *bridge, bool *yes,
      struct err *e)
{
	char *text = NULL;
	int err = ovs_show(t, instance, bridge, &text, e);

	*yes = err == 0 && text[0] != '\0';
	free(text);
	return err;
}

int
ovs_bridges(const struct ovs_target *t, unsigned int instance, char **names, struct err *e)
{
	const char *args[] = { "list-br", NULL };
	char *list = NULL, *at, *line;
	bool yes = false;
	size_t len;
	FILE *f;
	int err;

	*names = NULL;
	err = ovs_vsctl(t, "listing the switch's bridges", &list, e, args);
	if (err != 0)
		return err;
	f = open_memstream(names, &len);
	if (f == NULL)
		err = err_set(e, -ENOMEM, "listing the switch's bridges: out of memory");
	for (at = list; err == 0 && (line = strsep(&at, "\n")) != NULL;) {
		if (line[0] == '\0')
			continue;
		err = holds(t, instance, line, &yes, e);
		if (err == 0 && yes)
			fprintf(f, "%s\n", line);
	}
	if (f != NULL)
		fclose(f);
	if (err != 0) {
		free(*names);
		*names = NULL;
	}
	free(list);
	return err;
}

int
ovs_trace(const struct ovs_target *t, const char *bridge, const char *flow, char **text,
	  struct err *e)
{
	const char *args[] = { "ofproto/trace", bridge, flow, NULL };
	char doing[160];

	snprintf(doing, sizeof(doing), "tracing a packet through bridge %s", bridge);
	return ovs_appctl(t, doing, text, e, args);
}
