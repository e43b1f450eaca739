/*
 * The TCP option codec and the handshake's filter.
 *
 * Both walk options alike: a kind, a length that counts itself and the kind.
 */
#include "tcpterm/options.h"

#include <string.h>

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERMITTED = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
	OPT_MD5 = 19,
	OPT_AO = 29,
	OPT_MPTCP = 30,
	OPT_FASTOPEN = 34,
	OPT_EXPERIMENT_1 = 253,
	OPT_EXPERIMENT_2 = 254,

	EXID_FASTOPEN = 0xf989,		/* RFC 7413 before its option had a number */
	WSCALE_MAX = 14,		/* RFC 7323 2.3 */
};

static uint16_t
get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t
get32(const uint8_t *b)
{
	return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static void
put16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static void
put32(uint8_t *b, uint32_t v)
{
	put16(b, (uint16_t)(v >> 16));
	put16(b + 2, (uint16_t)v);
}

/* The length of the option at `b`, of which `left` bytes exist; 0 if it does not fit. */
static unsigned
option_len(const uint8_t *b, unsigned left)
{
	if (b[0] == OPT_NOP || b[0] == OPT_END)
		return 1;
	if (left < 2 || b[1] < 2 || b[1] > left)
		return 0;
	return b[1];
}

/* Is `len` a length that the kind can have? */
static bool
len_fits(uint8_t kind, unsigned len)
{
	switch (kind) {
	case OPT_MSS:
		return len == 4;
	case OPT_WSCALE:
		return len == 3;
	case OPT_SACK_PERMITTED:
		return len == 2;
	case OPT_SACK:
		return len >= 10 && len <= 34 && (len - 2) % 8 == 0;
	case OPT_TS:
		return len == 10;
	case OPT_MD5:
		return len == 18;
	case OPT_AO:
		return len >= 4;
	default:
		return true;
	}
}

static void
parse_sack(const uint8_t *b, unsigned len, struct tcpterm_options *o)
{
	unsigned i;

	o->n_sack = (uint8_t)((len - 2) / 8);
	for (i = 0; i < o->n_sack; i++) {
		o->sack[i].left = get32(b + 2 + 8 * i);
		o->sack[i].right = get32(b + 6 + 8 * i);
	}
}

static void
parse_experiment(const uint8_t *b, unsigned len, struct tcpterm_options *o)
{
	if (len >= 4 && get16(b + 2) == EXID_FASTOPEN)
		o->has_fastopen = true;
	else
		o->n_unknown++;
}

static void
parse_one(const uint8_t *b, unsigned len, struct tcpterm_options *o)
{
	switch (b[0]) {
	case OPT_MSS:
		o->has_mss = true;
		o->mss = get16(b + 2);
		break;
	case OPT_WSCALE:
		o->has_wscale = true;
		o->wscale = b[2];
		break;
	case OPT_SACK_PERMITTED:
		o->sack_permitted = true;
		break;
	case OPT_SACK:
		parse_sack(b, len, o);
		break;
	case OPT_TS:
		o->has_ts = true;
		o->tsval = get32(b + 2);
		o->tsecr = get32(b + 6);
		break;
	case OPT_MD5:
		o->has_md5 = true;
		break;
	case OPT_AO:
		o->has_ao = true;
		break;
	case OPT_MPTCP:
		o->has_mptcp = true;
		break;
	case OPT_FASTOPEN:
		o->has_fastopen = true;
		break;
	case OPT_EXPERIMENT_1:
	case OPT_EXPERIMENT_2:
		parse_experiment(b, len, o);
		break;
	default:
		o->n_unknown++;
	}
}

/* The form of nearly every SYN: MSS, SACK permitted, timestamps, a NOP and the window scale. */
static bool
parse_common_syn(const uint8_t *b, unsigned len, struct tcpterm_options *o)
{
	if (len != 20 || get16(b) != 0x0204 || get32(b + 4) != 0x0402080a ||
	    get32(b + 16) >> 8 != 0x010303)
		return false;
	o->has_mss = o->sack_permitted = o->has_ts = o->has_wscale = true;
	o->mss = get16(b + 2);
	o->tsval = get32(b + 8);
	o->tsecr = get32(b + 12);
	o->wscale = b[19];
	return true;
}

void
options_parse(const uint8_t *bytes, unsigned len, struct tcpterm_options *o)
{
	unsigned at, n;

	memset(o, 0, sizeof *o);
	/* Nearly every segment after the handshake has this form. */
	if (len == 12 && get32(bytes) == 0x0101080a) {
		o->has_ts = true;
		o->tsval = get32(bytes + 4);
		o->tsecr = get32(bytes + 8);
		return;
	}
	if (parse_common_syn(bytes, len, o))
		return;
	for (at = 0; at < len && bytes[at] != OPT_END; at += n) {
		n = option_len(bytes + at, len - at);
		if (n == 0) {
			o->malformed = true;
			return;
		}
		if (bytes[at] == OPT_NOP)
			continue;
		if (!len_fits(bytes[at], n))
			o->malformed = true;
		else
			parse_one(bytes + at, n, o);
	}
}

static unsigned
put_ts(uint8_t *b, uint8_t pad_kind, uint8_t pad_len, const struct tcpterm_options *o)
{
	b[0] = pad_kind;
	b[1] = pad_len;
	b[2] = OPT_TS;
	b[3] = 10;
	put32(b + 4, o->tsval);
	put32(b + 8, o->tsecr);
	return 12;
}

static unsigned
build_syn(const struct tcpterm_options *o, uint8_t *b)
{
	unsigned n = 0;

	if (o->has_mss) {
		b[n] = OPT_MSS;
		b[n + 1] = 4;
		put16(b + n + 2, o->mss);
		n += 4;
	}
	if (o->has_ts && o->sack_permitted) {
		n += put_ts(b + n, OPT_SACK_PERMITTED, 2, o);
	} else if (o->has_ts) {
		n += put_ts(b + n, OPT_NOP, OPT_NOP, o);
	} else if (o->sack_permitted) {
		put32(b + n, 0x01010402);
		n += 4;
	}
	if (o->has_wscale) {
		put32(b + n, 0x01030300 | o->wscale);
		n += 4;
	}
	return n;
}

static unsigned
build_rest(const struct tcpterm_options *o, uint8_t *b)
{
	unsigned n = 0, i, n_sack = o->n_sack;

	if (o->has_ts)
		n += put_ts(b, OPT_NOP, OPT_NOP, o);
	if (n_sack > (TCP_OPTIONS_MAX - n - 4) / 8)
		n_sack = (TCP_OPTIONS_MAX - n - 4) / 8;
	if (n_sack == 0)
		return n;
	b[n] = OPT_NOP;
	b[n + 1] = OPT_NOP;
	b[n + 2] = OPT_SACK;
	b[n + 3] = (uint8_t)(2 + 8 * n_sack);
	n += 4;
	for (i = 0; i < n_sack; i++, n += 8) {
		put32(b + n, o->sack[i].left);
		put32(b + n + 4, o->sack[i].right);
	}
	return n;
}

unsigned
options_build(const struct tcpterm_options *o, bool syn, uint8_t *bytes)
{
	return syn ? build_syn(o, bytes) : build_rest(o, bytes);
}

/* Does the filter let the option cross? Mends its value where it does. */
static bool
filter_one(uint8_t *b, unsigned len, uint16_t mss_max)
{
	if (!len_fits(b[0], len))
		return false;
	switch (b[0]) {
	case OPT_MSS:
		if (get16(b + 2) > mss_max)
			put16(b + 2, mss_max);
		return true;
	case OPT_WSCALE:
		if (b[2] > WSCALE_MAX)
			b[2] = WSCALE_MAX;
		return true;
	case OPT_SACK_PERMITTED:
	case OPT_TS:
		return true;
	default:
		return false;
	}
}

unsigned
options_filter(uint8_t *bytes, unsigned len, uint16_t mss_max)
{
	unsigned at, n, removed = 0;

	for (at = 0; at < len; at += n) {
		if (bytes[at] == OPT_END) {
			memset(bytes + at, OPT_END, len - at);
			break;
		}
		n = option_len(bytes + at, len - at);
		if (n == 0) {
			memset(bytes + at, OPT_NOP, len - at);
			return removed + 1;
		}
		if (bytes[at] == OPT_NOP || filter_one(bytes + at, n, mss_max))
			continue;
		memset(bytes + at, OPT_NOP, n);
		removed++;
	}
	return removed;
}
