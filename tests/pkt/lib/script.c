/*
 * script.c - reads the language, one line an event, by a cursor.
 */
#include "tests/pkt/lib/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct script *s;
	const char *at;		/* in the line */
	unsigned line;
	bool failed;
};

static void
fail(struct reader *r, const char *what)
{
	if (!r->failed)
		printf("# %s:%u: %s at \"%.40s\"\n", r->s->path, r->line, what, r->at);
	r->failed = true;
}

static void
space(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t')
		r->at++;
}

/* Takes `word` if it is next. */
static bool
take(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	space(r);
	if (strncmp(r->at, word, len) != 0 ||
	    (isalpha((unsigned char)word[0]) && isalnum((unsigned char)r->at[len])))
		return false;
	r->at += len;
	return true;
}

static void
need(struct reader *r, const char *word)
{
	char what[40];

	if (take(r, word))
		return;
	snprintf(what, sizeof what, "no '%s'", word);
	fail(r, what);
}

static uint32_t
number(struct reader *r)
{
	char *end;
	unsigned long long v;

	space(r);
	v = strtoull(r->at, &end, 0);
	if (end == r->at || v > UINT32_MAX)
		fail(r, "no 32-bit number");
	r->at = end;
	return (uint32_t)v;
}

/* Seconds, as "0.25" or ".25", in microseconds. */
static int64_t
seconds(struct reader *r)
{
	char *end;
	double v = strtod(r->at, &end);

	if (end == r->at || v < 0)
		fail(r, "no time");
	r->at = end;
	return (int64_t)(v * 1e6 + 0.5);
}

/* 0.5   +0.5   +0~+0.2   * */
static void
read_time(struct reader *r, struct script_event *e)
{
	space(r);
	if (take(r, "*")) {
		e->time = TIME_ANY;
		return;
	}
	e->time = take(r, "+") ? TIME_RELATIVE : TIME_ABSOLUTE;
	e->at = e->until = seconds(r);
	if (!take(r, "~"))
		return;
	if (e->time == TIME_RELATIVE)
		need(r, "+");
	e->until = seconds(r);
	if (e->until < e->at)
		fail(r, "a range that ends before it begins");
}

/* --- segments --- */

static const struct {
	const char *name;
	uint8_t kind, n;
} options[] = { { "eol", 0, 0 },    { "nop", 1, 0 },	{ "mss", 2, 1 },
		{ "wscale", 3, 1 }, { "sackOK", 4, 0 }, { "sack", 5, 0 } };

static void
read_sack(struct reader *r, struct script_opt *o)
{
	do {
		o->v[o->n++] = number(r);
		need(r, ":");
		o->v[o->n++] = number(r);
		space(r);
	} while (isdigit((unsigned char)*r->at) && o->n < 8);
}

static void
read_option(struct reader *r, struct script_opt *o)
{
	*o = (struct script_opt){ 0 };
	if (take(r, "TS")) {
		o->kind = 8;
		o->n = 2;
		need(r, "val");
		o->v[0] = number(r);
		need(r, "ecr");
		o->v[1] = number(r);
		return;
	}
	for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (!take(r, options[i].name))
			continue;
		o->kind = options[i].kind;
		o->n = options[i].n;
		if (o->kind == 5)
			read_sack(r, o);
		else if (o->n)
			o->v[0] = number(r);
		return;
	}
	fail(r, "no option");
}

static void
read_options(struct reader *r, struct script_seg *g)
{
	if (!take(r, "<"))
		return;
	if (take(r, "...")) {
		g->any_options = true;
	} else {
		do {
			if (g->n_opts == PKT_MAX_OPTS)
				fail(r, "too many options");
			else
				read_option(r, &g->opt[g->n_opts++]);
		} while (!r->failed && take(r, ","));
	}
	need(r, ">");
}

static const char *const ecn_names[] = { "noecn", "ect1", "ect0", "ce" };

