/*
 * option_port.c - the options that name ports: port, pair, fault.  See option.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/option.h"

/* One setting behind a port's spec: 1 if it is one, 0 if not, -EINVAL. */
static int
port_setting(struct port_option *p, const char *word, struct err *err)
{
	long mtu;

	if (strcmp(word, "copy") == 0)
		p->copy = p->meta = true;
	else if (strcmp(word, "mirror") == 0)
		p->copy = true;	/* and no tag */
	else if (strcmp(word, "meta") == 0)
		p->meta = true;
	else if (strcmp(word, "trust") == 0)
		p->trust = true;
	else if (strcmp(word, "vlan-ignore") == 0)
		p->vlan_ignore = true;
	else if (strncmp(word, "mtu=", 4) != 0)
		return 0;
	else if (option_read_number("mtu", word + 4, 576, 9600, &mtu, err) != 0)
		return -EINVAL;
	else
		p->mtu = (uint16_t)mtu;
	return 1;
}

/* A spec may have commas of its own, so settings are taken from its end. */
static int
port_settings(struct port_option *p, char *spec, struct err *err)
{
	char *comma;
	int rc;

	while ((comma = strrchr(spec, ',')) != NULL) {
		rc = port_setting(p, comma + 1, err);
		if (rc <= 0)
			break;
		*comma = '\0';
	}
	p->spec = spec;
	return comma && rc < 0 ? rc : 0;
}

static int
port_find(const struct options *o, const char *name, size_t len)
{
	unsigned i;

	for (i = 0; i < o->n_ports; i++)
		if (strncmp(o->port[i].name, name, len) == 0 && o->port[i].name[len] == '\0')
			return (int)i;
	return -1;
}

int
option_port(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	char *equals = strchr(text, '=');
	struct port_option *p = &o->port[o->n_ports];

	(void)row;
	if (!equals || equals == text)
		return err_set(err, -EINVAL, "NAME=SPEC is needed");
	if (o->n_ports == MAX_PORTS)
		return err_set(err, -EINVAL, "there are %d ports already, which is the most",
			       MAX_PORTS);
	*equals = '\0';
	if (port_find(o, text, strlen(text)) >= 0)
		return err_set(err, -EINVAL, "two ports are called '%s'", text);
	p->name = text;
	o->n_ports++;
	return port_settings(p, equals + 1, err);
}

int
option_pair(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	const char *colon = strchr(text, ':');
	int a, b;

	(void)row;
	if (!colon)
		return err_set(err, -EINVAL, "A:B is needed");
	if (o->n_pairs == MAX_PAIRS)
		return err_set(err, -EINVAL, "there are %d pairs already, which is the most",
			       MAX_PAIRS);
	a = port_find(o, text, (size_t)(colon - text));
	b = port_find(o, colon + 1, strlen(colon + 1));
	if (a < 0 || b < 0)
		return err_set(err, -EINVAL, "there is no port '%s'",
			       b < 0 ? colon + 1 : strtok(text, ":"));
	if (a == b)
		return err_set(err, -EINVAL, "two different ports are needed");
	o->pair[o->n_pairs][0] = (uint8_t)a;
	o->pair[o->n_pairs++][1] = (uint8_t)b;
	return 0;
}

static int
fault_word(struct port_fault *f, char *word, struct err *err)
{
	double percent;
	char *end;

	if (strncmp(word, "loss=", 5) == 0) {
		percent = strtod(word + 5, &end);
		if (strcmp(end, "%") != 0 || !(percent >= 0 && percent <= 100))
			return err_set(err, -EINVAL, "'%s': loss=P%% is needed", word);
		f->loss_ppm = (uint32_t)(percent * 10000 + 0.5);
	} else if (strncmp(word, "seed=", 5) == 0) {
		f->seed = strtoull(word + 5, &end, 0);
		if (*end != '\0' || end == word + 5)
			return err_set(err, -EINVAL, "'%s': seed=N is needed", word);
	} else if (strncmp(word, "log=", 4) == 0) {
		f->log = word + 4;
	} else {
		return err_set(err, -EINVAL, "'%s' is none of loss=, seed=, log=", word);
	}
	return 0;
}

int
option_fault(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	char *colon = strchr(text, ':'), *word, *save;
	int port = colon ? port_find(o, text, (size_t)(colon - text)) : -1;
	int rc = 0;

	(void)row;
	if (port < 0)
		return err_set(err, -EINVAL,
			       "PORT:loss=P%%[,seed=N][,log=FILE] with a --port's name is needed");
	for (word = strtok_r(colon + 1, ",", &save); word && rc == 0;
	     word = strtok_r(NULL, ",", &save))
		rc = fault_word(&o->port[port].fault, word, err);
	return rc;
}

void
option_clear_pairs(struct options *o)
{
	o->n_pairs = 0;
}

/* Pairs and faults name ports. */
void
option_clear_ports(struct options *o)
{
	memset(o->port, 0, sizeof o->port);
	o->n_ports = 0;
	o->n_pairs = 0;
}

void
option_clear_faults(struct options *o)
{
	unsigned i;

	for (i = 0; i < o->n_ports; i++)
		o->port[i].fault = (struct port_fault){ 0 };
}

/* The tag that comes by one port goes back by the other. */
static int
check_meta(const struct options *o, struct err *err)
{
	unsigned i;

	for (i = 0; i < o->n_pairs; i++) {
		const struct port_option *a = &o->port[o->pair[i][0]];
		const struct port_option *b = &o->port[o->pair[i][1]];

		if (a->meta != b->meta)
			return err_set(
				err, -EINVAL,
				"port %s has meta and %s has not: both ports of a pair carry "
				"attachments, or none",
				(a->meta ? a : b)->name, (a->meta ? b : a)->name);
	}
	return 0;
}

int
option_complete_pairs(struct options *o, struct err *err)
{
	unsigned use[MAX_PORTS] = { 0 }, inline_port[MAX_PORTS], n = 0, i;

	for (i = 0; i < o->n_ports; i++)
		if (!o->port[i].copy)
			inline_port[n++] = i;
	if (o->n_pairs == 0 && n == 2) {
		o->pair[0][0] = (uint8_t)inline_port[0];
		o->pair[0][1] = (uint8_t)inline_port[1];
		o->n_pairs = 1;
	}
	for (i = 0; i < o->n_pairs; i++) {
		use[o->pair[i][0]]++;
		use[o->pair[i][1]]++;
	}
	for (i = 0; i < o->n_ports; i++) {
		if (o->port[i].copy && use[i])
			return err_set(err, -EINVAL, "port %s is a copy and can't be in a pair",
				       o->port[i].name);
		if (!o->port[i].copy && use[i] != 1)
			return err_set(err, -EINVAL,
				       "port %s is in %s: name each once by --pair A:B",
				       o->port[i].name, use[i] ? "two pairs" : "no pair");
	}
	return check_meta(o, err);
}
