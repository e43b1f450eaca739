/*
 * Any option bytes: reading them ends within them; what is built from the result reads the same;
 * the handshake's filter leaves nothing that it should take, and changes nothing twice.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpterm/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MSS_MAX = 1460 };

static void
must(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "options: %s\n", what);
		abort();
	}
}

/* What a SYN may say, or what another segment may, survives building and reading. */
static void
round_trip(const struct tcpterm_options *o, bool syn)
{
	uint8_t built[TCP_OPTIONS_MAX];
	unsigned len = options_build(o, syn, built);
	struct tcpterm_options again;

	must(len <= TCP_OPTIONS_MAX && len % 4 == 0, "built length");
	options_parse(built, len, &again);
	must(!again.malformed && again.n_unknown == 0, "built what does not read");
	must(again.has_ts == o->has_ts, "timestamps");
	if (o->has_ts)
		must(again.tsval == o->tsval && again.tsecr == o->tsecr, "timestamp values");
	if (syn)
		must(again.has_mss == o->has_mss && again.sack_permitted == o->sack_permitted,
		     "what a SYN says");
	else
		must(again.n_sack <= o->n_sack &&
			     memcmp(again.sack, o->sack, again.n_sack * sizeof o->sack[0]) == 0,
		     "SACK blocks");
}

static void
filtered(const uint8_t *bytes, unsigned len)
{
	/* Exactly as long as the options, so that a sanitizer sees a byte too many. */
	uint8_t *b = malloc(len ? len : 1), *once = malloc(len ? len : 1);
	struct tcpterm_options o;

	memcpy(b, bytes, len);
	options_filter(b, len, MSS_MAX);
	options_parse(b, len, &o);
	must(!o.has_md5 && !o.has_ao && !o.has_fastopen && !o.has_mptcp && o.n_unknown == 0,
	     "an option is left that should have gone");
	must(!o.has_mss || o.mss <= MSS_MAX, "MSS not lowered");
	must(!o.has_wscale || o.wscale <= 14, "window scale not lowered");
	memcpy(once, b, len);
	must(options_filter(b, len, MSS_MAX) == 0 && memcmp(b, once, len) == 0,
	     "filtered twice is not filtered once");
	free(b);
	free(once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	unsigned len = (unsigned)(size < TCP_OPTIONS_MAX ? size : TCP_OPTIONS_MAX);
	uint8_t *exact = malloc(len ? len : 1);
	struct tcpterm_options o;

	memcpy(exact, bytes, len);
	options_parse(exact, len, &o);
	must(o.n_sack <= 4, "more SACK blocks than fit");
	round_trip(&o, true);
	round_trip(&o, false);
	filtered(exact, len);
	free(exact);
	return 0;
}