static void
read_address(struct reader *r, char *to, size_t len)
{
	size_t n;

	space(r);
	n = strspn(r->at, "0123456789.");
	if (n == 0 || n >= len) {
		fail(r, "no IPv4 address");
		return;
	}
	memcpy(to, r->at, n);
	to[n] = '\0';
	r->at += n;
}

static void
read_ip_field(struct reader *r, struct script_ip *ip)
{
	for (unsigned i = 0; i < 4; i++)
		if (take(r, ecn_names[i])) {
			ip->ecn = (uint8_t)i;
			ip->has_ecn = true;
			return;
		}
	if (take(r, "tos")) {
		ip->tos = (uint8_t)number(r);
		ip->has_tos = true;
		if (ip->tos & 3)
			fail(r, "ECN's bits are no part of tos");
	} else if (take(r, "ttl")) {
		ip->ttl = (uint8_t)number(r);
		ip->has_ttl = true;
	} else if (take(r, "src")) {
		read_address(r, ip->src, sizeof ip->src);
	} else if (take(r, "dst")) {
		read_address(r, ip->dst, sizeof ip->dst);
	} else {
		fail(r, "neither an ECN mark nor tos, ttl, src, dst");
	}
}

/* [ce] [tos 0x20] [ttl 5, ect0] */
static void
read_ip(struct reader *r, struct script_ip *ip)
{
	if (!take(r, "["))
		return;
	do {
		read_ip_field(r, ip);
	} while (!r->failed && take(r, ","));
	need(r, "]");
}

/* In the order of the bits on the wire. */
static const char flag_letters[] = "FSRP.UEWA";

/* 1:1001(1000) */
static void
read_range(struct reader *r, uint32_t *from, uint32_t *len)
{
	uint32_t end;

	*from = number(r);
	need(r, ":");
	end = number(r);
	need(r, "(");
	*len = number(r);
	need(r, ")");
	if (end - *from != *len)
		fail(r, "the numbers and the length differ");
}

/* [ce] S. 0:0(0) ack 1 win 65535 urg 1 <options> */
static void
read_segment(struct reader *r, struct script_seg *g)
{
	const char *letter;

	read_ip(r, &g->ip);
	space(r);
	take(r, "-");	/* no flag at all */
	for (; *r->at && (letter = strchr(flag_letters, *r->at)); r->at++)
		g->flags |= (uint16_t)(1 << (letter - flag_letters));
	read_range(r, &g->seq, &g->len);
	if (take(r, "ack"))
		g->ack = number(r);
	else if (g->flags & 0x10)
		fail(r, "no 'ack'");
	g->has_window = take(r, "win");
	if (g->has_window)
		g->window = number(r);
	g->has_urgent = take(r, "urg");
	if (g->has_urgent)
		g->urgent = (uint16_t)number(r);
	read_options(r, g);
}

/* --- ICMP errors (RFC 792, 1191, 1812) --- */

enum { ICMP_UNREACHABLE = 3, ICMP_SOURCE_QUENCH = 4, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER = 12 };

static const char *const unreachable_codes[] = {
	"net_unreachable",
	"host_unreachable",
	"protocol_unreachable",
	"port_unreachable",
	"frag_needed",
	"source_route_failed",
	"net_unknown",
	"host_unknown",
	"source_host_isolated",
	"net_prohibited",
	"host_prohibited",
	"net_unreachable_for_tos",
	"host_unreachable_for_tos",
	"packet_filtered",
	"precedence_violation",
	"precedence_cutoff",
};

static void
read_code(struct reader *r, struct script_icmp *i)
{
	for (unsigned k = 0; k < sizeof unreachable_codes / sizeof unreachable_codes[0]; k++)
		if (take(r, unreachable_codes[k])) {
			i->code = (uint8_t)k;
			return;
		}
	fail(r, "no code of `unreachable`");
}

