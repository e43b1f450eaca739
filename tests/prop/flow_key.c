/*
 * flow_key.c - the hash is symmetric, and spreads; a short key says what the long one does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/flow_key.h"
#include "tests/prop/lib/seed.h"
#include "tests/unit/tap.h"

enum { N_RUNS = 20000, N_BUCKETS = 256 };

struct ends {
	struct ip_addr a, b;
	uint16_t pa, pb, domain, vid[3];
	unsigned n;
};

static struct ends
random_ends(void)
{
	struct ends e;
	unsigned i;

	for (i = 0; i < 16; i++) {
		e.a.b[i] = (uint8_t)rand();
		e.b.b[i] = (uint8_t)rand();
	}
	if (rand() % 4 == 0)
		e.b = e.a;
	e.pa = (uint16_t)rand();
	e.pb = rand() % 4 ? (uint16_t)rand() : e.pa;
	e.domain = (uint16_t)rand();
	for (i = 0; i < 3; i++)
		e.vid[i] = rand() & 0xfff;
	e.n = (unsigned)rand() % 4;
	return e;
}

static uint32_t
hash(const struct ends *e)
{
	return flow_hash(&e->a, &e->b, e->pa, e->pb, e->domain, e->vid, e->n);
}

static void
reverse_has_the_same_hash(void)
{
	struct ends e, r;
	unsigned i;

	seed();
	for (i = 0; i < N_RUNS; i++) {
		r = e = random_ends();
		r.a = e.b;
		r.b = e.a;
		r.pa = e.pb;
		r.pb = e.pa;
		CU_ASSERT_EQUAL_FATAL(hash(&e), hash(&r));
	}
}

/* One bit of the input turns half of the output's, within a tenth. */
static void
any_bit_turns_half_of_the_hash(void)
{
	unsigned i, bit, turned = 0, n = 0;
	struct ends e, o;

	seed();
	for (i = 0; i < 500; i++) {
		e = random_ends();
		e.n = 3;
		for (bit = 0; bit < 128 + 16 + 16 + 12; bit++, n++) {
			o = e;
			if (bit < 128)
				o.a.b[bit / 8] ^= 1 << bit % 8;
			else if (bit < 144)
				o.pb ^= 1 << (bit - 128);
			else if (bit < 160)
				o.domain ^= 1 << (bit - 144);
			else
				o.vid[1] ^= 1 << (bit - 160);
			turned += (unsigned)__builtin_popcount(hash(&e) ^ hash(&o));
		}
	}
	printf("# %.3f of 32 bits turn\n", (double)turned / n);
	CU_ASSERT_TRUE(turned > n * 14.4 && turned < n * 17.6);
}

/* Neighbouring ports of one client, as a load test makes them: chi-square of 255
 * degrees of freedom stays below 350 (p about 0.0001). */
static void
neighbouring_flows_spread_over_buckets_and_workers(void)
{
	static const unsigned shift[2] = { 0, 24 };
	unsigned i, s, count[N_BUCKETS];
	struct ends e;
	double chi, d;

	seed();
	e = random_ends();
	e.n = 0;
	for (s = 0; s < 2; s++) {
		memset(count, 0, sizeof count);
		for (i = 0; i < 64 * N_BUCKETS; i++) {
			e.pa = (uint16_t)(20000 + i);
			count[hash(&e) >> shift[s] & (N_BUCKETS - 1)]++;
		}
		for (i = 0, chi = 0; i < N_BUCKETS; i++) {
			d = (double)count[i] - 64;
			chi += d * d / 64;
		}
		printf("# chi-square %.1f\n", chi);
		CU_ASSERT_TRUE(chi < 350);
	}
}

static struct ip_addr
random_addr(void)
{
	const uint8_t v4[4] = { 10, 0, 0, (uint8_t)(rand() % 3) };
	struct ip_addr a = ip_addr_v4(v4);

	/* the same last word in another place, so that only the family tells them apart */
	if (rand() % 3 == 0)
		a.w[0] = 1;
	return a;
}

/* Few values for each part, so that many keys are equal or differ in one part. */
static struct flow_key
random_key(void)
{
	struct flow_key k = {
		.addr = { random_addr(), random_addr() },
		.port = { (uint16_t)(rand() % 3), (uint16_t)(rand() % 3) },
		.domain = rand() % 8 == 0,
		.n_tags = (uint16_t)(rand() % 8 == 0 ? 1 + rand() % 16 : 0),
	};

	if (k.n_tags > 0)
		k.vid[0] = (uint16_t)(rand() % 3);
	if (k.n_tags > 1)
		k.vid[1] = (uint16_t)rand();
	return k;
}

static void
short_key_says_what_the_long_one_does(void)
{
	unsigned i, how[3] = { 0 };

	seed();
	for (i = 0; i < 50 * N_RUNS; i++) {
		const struct flow_key k = random_key(), stored = random_key();
		const struct short_key s = flow_key_short(&stored), wanted = flow_key_short(&k);
		const struct flow_key back = flow_key_long(&s, stored.addr);
		enum flow_match is = short_key_match(&wanted, k.addr, &s, stored.addr);

		CU_ASSERT_EQUAL_FATAL(memcmp(&back, &stored, sizeof back), 0);
		CU_ASSERT_EQUAL_FATAL(is, flow_key_match(&k, &stored));
		how[is]++;
	}
	printf("# %u the same, %u reversed\n", how[FLOW_MATCH_SAME], how[FLOW_MATCH_REVERSED]);
	CU_ASSERT_TRUE(how[FLOW_MATCH_SAME] > 1000 && how[FLOW_MATCH_REVERSED] > 1000);
}

TAP_MAIN(flow_key, TAP_TEST(short_key_says_what_the_long_one_does),
	 TAP_TEST(reverse_has_the_same_hash), TAP_TEST(any_bit_turns_half_of_the_hash),
	 TAP_TEST(neighbouring_flows_spread_over_buckets_and_workers))
