/*
 * cmdline.c - see cmdline.h.
 */
#include "vnf/cmdline.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char cmdline_help[] =
	"Usage: leatd [OPTION]...\n"
	"Terminates, follows or reassembles the TCP flows that come by its ports (leatd(8)).\n"
	"\n"
	"  --name NAME            of this instance (leat)\n"
	"  --run-dir DIR          control socket DIR/NAME.ctl and DIR/NAME.pid\n"
	"  --db FILE              database of policies and flows\n"
	"  --policy FILE          load and activate this policy (else: the last active one)\n"
	"  --check-policy FILE    only say whether the policy is right (-: standard input)\n"
	"  --port NAME=SPEC[,copy][,trust][,vlan-ignore][,mtu=N]\n"
	"                         SPEC: vhost:PATH, afpacket:IF, pcap:IN[,OUT], ring:NAME\n"
	"  --pair A:B             A towards clients, B towards servers\n"
	"  --workers N            threads that handle packets (1)\n"
	"  --cores LIST           where they run: 1,2 or 1-2\n"
	"  --socket-mem MB        memory for packets (256)\n"
	"  --no-huge              ordinary memory instead of hugepages: for tests\n"
	"  --fault PORT:loss=P%,seed=N,log=FILE\n"
	"                         lose frames on purpose as they arrive\n"
	"  --ovs-db SOCK          Open vSwitch's database (this host's)\n"
	"  --ovs-rundir DIR       where BRIDGE.mgmt is (beside its database)\n"
	"  --instance N           number of this instance in the switch's rules (0)\n"
	"  --steer                put the steering rules in place and keep them there\n"
	"  --verbose              say more\n"
	"  --version, --help\n";

enum {
	OPT_NAME = 256,
	OPT_RUN_DIR,
	OPT_DB,
	OPT_POLICY,
	OPT_CHECK_POLICY,
	OPT_PORT,
	OPT_PAIR,
	OPT_WORKERS,
	OPT_CORES,
	OPT_MEM,
	OPT_NO_HUGE,
	OPT_FAULT,
	OPT_OVS_DB,
	OPT_OVS_RUNDIR,
	OPT_INSTANCE,
	OPT_STEER,
	OPT_VERBOSE,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "name", required_argument, NULL, OPT_NAME },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "db", required_argument, NULL, OPT_DB },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "check-policy", required_argument, NULL, OPT_CHECK_POLICY },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "pair", required_argument, NULL, OPT_PAIR },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "cores", required_argument, NULL, OPT_CORES },
	{ "socket-mem", required_argument, NULL, OPT_MEM },
	{ "no-huge", no_argument, NULL, OPT_NO_HUGE },
	{ "fault", required_argument, NULL, OPT_FAULT },
	{ "ovs-db", required_argument, NULL, OPT_OVS_DB },
	{ "ovs-rundir", required_argument, NULL, OPT_OVS_RUNDIR },
	{ "instance", required_argument, NULL, OPT_INSTANCE },
	{ "steer", no_argument, NULL, OPT_STEER },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int
number(const char *option, const char *text, long low, long high, long *v, struct err *err)
{
	char *end;

	errno = 0;
	*v = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *v >= low && *v <= high)
		return 0;
	return err_set(err, -EINVAL, "%s '%s': a number from %ld to %ld is needed", option, text,
		       low, high);
}

/* --- ports --- */

/* One setting behind a port's spec: 1 if it is one, 0 if not, -EINVAL. */
static int
port_setting(struct port_option *p, const char *word, struct err *err)
{
	long mtu;

	if (strcmp(word, "copy") == 0)
		p->copy = p->meta = true;
	else if (strcmp(word, "meta") == 0)
		return err_set(err, -EINVAL,
			       "--port: meta: many attachments on one port are not available yet; "
			       "give each pair of the switch's ports a pair of its own");
	else if (strcmp(word, "trust") == 0)
		p->trust = true;
	else if (strcmp(word, "vlan-ignore") == 0)
		p->vlan_ignore = true;
	else if (strncmp(word, "mtu=", 4) != 0)
		return 0;
	else if (number("--port: mtu", word + 4, 576, 9600, &mtu, err) != 0)
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

static int
port_option(struct options *o, char *text, struct err *err)
{
	char *equals = strchr(text, '=');
	struct port_option *p = &o->port[o->n_ports];

	if (!equals || equals == text)
		return err_set(err, -EINVAL, "--port '%s': NAME=SPEC is needed", text);
	if (o->n_ports == MAX_PORTS)
		return err_set(err, -EINVAL, "more than %d ports", MAX_PORTS);
	*equals = '\0';
	if (port_find(o, text, strlen(text)) >= 0)
		return err_set(err, -EINVAL, "two ports are called '%s'", text);
	p->name = text;
	o->n_ports++;
	return port_settings(p, equals + 1, err);
}

static int
pair_option(struct options *o, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':');
	int a, b;

	if (!colon)
		return err_set(err, -EINVAL, "--pair '%s': A:B is needed", text);
	if (o->n_pairs == MAX_PAIRS)
		return err_set(err, -EINVAL, "more than %d pairs", MAX_PAIRS);
	a = port_find(o, text, (size_t)(colon - text));
	b = port_find(o, colon + 1, strlen(colon + 1));
	if (a < 0 || b < 0 || a == b)
		return err_set(err, -EINVAL,
			       "--pair %s: two ports that were given by --port "
			       "are needed",
			       text);
	o->pair[o->n_pairs][0] = (uint8_t)a;
	o->pair[o->n_pairs++][1] = (uint8_t)b;
	return 0;
}

