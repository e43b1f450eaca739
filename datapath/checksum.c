/*
 * checksum.c - pseudo-headers, chains and RFC 1624 updates.
 *
 * rte_raw_cksum_mbuf() of DPDK 22.11 loses carries where a segment begins at an
 * odd offset (it swaps a sum that it hasn't folded), so chains are walked here.
 * Its rte_raw_cksum() adds 16 bits at a time, which was half of what tests/bench/relay
 * counted for a segment.  Here all is added in larger words, and folded
 * to 16 bits once, at the end (RFC 1071 (2)(C)): 2^64 - 1 is a multiple of 2^16 - 1.
 */
#include "datapath/checksum.h"

#include <netinet/in.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

/* So written, a word is two instructions. */
static inline uint64_t
add(uint64_t sum, uint64_t w)
{
	sum += w;
	if (sum < w)
		sum++;
	return sum;
}

static inline uint16_t
fold(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (uint16_t)sum;
	sum = (sum >> 16) + (uint16_t)sum;
	return (uint16_t)((sum >> 16) + sum);
}

static inline uint64_t
read64(const uint8_t *b)
{
	uint64_t w;

	memcpy(&w, b, sizeof w);
	return w;
}

static inline uint32_t
read32(const uint8_t *b)
{
	uint32_t w;

	memcpy(&w, b, sizeof w);
	return w;
}

/* Four 64-bit lanes. */
typedef uint64_t lanes __attribute__((vector_size(32)));
typedef uint64_t lanes_at __attribute__((vector_size(32), aligned(1), may_alias));

/*
 * The sum of `n` times 64 bytes, as 32-bit words, for any machine.  Of each 64-bit word the whole
 * is added, carries lost, and its upper half once more, which says what the lower halves are:
 * sum(low) = sum(all) - 2^32 sum(high), modulo 2^64.  Two of each, so that none waits for another.
 */
static __rte_noinline uint64_t
sum_words_anywhere(const uint8_t *b, uint32_t n)
{
	lanes all = { 0 }, high = all, all2 = all, high2 = all, w;

	for (; n > 0; n--, b += 64) {
		w = *(const lanes_at *)b;
		all += w;
		high += w >> 32;
		w = *(const lanes_at *)(b + 32);
		all2 += w;
		high2 += w >> 32;
	}
	high += high2;
	w = all + all2 - (high << 32) + high;
	return w[0] + w[1] + w[2] + w[3];
}

/* Of what is too short for more, or a header. */
static inline uint64_t
add_bytes(uint64_t sum, const uint8_t *b, uint32_t len)
{
	for (; len >= 32; b += 32, len -= 32) {
		sum = add(sum, read64(b));
		sum = add(sum, read64(b + 8));
		sum = add(sum, read64(b + 16));
		sum = add(sum, read64(b + 24));
	}
	if (len & 16) {
		sum = add(sum, read64(b));
		sum = add(sum, read64(b + 8));
		b += 16;
	}
	if (len & 8) {
		sum = add(sum, read64(b));
		b += 8;
	}
	if (len & 4) {
		sum = add(sum, read32(b));
		b += 4;
	}
	if (len & 2) {
		uint16_t w;

		memcpy(&w, b, sizeof w);
		sum = add(sum, w);
		b += 2;
	}
	return len & 1 ? add(sum, rte_cpu_to_le_16(*b)) : sum;
}

/* A read of 32 bytes that lie in two lines costs two reads: what leads up to whole ones is added
 * apart.  Where it is odd, words would lie across, and it is left. */
static inline uint32_t
lead_of(const uint8_t *b)
{
	uint32_t lead = -(uint32_t)(uintptr_t)b & 31;

	return lead & 1 ? 0 : lead;
}

/* The sum of what is longer, for any machine. */
static uint64_t
sum_anywhere(const uint8_t *b, uint32_t len)
{
	uint32_t lead = lead_of(b);
	uint64_t sum = add_bytes(0, b, lead);

	b += lead;
	len -= lead;
	sum = add(sum, sum_words_anywhere(b, len / 64));
	return add_bytes(sum, b + (len & ~63u), len & 63);
}

#ifdef __x86_64__
/* From WINDOW_END - n on, a vector of which the first n bytes are set; from n on, the last n. */
enum { VECTOR = 32, WINDOW_END = 2 * VECTOR };
static const uint8_t window[3 * VECTOR] = { [VECTOR... WINDOW_END - 1] = 0xff };

/*
 * The sum as 16-bit words, in three instructions for 32 bytes: there is one that adds neighbours,
 * but as signed words, so 2^15 is taken off each before and given back at the end.  A lane
 * of 32 bits holds what an mbuf can carry.
 */
__attribute__((target("avx2,tune=haswell"))) static inline __m256i
add_pairs(__m256i sum, __m256i words)
{
	const __m256i half = _mm256_set1_epi16(INT16_MIN), one = _mm256_set1_epi16(1);

	return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_xor_si256(half, words), one));
}