/* unreachable frag_needed mtu 1200 [1:1001(1000)] */
static void
read_icmp(struct reader *r, struct script_icmp *i)
{
	if (take(r, "unreachable")) {
		i->type = ICMP_UNREACHABLE;
		read_code(r, i);
	} else if (take(r, "source_quench")) {
		i->type = ICMP_SOURCE_QUENCH;
	} else if (take(r, "time_exceeded")) {
		i->type = ICMP_TIME_EXCEEDED;
	} else if (take(r, "parameter_problem")) {
		i->type = ICMP_PARAMETER;
	} else {
		fail(r, "no ICMP error");
	}
	if (take(r, "mtu"))
		i->rest = number(r);
	need(r, "[");
	read_range(r, &i->seq, &i->len);
	need(r, "]");
}

/* --- calls --- */

static void
read_name(struct reader *r, char *to, size_t len)
{
	size_t n = 0;

	space(r);
	while (isalnum((unsigned char)*r->at) || *r->at == '_') {
		if (n + 1 < len)
			to[n++] = *r->at;
		r->at++;
	}
	to[n] = '\0';
	if (n == 0)
		fail(r, "no name");
}

/* Up to the comma or parenthesis that ends it, outside of brackets. */
static void
read_arg(struct reader *r, char *to, size_t len)
{
	unsigned depth = 0;
	size_t n = 0;

	space(r);
	for (; *r->at && (depth > 0 || !strchr(",)", *r->at)); r->at++) {
		depth += *r->at == '[' || *r->at == '{';
		depth -= *r->at == ']' || *r->at == '}';
		if (*r->at != ' ' && n + 1 < len)
			to[n++] = *r->at;
	}
	to[n] = '\0';
}

/* name(arg, ...) = result ERROR (text) */
static void
read_call(struct reader *r, struct script_call *c)
{
	bool negative;

	read_name(r, c->name, sizeof c->name);
	need(r, "(");
	do {
		if (c->n_args == PKT_MAX_ARGS) {
			fail(r, "too many arguments");
			return;
		}
		read_arg(r, c->arg[c->n_args++], sizeof c->arg[0]);
	} while (take(r, ","));
	need(r, ")");
	need(r, "=");
	negative = take(r, "-");
	c->result = (long)number(r) * (negative ? -1 : 1);
	space(r);
	if (isupper((unsigned char)*r->at))
		read_name(r, c->error, sizeof c->error);
	space(r);
	if (*r->at == '(')
		r->at += strlen(r->at);
}

/* --- lines --- */

/* How the connection behaves that is accepted; false: it is none of these. */
static bool
read_tuning(struct reader *r)
{
	struct script *s = r->s;

	if (take(r, "--ecn=offer"))
		s->ecn = 1;
	else if (take(r, "--ecn=off"))
		s->ecn = 2;
	else if (take(r, "--no_ecn"))
		s->no_ecn = true;
	else if (take(r, "--pace"))
		s->pace = true;
	else if (take(r, "--idle_restart"))
		s->idle_restart = true;
	else
		return false;
	return true;
}

static void
read_setting(struct reader *r)
{
	struct script *s = r->s;

	if (take(r, "--tolerance_usecs="))
		s->tolerance = number(r);
	else if (take(r, "--mtu="))
		s->mtu = (uint16_t)number(r);
	else if (take(r, "--window="))
		s->window = number(r);
	else if (take(r, "--soft_errors_end_opens"))
		s->soft_errors = true;
	else if (take(r, "--cookies"))
		s->cookies = true;
	else if (take(r, "--cc=reno"))
		s->cc = "reno";
	else if (!take(r, "--cc=cubic") && !read_tuning(r))
		fail(r, "no such setting");
}

static void
read_event(struct reader *r)
{
	struct script_event *e = &r->s->event[r->s->n_events];

	if (r->s->n_events == PKT_MAX_EVENTS) {
		fail(r, "too many events");
		return;
	}
	r->s->n_events++;
	*e = (struct script_event){ .line = r->line };
	read_time(r, e);
	if (take(r, "<")) {
		e->kind = take(r, "icmp") ? SCRIPT_ICMP : SCRIPT_IN;
		if (e->kind == SCRIPT_ICMP)
			read_icmp(r, &e->icmp);
		else
			read_segment(r, &e->seg);
	} else if (take(r, ">")) {
		e->kind = SCRIPT_OUT;
		read_segment(r, &e->seg);
	} else {
		e->kind = SCRIPT_CALL;
		read_call(r, &e->call);
	}
	if (e->kind != SCRIPT_OUT && (e->time == TIME_ANY || e->until > e->at))
		fail(r, "only what is sent may have a range of time");
}

