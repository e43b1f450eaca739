/*
 * ports.c - Leat's vhost-user ports on a bridge.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/ports.h"

enum { ARGS_A_PORT = 24, TEXTS_A_PORT = 5, SETTING_TEXT = 300 };

static const char kind[] = "dpdkvhostuserclient";

/* The arguments of one ovs-vsctl call; the settings' text is kept here. */
struct call {
	const char *args[OVS_LEAT_PORTS_MAX * ARGS_A_PORT];
	char text[OVS_LEAT_PORTS_MAX][TEXTS_A_PORT][SETTING_TEXT];
	unsigned int n;
};

static void
add(struct call *c, const char *arg)
{
	c->args[c->n++] = arg;
}

/* Returns 1 if there is an interface of that name and of Leat's kind, 0 if there is none of that
 * name, -EEXIST if it is of another kind. */
static int
exists(const struct ovs_target *t, const char *name, struct err *e)
{
	const char *args[] = { "--if-exists", "get", "Interface", name, "type", NULL };
	char doing[160], *out = NULL;
	int err;

	snprintf(doing, sizeof(doing), "looking for port %s", name);
	err = ovs_vsctl(t, doing, &out, e, args);
	if (err != 0)
		return err;
	out[strcspn(out, "\n")] = '\0';
	if (out[0] != '\0' && strcmp(out, kind) != 0)
		err = err_set(e, -EEXIST,
			      "port %s exists and is of type %s, not %s: it is not Leat's", name,
			      strcmp(out, "\"\"") == 0 ? "system" : out, kind);
	else
		err = out[0] != '\0';
	free(out);
	return err;
}

static void
ensure(struct call *c, unsigned int i, const char *bridge, const struct ovs_leat_port *p)
{
	snprintf(c->text[i][0], SETTING_TEXT, "options:vhost-server-path=%s", p->socket);
	snprintf(c->text[i][1], SETTING_TEXT, "mtu_request=%u", p->mtu);
	snprintf(c->text[i][2], SETTING_TEXT, "ofport_request=%" PRIu32, p->ofport);
	add(c, "--");
	add(c, "--may-exist");
	add(c, "add-port");
	add(c, bridge);
	add(c, p->name);
	add(c, "tag=4095");
	add(c, "--");
	add(c, "set");
	add(c, "Interface");
	add(c, p->name);
	add(c, "type=dpdkvhostuserclient");
	add(c, c->text[i][0]);
	add(c, c->text[i][1]);
	if (p->ofport != 0)
		add(c, c->text[i][2]);
	if (p->is_tap)
		add(c, "options:tx-retries-max=0");
	if (p->bfd_ms == 0) {
		add(c, "bfd:enable=false");
		return;
	}
	snprintf(c->text[i][3], SETTING_TEXT, "bfd:min_tx=%u", p->bfd_ms);
	snprintf(c->text[i][4], SETTING_TEXT, "bfd:min_rx=%u", p->bfd_ms);
	add(c, "bfd:enable=true");
	add(c, c->text[i][3]);
	add(c, c->text[i][4]);
}

int
ovs_ports_ensure(const struct ovs_target *t, const char *bridge, const struct ovs_leat_port *ports,
		 unsigned int n, struct err *e)
{
	char doing[160];
	struct call c = { .n = 0 };
	unsigned int i;
	int err;

	if (n == 0)
		return 0;
	if (n > OVS_LEAT_PORTS_MAX)
		return err_set(e, -EINVAL, "more than %d ports", OVS_LEAT_PORTS_MAX);
	for (i = 0; i < n; i++) {
		if (ports[i].socket[0] != '/' || strlen(ports[i].socket) > OVS_PATH_MAX)
			return err_set(e, -EINVAL, "port %s: '%s' is not an absolute path",
				       ports[i].name, ports[i].socket);
		err = exists(t, ports[i].name, e);
		if (err < 0)
			return err;
		ensure(&c, i, bridge, &ports[i]);
	}
	add(&c, NULL);
	snprintf(doing, sizeof(doing), "adding Leat's ports to bridge %s", bridge);
	return ovs_vsctl(t, doing, NULL, e, c.args);
}