/* --- faults --- */

static int
fault_word(struct port_fault *f, char *word, struct err *err)
{
	double percent;
	char *end;

	if (strncmp(word, "loss=", 5) == 0) {
		percent = strtod(word + 5, &end);
		if (strcmp(end, "%") != 0 || !(percent >= 0 && percent <= 100))
			return err_set(err, -EINVAL, "--fault: '%s': loss=P%% is needed", word);
		f->loss_ppm = (uint32_t)(percent * 10000 + 0.5);
	} else if (strncmp(word, "seed=", 5) == 0) {
		f->seed = strtoull(word + 5, &end, 0);
		if (*end != '\0' || end == word + 5)
			return err_set(err, -EINVAL, "--fault: '%s': seed=N is needed", word);
	} else if (strncmp(word, "log=", 4) == 0) {
		f->log = word + 4;
	} else {
		return err_set(err, -EINVAL, "--fault: '%s' is none of loss=, seed=, log=", word);
	}
	return 0;
}

static int
fault_option(struct options *o, char *text, struct err *err)
{
	char *colon = strchr(text, ':'), *word, *save;
	int port = colon ? port_find(o, text, (size_t)(colon - text)) : -1;
	int rc = 0;

	if (port < 0)
		return err_set(err, -EINVAL,
			       "--fault '%s': PORT:loss=P%%[,seed=N][,log=FILE] is "
			       "needed, after the --port",
			       text);
	for (word = strtok_r(colon + 1, ",", &save); word && rc == 0;
	     word = strtok_r(NULL, ",", &save))
		rc = fault_word(&o->port[port].fault, word, err);
	return rc;
}

/* --- cores --- */

static int
cores_option(struct options *o, char *text, struct err *err)
{
	char *word, *save, *dash;
	unsigned n = 0;
	long lo, hi;

	for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		dash = strchr(word, '-');
		if (dash)
			*dash++ = '\0';
		if (number("--cores", word, 0, 1023, &lo, err) != 0 ||
		    number("--cores", dash ? dash : word, lo, 1023, &hi, err) != 0)
			return -EINVAL;
		for (; lo <= hi && n < MAX_WORKERS; lo++)
			o->core[n++] = (int)lo;
	}
	return n ? 0 : err_set(err, -EINVAL, "--cores: no core is named");
}

/* --- all --- */

static int
set_number(const char *option, unsigned *to, const char *text, long low, long high, struct err *err)
{
	long v;
	int rc = number(option, text, low, high, &v, err);

	if (rc == 0)
		*to = (unsigned)v;
	return rc;
}

static bool
set_text(struct options *o, int opt, const char *text)
{
	switch (opt) {
	case OPT_NAME:
		o->name = text;
		return true;
	case OPT_RUN_DIR:
		o->run_dir = text;
		return true;
	case OPT_DB:
		o->db = text;
		return true;
	case OPT_POLICY:
		o->policy = text;
		return true;
	case OPT_CHECK_POLICY:
		o->check_policy = text;
		return true;
	case OPT_OVS_DB:
		o->ovs_db = text;
		return true;
	case OPT_OVS_RUNDIR:
		o->ovs_rundir = text;
		return true;
	default:
		return false;
	}
}

static int
set_option(struct options *o, int opt, char *text, struct err *err)
{
	switch (opt) {
	case OPT_PORT:
		return port_option(o, text, err);
	case OPT_PAIR:
		return pair_option(o, text, err);
	case OPT_FAULT:
		return fault_option(o, text, err);
	case OPT_CORES:
		return cores_option(o, text, err);
	case OPT_WORKERS:
		return set_number("--workers", &o->n_workers, text, 1, MAX_WORKERS, err);
	case OPT_MEM:
		return set_number("--socket-mem", &o->mem_mb, text, 32, 1 << 20, err);
	case OPT_INSTANCE:
		return set_number("--instance", &o->instance, text, 0, 255, err);
	case OPT_NO_HUGE:
		o->no_huge = true;
		break;
	case OPT_STEER:
		o->steer = true;
		break;
	case OPT_VERBOSE:
		o->verbose = true;
		break;
	case OPT_VERSION:
		o->version = true;
		break;
	case OPT_HELP:
		o->help = true;
		break;
	default:
		set_text(o, opt, text);
		break;
	}
	return 0;
}

/* Two ports that are no copies are a pair if none is named; every other one must be in a pair. */
static int
complete_pairs(struct options *o, struct err *err)
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
	return 0;
}

int
cmdline_parse(int argc, char *argv[], struct options *o, struct err *err)
{
	int opt, rc = 0;
	unsigned i;

	*o = (struct options){ .name = "leat", .n_workers = 1 };
	for (i = 0; i < MAX_WORKERS; i++)
		o->core[i] = -1;
	opterr = 0;
	optind = 1;
	while (rc == 0 && (opt = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (opt == '?')
			return err_set(err, -EINVAL, "'%s' is no option", argv[optind - 1]);
		if (opt == ':')
			return err_set(err, -EINVAL, "'%s' needs a value", argv[optind - 1]);
		rc = set_option(o, opt, optarg, err);
	}
	if (rc != 0 || o->help || o->version || o->check_policy)
		return rc;
	if (optind < argc)
		return err_set(err, -EINVAL, "'%s' is no option", argv[optind]);
	if (o->n_ports == 0)
		return err_set(err, -EINVAL, "no port: give --port NAME=SPEC, twice for a pair");
	return complete_pairs(o, err);
}
