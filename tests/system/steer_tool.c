/*
 * steer_tool: datapath/ovs by hand, for steer.test.
 *
 *	steer_tool DBSOCK BRIDGE INSTANCE ports SOCKDIR		leat-a, leat-b, leat-tap
 *	steer_tool DBSOCK BRIDGE INSTANCE unports
 *	steer_tool DBSOCK BRIDGE INSTANCE apply|dry [SELECTION]...
 *	steer_tool DBSOCK BRIDGE INSTANCE show|clear
 * SELECTION is inline,NAME,CLIENT,SERVER,PORT,NEXT,open|closed or
 * copy,NAME,CLIENT,SERVER,PORT,NEXT,ID;
 * NEXT is "normal" or a table. What was sent is printed. Exit status 1 and the message on failure.
 */
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/apply.h"
#include "datapath/ovs/ports.h"

enum { SELECTIONS_MAX = 16 };

static const struct ovs_pair leat_pair = { "leat-a", "leat-b" };

static struct ovs_selection selections[SELECTIONS_MAX];
static struct ovs_port_range port_of[SELECTIONS_MAX];

static int
parse(const char *bridge, char *text, unsigned int i)
{
	struct ovs_selection *s = &selections[i];
	char *f[7], *save;
	int n;

	f[0] = strtok_r(text, ",", &save);
	for (n = 1; n < 7; n++)
		f[n] = strtok_r(NULL, ",", &save);
	if (f[6] == NULL)
		return -1;
	port_of[i].first = port_of[i].last = (uint16_t)atoi(f[4]);
	*s = (struct ovs_selection){ .name = f[1],
				     .bridge = bridge,
				     .client = f[2],
				     .server = f[3],
				     .pairs = &leat_pair,
				     .n_pairs = 1,
				     .leat_tap = "leat-tap",
				     .ports = &port_of[i],
				     .n_ports = 1,
				     .vlan = OVS_VLAN_ANY,
				     .next_table = strcmp(f[5], "normal") == 0 ? OVS_NEXT_NORMAL
									       : atoi(f[5]) };
	s->kind = strcmp(f[0], "copy") == 0 ? OVS_STEER_COPY : OVS_STEER_INLINE;
	s->tag_id = (uint16_t)atoi(f[6]);
	s->fail_closed = strcmp(f[6], "closed") == 0;
	return 0;
}

static int
ports(const struct ovs_target *t, const char *bridge, const char *dir, struct err *e)
{
	static const char *const name[3] = { "leat-a", "leat-b", "leat-tap" };
	struct ovs_leat_port p[3];
	char sock[3][200];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		snprintf(sock[i], sizeof(sock[i]), "%s/%s.sock", dir, name[i]);
		p[i] = (struct ovs_leat_port){ .name = name[i],
					       .socket = sock[i],
					       .ofport = 31 + i,
					       .mtu = 1600,
					       .is_tap = i == 2 };
	}
	return ovs_ports_ensure(t, bridge, p, 3, e);
}

static int
steer(const struct ovs_target *t, char *argv[], int argc, char **text, struct err *e)
{
	static const char *const names[3] = { "leat-a", "leat-b", "leat-tap" };
	unsigned int instance = (unsigned int)atoi(argv[3]), n = 0;
	const char *bridge = argv[2], *verb = argv[4];

	if (strcmp(verb, "ports") == 0 && argc == 6)
		return ports(t, bridge, argv[5], e);
	if (strcmp(verb, "unports") == 0)
		return ovs_ports_remove(t, bridge, names, 3, e);
	if (strcmp(verb, "show") == 0)
		return ovs_show(t, instance, bridge, text, e);
	if (strcmp(verb, "clear") == 0)
		return ovs_clear(t, instance, bridge, false, text, e);
	for (; (int)n < argc - 5; n++)
		if (n == SELECTIONS_MAX || parse(bridge, argv[5 + n], n) != 0)
			return err_set(e, -1, "bad selection %s", argv[5 + n]);
	return ovs_apply(t, instance, bridge, selections, n, strcmp(verb, "dry") == 0, text, e);
}

int
main(int argc, char *argv[])
{
	struct ovs_target t;
	char *text = NULL;
	struct err e;

	if (argc < 5) {
		fprintf(stderr, "usage: steer_tool DBSOCK BRIDGE INSTANCE VERB [ARG]...\n");
		return 2;
	}
	if (ovs_target_init(&t, argv[1], &e) != 0 || steer(&t, argv, argc, &text, &e) != 0) {
		fprintf(stderr, "steer_tool: %s\n", e.msg);
		return 1;
	}
	if (text != NULL)
		fputs(text, stdout);
	free(text);
	return 0;
}