static void
read_line(struct reader *r, char *line)
{
	char *comment = strstr(line, "//");

	if (comment)
		*comment = '\0';
	r->at = line;
	space(r);
	if (*r->at == '\0')
		return;
	if (strncmp(r->at, "--", 2) == 0)
		read_setting(r);
	else
		read_event(r);
	space(r);
	if (!r->failed && *r->at)
		fail(r, "more than an event");
}

int
script_read(struct script *s, const char *path)
{
	struct reader r = { .s = s };
	FILE *f = fopen(path, "r");
	char *line, *rest;
	size_t n;

	memset(s, 0, sizeof *s);
	s->path = path;
	s->tolerance = 4000;	/* packetdrill's */
	s->mtu = 1500;
	if (!f) {
		printf("# %s: %s\n", path, strerror(errno));
		return -errno;
	}
	n = fread(s->text, 1, sizeof s->text - 1, f);
	fclose(f);
	s->text[n] = '\0';
	for (line = s->text; line && !r.failed; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		r.line++;
		read_line(&r, line);
	}
	return r.failed ? -EINVAL : 0;
}

/* --- text --- */

static size_t
option_text(const struct script_opt *o, char *buf, size_t len)
{
	size_t n = 0;

	if (o->kind == 8)
		return (size_t)snprintf(buf, len, "TS val %u ecr %u", o->v[0], o->v[1]);
	for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
		if (options[i].kind == o->kind)
			n = (size_t)snprintf(buf, len, "%s", options[i].name);
	if (n == 0)
		return (size_t)snprintf(buf, len, "kind %u", o->kind);
	for (unsigned i = 0; i < o->n && n < len; i++)
		n += (size_t)snprintf(buf + n, len - n, "%s%u", o->kind == 5 && i % 2 ? ":" : " ",
				      o->v[i]);
	return n;
}

static size_t
ip_text(const struct script_ip *ip, char *buf, size_t len)
{
	size_t n = 0;

	if (ip->has_ecn)
		n += (size_t)snprintf(buf + n, len - n, "[%s] ", ecn_names[ip->ecn & 3]);
	if (ip->has_tos && ip->tos)
		n += (size_t)snprintf(buf + n, len - n, "[tos 0x%x] ", ip->tos);
	if (ip->has_ttl && ip->ttl != 64)
		n += (size_t)snprintf(buf + n, len - n, "[ttl %u] ", ip->ttl);
	return n;
}

const char *
script_seg_text(const struct script_seg *g, char *buf, size_t len)
{
	char flags[16];
	size_t n = 0;

	for (unsigned i = 0; flag_letters[i]; i++)
		if (g->flags & 1u << i)
			flags[n++] = flag_letters[i];
	if (n == 0)
		flags[n++] = '-';
	flags[n] = '\0';
	n = ip_text(&g->ip, buf, len);
	n += (size_t)snprintf(buf + n, len - n, "%s %u:%u(%u)", flags, g->seq, g->seq + g->len,
			      g->len);
	if (g->flags & 0x10)
		n += (size_t)snprintf(buf + n, len - n, " ack %u", g->ack);
	if (g->has_window)
		n += (size_t)snprintf(buf + n, len - n, " win %u", g->window);
	if (g->has_urgent)
		n += (size_t)snprintf(buf + n, len - n, " urg %u", g->urgent);
	if (g->any_options)
		snprintf(buf + n, len - n, " <...>");
	for (unsigned i = 0; i < g->n_opts && n + 64 < len; i++) {
		n += (size_t)snprintf(buf + n, len - n, "%s", i == 0 ? " <" : ",");
		n += option_text(&g->opt[i], buf + n, len - n);
		if (i + 1u == g->n_opts)
			snprintf(buf + n, len - n, ">");
	}
	return buf;
}