__attribute__((target("avx2,tune=haswell"))) static inline __m256i
vector_at(const uint8_t *b)
{
	return _mm256_loadu_si256((const __m256i_u *)b);
}

/* Of the vector at `b` only what `which` has. */
__attribute__((target("avx2,tune=haswell"))) static inline __m256i
add_part(__m256i sum, const uint8_t *b, const uint8_t *which)
{
	return add_pairs(sum, _mm256_and_si256(vector_at(b), vector_at(which)));
}

__attribute__((target("avx2,tune=haswell"))) static uint64_t
sum_avx2(const uint8_t *b, uint32_t len)
{
	uint32_t lead = lead_of(b), n = (len - lead) / VECTOR, end = (len - lead) % VECTOR;
	__m256i sum = add_part(_mm256_setzero_si256(), b, window + WINDOW_END - lead);
	__m256i sum2 = _mm256_setzero_si256();
	uint64_t taken_off = (n + 2ULL) * (VECTOR / 2) << 15;
	__m128i x;

	for (b += lead; n >= 4; n -= 4, b += 4 * VECTOR) {
		sum = add_pairs(sum, vector_at(b));
		sum2 = add_pairs(sum2, vector_at(b + VECTOR));
		sum = add_pairs(sum, vector_at(b + 2 * VECTOR));
		sum2 = add_pairs(sum2, vector_at(b + 3 * VECTOR));
	}
	for (; n > 0; n--, b += VECTOR)
		sum = add_pairs(sum, vector_at(b));
	/* So that a word is one, what is odd at the end is not of it. */
	sum2 = add_part(sum2, b + (end & ~1u) - VECTOR, window + (end & ~1u));
	sum = _mm256_add_epi32(sum, sum2);
	x = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1));
	return taken_off + (uint64_t)(int64_t)_mm_cvtsi128_si32(x) +
	       (end & 1 ? rte_cpu_to_le_16(b[end - 1]) : 0);
}
#endif

static inline uint64_t
sum_long(const uint8_t *b, uint32_t len)
{
#ifdef __x86_64__
	if (likely(__builtin_cpu_supports("avx2")))
		return sum_avx2(b, len);
#endif
	return sum_anywhere(b, len);
}

static inline uint16_t
sum_bytes(const uint8_t *b, uint32_t len)
{
	enum { SHORT = 64 };	/* a lead and a vector */

	return fold(len < SHORT ? add_bytes(0, b, len) : sum_long(b, len));
}

static uint16_t
sum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint64_t sum = 0;
	uint32_t done, n;
	uint16_t part;

	for (; m && off >= m->data_len; m = m->next)
		off -= m->data_len;
	for (done = 0; m && done < len; done += n, off = 0, m = m->next) {
		n = RTE_MIN(len - done, m->data_len - off);
		part = sum_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);
		/* RFC 1071 (2)(B): bytes at an odd offset count in the other half */
		sum += done & 1 ? rte_bswap16(part) : part;
	}
	return fold(sum);
}

uint16_t
cksum_mbuf(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	if (off + len <= m->data_len)
		return sum_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), len);
	return sum_chain(m, off, len);
}

/* The pseudo-header as its words would lie in memory: RFC 9293 3.1, RFC 8200 8.1. */
static inline uint64_t
add_pseudo(uint64_t sum, const uint8_t *addrs, unsigned addrs_len, uint8_t proto, uint32_t len)
{
	sum = add_bytes(sum, addrs, addrs_len);
	return add(sum, (uint64_t)rte_cpu_to_be_16((uint16_t)proto) + rte_cpu_to_be_32(len));
}

uint16_t
cksum_pseudo(const void *addrs, unsigned addrs_len, uint8_t proto, uint32_t len)
{
	return fold(add_pseudo(0, addrs, addrs_len, proto, len));
}

/* The addresses lie next to each other in the IP header at `ip`. */
static inline uint64_t
add_ip(uint64_t sum, const uint8_t *ip, uint8_t proto, uint32_t len)
{
	if (likely(ip[0] >> 4 == 4)) {
		sum = add(sum, read64(ip + offsetof(struct rte_ipv4_hdr, src_addr)));
		return add_pseudo(sum, NULL, 0, proto, len);
	}
	return add_pseudo(sum, ip + offsetof(struct rte_ipv6_hdr, src_addr), 32, proto, len);
}

uint16_t
cksum_l4(const struct rte_mbuf *m, uint16_t l3, uint16_t l4, uint32_t len, uint8_t proto)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);

	return fold(add_ip(cksum_mbuf(m, l4, len), ip, proto, len));
}

/* It is of whole 32-bit words. */
static inline uint64_t
add_tcp_header(uint64_t sum, const uint8_t *th, uint32_t len)
{
	const uint8_t *end = th + len;

	sum = add(sum, read64(th));
	sum = add(sum, read64(th + 8));
	for (th += 16; end - th >= 8; th += 8)
		sum = add(sum, read64(th));
	return th < end ? add(sum, read32(th)) : sum;
}

