/*
 * ovs_render.h - selections to render and what to look for in them, for the ovs_* unit tests.
 *
 * Each test program has its own; one thread.
 */
#ifndef LEAT_TESTS_UNIT_OVS_RENDER_H
#define LEAT_TESTS_UNIT_OVS_RENDER_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/steer.h"
#include "tests/unit/tap.h"

static const struct ovs_pair leat_pair = { "leat-a", "leat-b" };

static const struct ovs_port_range web_port[] = { { 80, 80 } };

/* p1 1 to p4 4, leat-a 31, leat-b 32, leat-tap 33, a1 41, b1 51 to a3 43, b3 53 */
static inline int
resolve(void *ctx, const char *bridge, const char *port, uint32_t *number, struct err *e)
{
	static const struct {
		const char *name;
		uint32_t number;
	} known[] = { { "p1", 1 },	{ "p2", 2 },	  { "p3", 3 },	      { "p4", 4 },
		      { "leat-a", 31 }, { "leat-b", 32 }, { "leat-tap", 33 }, { "a1", 41 },
		      { "a2", 42 },	{ "a3", 43 },	  { "b1", 51 },	      { "b2", 52 },
		      { "b3", 53 } };
	unsigned int i;

	(void)ctx;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, port) == 0) {
			*number = known[i].number;
			return 0;
		}
	return err_set(e, -ENODEV, "no port %s on %s", port, bridge);
}

static inline struct ovs_selection
web(void)
{
	return (struct ovs_selection){ .name = "web",
				       .bridge = "br0",
				       .client = "p1",
				       .server = "p2",
				       .kind = OVS_STEER_INLINE,
				       .pairs = &leat_pair,
				       .n_pairs = 1,
				       .ports = web_port,
				       .n_ports = 1,
				       .vlan = OVS_VLAN_ANY,
				       .next_table = OVS_NEXT_NORMAL };
}

static inline struct ovs_selection
mirror(void)
{
	return (struct ovs_selection){ .name = "mirror",
				       .bridge = "br0",
				       .client = "p1",
				       .server = "p2",
				       .kind = OVS_STEER_COPY,
				       .leat_tap = "leat-tap",
				       .tag_id = 5,
				       .ports = web_port,
				       .n_ports = 1,
				       .vlan = OVS_VLAN_ANY,
				       .next_table = OVS_NEXT_NORMAL };
}

static inline char *
render(unsigned int instance, const struct ovs_selection *sel, unsigned int n, int want,
       struct err *e)
{
	struct ovs_program p;
	char *text = NULL;
	size_t len;
	FILE *f;

	CU_ASSERT_EQUAL(ovs_render(&p, instance, "br0", sel, n, resolve, NULL, e), want);
	f = open_memstream(&text, &len);
	ovs_program_print(&p, f);
	fclose(f);
	ovs_program_fini(&p);
	return text;
}

static inline bool
has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	while (*text != '\0') {
		if (strncmp(text, line, len) == 0 && text[len] == '\n')
			return true;
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return false;
}

static inline bool
contains(const struct ovs_selection *sel, unsigned int n, const char *line)
{
	struct err e = { "" };
	char *got = render(1, sel, n, 0, &e);
	bool found = has_line(got, line);

	if (!found)
		printf("# no line '%s' in:\n%s%s\n", line, got, e.msg);
	free(got);
	return found;
}

static inline void
nonsense(struct ovs_selection *s, unsigned int n, int code, const char *says)
{
	struct err e = { "" };

	free(render(1, s, n, code, &e));
	if (strstr(e.msg, says) == NULL)
		printf("# message: %s\n", e.msg);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, says));
}

#endif