int
ovs_ports_remove(const struct ovs_target *t, const char *bridge, const char *const names[],
		 unsigned int n, struct err *e)
{
	struct call c = { .n = 0 };
	char doing[160];
	unsigned int i;
	int there;

	if (n > OVS_LEAT_PORTS_MAX)
		return err_set(e, -EINVAL, "more than %d ports", OVS_LEAT_PORTS_MAX);
	for (i = 0; i < n; i++) {
		there = exists(t, names[i], e);
		if (there < 0)
			return there;
		if (there == 0)
			continue;
		add(&c, "--");
		add(&c, "--if-exists");
		add(&c, "del-port");
		add(&c, bridge);
		add(&c, names[i]);
	}
	if (c.n == 0)
		return 0;
	add(&c, NULL);
	snprintf(doing, sizeof(doing), "removing Leat's ports from bridge %s", bridge);
	return ovs_vsctl(t, doing, NULL, e, c.args);
}

/* Three lines: the bridge, the number, what went wrong when the switch opened it. */
static int
read_number(const char *bridge, const char *port, char *out, uint32_t *number, struct err *e)
{
	char *owner = strsep(&out, "\n"), *ofport = strsep(&out, "\n"), *why = strsep(&out, "\n");

	if (owner == NULL || ofport == NULL || why == NULL)
		return err_set(e, -ENODEV, "port %s: ovs-vsctl said nothing", port);
	if (strcmp(owner, bridge) != 0)
		return err_set(e, -ENODEV, "port %s is on bridge %s, not on %s", port, owner,
			       bridge);
	if (sscanf(ofport, "%" SCNu32, number) != 1 || ofport[0] == '-' || *number == 0)
		return err_set(e, -ENODEV, "port %s of bridge %s is not open in the switch%s%s",
			       port, bridge, strcmp(why, "[]") == 0 ? "" : ": ",
			       strcmp(why, "[]") == 0 ? "" : why);
	return 0;
}

int
ovs_port_number(const struct ovs_target *t, const char *bridge, const char *port, uint32_t *number,
		struct err *e)
{
	const char *args[] = { "--",	    "iface-to-br", port,     "--",    "get",
			       "Interface", port,	   "ofport", "error", NULL };
	char doing[160], *out = NULL;
	int err;

	snprintf(doing, sizeof(doing), "looking for port %s on bridge %s", port, bridge);
	err = ovs_vsctl(t, doing, &out, e, args);
	if (err == 0)
		err = read_number(bridge, port, out, number, e);
	free(out);
	return err;
}

/* Lines "NAME,NUMBER" of all interfaces, and after them the names of those on the bridge. */
int
ovs_port_list_read(const struct ovs_target *t, const char *bridge, struct ovs_port_list *l,
		   struct err *e)
{
	const char *args[] = { "--no-headings", "--format=csv", "--columns=name,ofport",
			       "list",		"Interface",	"--",
			       "list-ifaces",	bridge,		NULL };
	char doing[160];

	l->text = NULL;
	snprintf(doing, sizeof(doing), "listing the ports of bridge %s", bridge);
	return ovs_vsctl(t, doing, &l->text, e, args);
}

void
ovs_port_list_fini(struct ovs_port_list *l)
{
	free(l->text);
	l->text = NULL;
}

/* What follows `port` and `end` at the beginning of a line, or NULL. */
static const char *
find_line(const char *text, const char *port, char end)
{
	size_t len = strlen(port);

	while (*text != '\0') {
		if (strncmp(text, port, len) == 0 && text[len] == end)
			return text + len + 1;
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return NULL;
}

uint32_t
ovs_port_list_find(const struct ovs_port_list *l, const char *port)
{
	const char *number = find_line(l->text, port, ',');
	uint32_t n;

	if (number == NULL || find_line(number, port, '\n') == NULL || number[0] == '-' ||
	    sscanf(number, "%" SCNu32, &n) != 1)
		return 0;
	return n;
}