/* The same of a TCP segment whose payload, from `payload` on, has been summed: a TCP header is of
 * whole 32-bit words, so the two sums add up. */
static inline uint16_t
sum_tcp(const struct rte_mbuf *m, uint16_t l3, uint16_t l4, uint16_t payload, uint32_t len,
	uint16_t payload_sum)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint64_t sum = add_tcp_header(payload_sum, frame + l4, payload - l4);

	return fold(add_ip(sum, frame + l3, IPPROTO_TCP, len));
}

/* As cksum_excused() has it; of TCP's checksum alone. */
static bool
is_unfinished(const struct pkt *p, const uint8_t *ip, uint32_t len)
{
	uint16_t field;

	memcpy(&field, rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 16), sizeof field);
	return field == fold(add_ip(0, ip, IPPROTO_TCP, len)) ||
	       field == fold(add_ip(0, ip, IPPROTO_TCP, 0));
}

void
cksum_tcp_believe(struct pkt *p)
{
	const uint8_t *frame = rte_pktmbuf_mtod(p->m, const uint8_t *);
	uint32_t len = p->payload - p->l4 + p->payload_len;
	bool is_zero = frame[p->l4 + 16] == 0 && frame[p->l4 + 17] == 0;

	if (p->payload_len == 0 || is_zero || is_unfinished(p, frame + p->l3, len))
		return;
	p->payload_sum = (uint16_t)~sum_tcp(p->m, p->l3, p->l4, p->payload, len, 0);
	p->summed = p->unverified = true;
}

static bool
ip4_excuses(const struct pkt *p, const uint8_t *ip, uint32_t len)
{
	if (p->is_v6)
		return false;
	return (ip[10] == 0 && ip[11] == 0) ||
	       rte_raw_cksum(ip, (ip[0] & 0xf) * 4) ==
		       cksum_l4(p->m, p->l3, p->l4, len, IPPROTO_TCP);
}

/* Of the segment and of what is behind the packet in its frame. */
static bool
is_with_trailer(const struct pkt *p, uint32_t len)
{
	uint32_t end = p->payload + p->payload_len;

	return p->m->pkt_len > end &&
	       sum_tcp(p->m, p->l3, p->l4, p->payload, len,
		       cksum_mbuf(p->m, p->payload, p->m->pkt_len - p->payload)) == 0xffff;
}

bool
cksum_excused(const struct pkt *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);
	uint32_t len = p->payload - p->l4 + p->payload_len;

	return is_unfinished(p, ip, len) || ip4_excuses(p, ip, len) || is_with_trailer(p, len);
}

bool
cksum_tcp_ok(struct pkt *p)
{
	uint32_t len = p->payload - p->l4 + p->payload_len;

	p->payload_sum = p->payload_len ? cksum_mbuf(p->m, p->payload, p->payload_len) : 0;
	p->summed = true;
	p->unverified = false;
	return sum_tcp(p->m, p->l3, p->l4, p->payload, len, p->payload_sum) == 0xffff;
}

static uint32_t
ip_end(const uint8_t *ip, uint16_t l3)
{
	if (ip[0] >> 4 == 4)
		return l3 + rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length);
	return l3 + sizeof(struct rte_ipv6_hdr) +
	       rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len);
}

static inline uint16_t
sum_ip4(const uint8_t *ip)
{
	uint64_t sum = add(add(read64(ip), read64(ip + 8)), read32(ip + 16));
	uint32_t len = (ip[0] & 0xf) * 4u;

	return fold(len > 20 ? add_bytes(sum, ip + 20, len - 20) : sum);
}

bool
cksum_ip4_ok(const uint8_t *ip)
{
	return sum_ip4(ip) == 0xffff;
}

void
cksum_ip4_write(struct rte_ipv4_hdr *ip)
{
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~sum_ip4((const uint8_t *)ip);
}

void
cksum_tcp_write(struct rte_mbuf *m, uint16_t l3, uint16_t l4)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, l3);
	struct rte_tcp_hdr *th = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, l4);
	uint16_t payload = (uint16_t)(l4 + (th->data_off >> 4) * 4);
	uint32_t end = ip_end(ip, l3);

	if (ip[0] >> 4 == 4)
		cksum_ip4_write((struct rte_ipv4_hdr *)ip);
	th->cksum = 0;
	th->cksum = (uint16_t)~sum_tcp(m, l3, l4, payload, end - l4,
				       cksum_mbuf(m, payload, end - payload));
}

uint16_t
cksum_update16(uint16_t cksum, uint16_t from, uint16_t to)
{
	return ~fold((uint32_t)(uint16_t)~cksum + (uint16_t)~from + to);
}

uint16_t
cksum_update32(uint16_t cksum, uint32_t from, uint32_t to)
{
	return cksum_update16(cksum_update16(cksum, from >> 16, to >> 16), from & 0xffff,
			      to & 0xffff);
}
