/*
 * tuple.c - see tuple.h.
 */
#include "vnf/tuple.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024, VID_MAX = 4094, U16_MAX = 65535 };

static const char usage[] =
	"tcp CLIENT:PORT SERVER:PORT [vlan V.V] [on PORT] [domain N] [midstream] "
	"[app=CHAIN] [sni=NAME] [host=NAME] [alpn=NAMES] [settled]";

/* A whole number of at most `max`. */
static bool
number(const char *s, unsigned long max, unsigned long *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoul(s, &end, 10);
	return *end == '\0' && errno == 0 && *v <= max;
}

static bool
address(const char *s, bool v6, struct ip_addr *a)
{
	uint8_t b[16];

	if (inet_pton(v6 ? AF_INET6 : AF_INET, s, b) != 1)
		return false;
	*a = v6 ? ip_addr_v6(b) : ip_addr_v4(b);
	return true;
}

/* "10.0.0.1:80" or "[fd00::1]:80"; the word is cut in two. */
static int
endpoint(char *word, struct ip_addr *a, uint16_t *port, struct err *err)
{
	unsigned long n = 0;
	char *colon, shown[64];
	bool v6, good;

	if (!word)
		return err_set(err, -EINVAL, "an end is missing: expected %s", usage);
	v6 = word[0] == '[';
	colon = strrchr(word, ':');
	snprintf(shown, sizeof shown, "%s", word);
	good = colon && colon > word && number(colon + 1, U16_MAX, &n);
	if (good)
		*colon = '\0';
	if (good && v6) {
		good = colon[-1] == ']';
		colon[-1] = '\0';
	}
	*port = (uint16_t)n;
	if (good && address(word + v6, v6, a))
		return 0;
	return err_set(err, -EINVAL, "%s: expected ADDRESS:PORT, or [ADDRESS]:PORT for IPv6",
		       shown);
}

static int
vlans(char *word, struct policy_facts *f, struct err *err)
{
	char *vid, *rest = NULL;
	unsigned long n;

	if (word && strcmp(word, "untagged") == 0)
		return 0;
	for (vid = word ? strtok_r(word, ".", &rest) : NULL; vid;
	     vid = strtok_r(NULL, ".", &rest)) {
		if (f->n_tags == POLICY_TAGS_MAX || !number(vid, VID_MAX, &n))
			return err_set(err, -EINVAL,
				       "vlan: expected up to %d VLANs from 0 to %d, as 100.200",
				       POLICY_TAGS_MAX, VID_MAX);
		f->vid[f->n_tags++] = (uint16_t)n;
	}
	return f->n_tags ? 0 : err_set(err, -EINVAL, "vlan: expected VLANs as 100.200");
}

/* "sni=a.example": false if it is no such word. */
static bool
said(struct tuple *t, const char *word)
{
	static const char *const keys[TUPLE_SAID] = { "app=", "sni=", "host=", "alpn=" };
	const char **const facts[TUPLE_SAID] = { &t->facts.app, &t->facts.sni, &t->facts.host,
						 &t->facts.alpn };
	unsigned i;

	for (i = 0; i < TUPLE_SAID; i++) {
		if (strncmp(word, keys[i], strlen(keys[i])) != 0)
			continue;
		snprintf(t->said[i], sizeof t->said[i], "%s", word + strlen(keys[i]));
		*facts[i] = t->said[i];
		return true;
	}
	return false;
}

/* What may follow the two ends. */
static int
extra(struct tuple *t, const char *word, char **rest, struct err *err)
{
	const char *value;
	unsigned long n;

	if (said(t, word))
		return 0;
	if (strcmp(word, "settled") == 0) {
		t->facts.settled = true;
		return 0;
	}
	if (strcmp(word, "midstream") == 0) {
		t->facts.midstream = true;
		return 0;
	}
	if (strcmp(word, "vlan") == 0)
		return vlans(strtok_r(NULL, " \t", rest), &t->facts, err);
	if (strcmp(word, "on") == 0) {
		value = strtok_r(NULL, " \t", rest);
		if (!value || strlen(value) > POLICY_NAME_MAX)
			return err_set(err, -EINVAL, "on: expected the name of a port");
		strcpy(t->on, value);
		t->has_on = true;
		return 0;
	}
	if (strcmp(word, "domain") == 0) {
		value = strtok_r(NULL, " \t", rest);
		if (!value || !number(value, U16_MAX, &n))
			return err_set(err, -EINVAL, "domain: expected a number from 0 to %d",
				       U16_MAX);
		t->facts.domain = (uint16_t)n;
		t->has_domain = true;
		return 0;
	}
	return err_set(err, -EINVAL, "%s: expected %s", word, usage);
}

static int
join(int argc, const char *const argv[], char text[TEXT_MAX])
{
	size_t n = 0;
	int i, k;

	text[0] = '\0';
	for (i = 0; i < argc; i++) {
		k = snprintf(text + n, TEXT_MAX - n, "%s%s", i ? " " : "", argv[i]);
		if (k < 0 || (size_t)k >= TEXT_MAX - n)
			return -E2BIG;
		n += (size_t)k;
	}
	return 0;
}

int
tuple_parse(int argc, const char *const argv[], struct tuple *t, struct err *err)
{
	struct policy_facts *f = &t->facts;
	char text[TEXT_MAX], *word, *rest = NULL;
	int rc;

	*t = (struct tuple){ .facts.proto = IPPROTO_TCP };
	if (join(argc, argv, text) != 0)
		return err_set(err, -EINVAL, "that is too long: expected %s", usage);
	word = strtok_r(text, " \t", &rest);
	if (!word || strcmp(word, "tcp") != 0)
		return err_set(err, -EINVAL, "%s: expected %s", word ? word : "nothing there",
			       usage);
	if ((rc = endpoint(strtok_r(NULL, " \t", &rest), &f->src, &f->sport, err)) != 0 ||
	    (rc = endpoint(strtok_r(NULL, " \t", &rest), &f->dst, &f->dport, err)) != 0)
		return rc;
	if (ip_addr_is_v4(&f->src) != ip_addr_is_v4(&f->dst))
		return err_set(err, -EINVAL, "one end is IPv4 and the other IPv6");
	while (rc == 0 && (word = strtok_r(NULL, " \t", &rest)) != NULL)
		rc = extra(t, word, &rest, err);
	return rc;
}

static int
bind_on(struct tuple *t, const struct ports *ports, struct err *err)
{
	unsigned i, k;

	for (i = 0; i < ports->n; i++)
		if (strcmp(port_config(ports->port[i])->name, t->on) == 0)
			break;
	if (i == ports->n)
		return err_set(err, -EINVAL, "on %s: there is no port of this name", t->on);
	t->facts.port = (uint8_t)i;
	t->facts.peer = ports->peer[i];
	if (t->has_domain)
		return 0;
	t->facts.domain = DOMAIN_UNTAGGED;
	for (k = 0; k < ports->n_pairs; k++)
		if (ports->pair[k][0] == i || ports->pair[k][1] == i)
			t->facts.domain = (uint16_t)k;
	return 0;
}

int
tuple_bind(struct tuple *t, const struct ports *ports, struct err *err)
{
	unsigned pair = t->facts.domain;

	if (t->has_on)
		return bind_on(t, ports, err);
	if (ports->n_pairs == 0)
		return t->has_domain ? 0 : err_set(err, -EINVAL, "expected \"on PORT\"");
	if (pair >= ports->n_pairs)
		pair = 0;
	t->facts.port = ports->pair[pair][0];
	t->facts.peer = ports->pair[pair][1];
	return 0;
}
