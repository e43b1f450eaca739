/*
 * steer_tool: datapath/ovs by hand, for steer.test.
 *
 *	steer_tool DBSOCK BRIDGE INSTANCE ports SOCKDIR		leat-a, leat-b, leat-tap
 *	steer_tool DBSOCK BRIDGE INSTANCE unports
 *	steer_tool DBSOCK BRIDGE INSTANCE apply|dry [SELECTION]...
 *	steer_tool DBSOCK BRIDGE INSTANCE show|clear
 *	steer_tool DBSOCK BRIDGE INSTANCE check [SELECTION]...
 *	steer_tool DBSOCK BRIDGE INSTANCE bypass|drybypass|count|bridges
 *	steer_tool DBSOCK BRIDGE INSTANCE trace FLOW
 * SELECTION is KIND,NAME,CLIENT,SERVER,PORT,NEXT[,OPTION]...: KIND is inline, copy or mirror, NEXT
 * is "normal" or a table, OPTION is open, closed, id=N, pair=A/B (once or more; leat-a/leat-b if
 * there is none), tap=NAME, l3, sample=N, vlan=N, from=A.B.C.D, to=A.B.C.D. What was sent is
 * printed. Exit status 1 and the message on failure.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/apply.h"
#include "datapath/ovs/ports.h"

enum { SELECTIONS_MAX = 16 };

static const struct ovs_pair leat_pair = { "leat-a", "leat-b" };

static struct ovs_selection selections[SELECTIONS_MAX];
static struct ovs_port_range port_of[SELECTIONS_MAX];
static struct ovs_pair pairs_of[SELECTIONS_MAX][OVS_PAIRS_MAX];
static struct ovs_prefix from_of[SELECTIONS_MAX], to_of[SELECTIONS_MAX];

static int
host(const char *text, struct ovs_prefix *p)
{
	p->len = 32;
	return inet_pton(AF_INET, text, p->addr) == 1 ? 0 : -1;
}

/* "key=value", or a word. */
static int
option(char *text, struct ovs_selection *s, unsigned int i)
{
	char *value = strchr(text, '='), *b;

	if (strcmp(text, "open") == 0 || strcmp(text, "closed") == 0) {
		s->fail_closed = text[0] == 'c';
		return 0;
	}
	if (strcmp(text, "l3") == 0) {
		s->balance = OVS_BALANCE_L3;
		return 0;
	}
	if (value == NULL)
		return -1;
	*value++ = '\0';
	if (strcmp(text, "id") == 0)
		s->tag_id = (uint16_t)atoi(value);
	else if (strcmp(text, "sample") == 0)
		s->sample = (unsigned int)atoi(value);
	else if (strcmp(text, "vlan") == 0)
		s->vlan = atoi(value);
	else if (strcmp(text, "tap") == 0)
		s->leat_tap = value;
	else if (strcmp(text, "from") == 0)
		return s->from = &from_of[i], s->n_from = 1, host(value, &from_of[i]);
	else if (strcmp(text, "to") == 0)
		return s->to = &to_of[i], s->n_to = 1, host(value, &to_of[i]);
	else if (strcmp(text, "pair") == 0 && (b = strchr(value, '/')) != NULL) {
		*b++ = '\0';
		s->n_pairs = s->pairs == &leat_pair ? 0 : s->n_pairs;
		s->pairs = pairs_of[i];
		pairs_of[i][s->n_pairs++] = (struct ovs_pair){ value, b };
	} else {
		return -1;
	}
	return 0;
}

static int
parse(const char *bridge, char *text, unsigned int i)
{
	struct ovs_selection *s = &selections[i];
	char *f[6], *more, *save;
	int n;

	f[0] = strtok_r(text, ",", &save);
	for (n = 1; n < 6; n++)
		f[n] = strtok_r(NULL, ",", &save);
	if (f[5] == NULL)
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
	s->kind = f[0][0] == 'c'   ? OVS_STEER_COPY
		  : f[0][0] == 'm' ? OVS_STEER_MIRROR
				   : OVS_STEER_INLINE;
	while ((more = strtok_r(NULL, ",", &save)) != NULL)
		if (option(more, s, i) != 0)
			return -1;
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
count(const struct ovs_target *t, unsigned int instance, const char *bridge, char **text,
      struct err *e)
{
	unsigned int n;
	int err = ovs_present(t, instance, bridge, &n, e);

	if (err == 0 && asprintf(text, "%u\n", n) < 0)
		err = -1;
	return err;
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
	if (strcmp(verb, "bypass") == 0 || strcmp(verb, "drybypass") == 0)
		return ovs_bypass(t, instance, bridge, verb[0] == 'd', text, e);
	if (strcmp(verb, "bridges") == 0)
		return ovs_bridges(t, instance, text, e);
	if (strcmp(verb, "count") == 0)
		return count(t, instance, bridge, text, e);
	if (strcmp(verb, "trace") == 0 && argc == 6)
		return ovs_trace(t, bridge, argv[5], text, e);
	for (; (int)n < argc - 5; n++)
		if (n == SELECTIONS_MAX || parse(bridge, argv[5 + n], n) != 0)
			return err_set(e, -1, "bad selection %s", argv[5 + n]);
	if (strcmp(verb, "check") == 0)
		return ovs_check(t, instance, bridge, selections, n, text, e);
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
