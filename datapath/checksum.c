/*
 * checksum.c - pseudo-headers, chains and RFC 1624 updates.
 *
 * rte_raw_cksum_mbuf() of DPDK 22.11 loses carries where a segment begins at an
 * odd offset (it swaps a sum that it hasn't folded), so chains are walked here.
 * Its rte_raw_cksum() adds 16 bits at a time, which was half of what tests/bench/relay
 * counted for a segment; longer sums are made here, in vectors of 32-bit words (RFC 1071 (2)(C)).
 */
#include "datapath/checksum.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

static uint16_t
fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Four 64-bit lanes. */
typedef uint64_t lanes __attribute__((vector_size(32)));
typedef uint64_t lanes_at __attribute__((vector_size(32), aligned(1), may_alias));

/*
 * The sum of `n` times 64 bytes, as 32-bit words: the compiler makes it of what the machine has,
 * chosen once at start.  Four sums, so that none waits for another.
 */
__attribute__((target_clones("avx2", "default"))) static uint64_t
sum_words(const uint8_t *b, uint32_t n)
{
	lanes low = { 0 }, high = low, low2 = low, high2 = low, w;

	for (; n > 0; n--, b += 64) {
		w = *(const lanes_at *)b;
		low += w & UINT32_MAX;
		high += w >> 32;
		w = *(const lanes_at *)(b + 32);
		low2 += w & UINT32_MAX;
		high2 += w >> 32;
	}
	w = low + high + low2 + high2;
	return w[0] + w[1] + w[2] + w[3];
}

static uint16_t
fold64(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	return fold((uint32_t)(sum >> 16) + (uint32_t)(sum & 0xffff));
}

/* Adds `len` bytes, whole 32-bit words. */
static uint64_t
add_words(uint64_t sum, const uint8_t *b, uint32_t len)
{
	uint32_t w;

	for (; len > 0; b += sizeof w, len -= sizeof w) {
		memcpy(&w, b, sizeof w);
		sum += w;
	}
	return sum;
}

/* rte_raw_cksum(), for more than headers. */
static uint16_t
sum_bytes(const uint8_t *b, uint32_t len)
{
	uint32_t wide = len / 64 * 64, whole = len / 4 * 4;
	uint64_t sum = add_words(wide ? sum_words(b, len / 64) : 0, b + wide, whole - wide);

	return fold((uint32_t)fold64(sum) + rte_raw_cksum(b + whole, len - whole));
}

uint16_t
cksum_mbuf(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t sum = 0, done, n;
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
cksum_pseudo(const void *addrs, unsigned addrs_len, uint8_t proto, uint32_t len)
{
	/* as the two words would lie in memory: RFC 9293 3.1, RFC 8200 8.1 */
	uint32_t sum = rte_raw_cksum(addrs, addrs_len);

	sum += rte_cpu_to_be_16((uint16_t)proto);
	sum += rte_cpu_to_be_16(len >> 16);
	sum += rte_cpu_to_be_16(len & 0xffff);
	return fold(sum);
}

/* The addresses where they lie, next to each other, behind the IP header at `ip`. */
static const void *
ip_addrs(const uint8_t *ip, unsigned *len)
{
	if (ip[0] >> 4 == 4) {
		*len = 8;
		return ip + offsetof(struct rte_ipv4_hdr, src_addr);
	}
	*len = 32;
	return ip + offsetof(struct rte_ipv6_hdr, src_addr);
}

uint16_t
cksum_l4(const struct rte_mbuf *m, uint16_t l3, uint16_t l4, uint32_t len, uint8_t proto)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	unsigned addrs_len;
	const void *addrs = ip_addrs(ip, &addrs_len);

	return fold((uint32_t)cksum_pseudo(addrs, addrs_len, proto, len) + cksum_mbuf(m, l4, len));
}

/* The same of a segment whose payload, from `payload` on, has been summed: a TCP header is of whole
 * 32-bit words, so the two sums add up. */
static uint16_t
cksum_summed(const struct rte_mbuf *m, uint16_t l3, uint16_t l4, uint16_t payload, uint32_t len,
	     uint16_t payload_sum)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	unsigned addrs_len;
	const void *addrs = ip_addrs(ip, &addrs_len);

	return fold64(
		add_words((uint64_t)cksum_pseudo(addrs, addrs_len, IPPROTO_TCP, len) + payload_sum,
			  rte_pktmbuf_mtod_offset(m, const uint8_t *, l4), payload - l4));
}

bool
cksum_tcp_unfinished(const struct pkt *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);
	uint32_t len = p->payload - p->l4 + p->payload_len;
	unsigned addrs_len;
	const void *addrs = ip_addrs(ip, &addrs_len);
	uint16_t field;

	memcpy(&field, rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l4 + 16), sizeof field);
	return field == cksum_pseudo(addrs, addrs_len, IPPROTO_TCP, len) ||
	       field == cksum_pseudo(addrs, addrs_len, IPPROTO_TCP, 0);
}

bool
cksum_tcp_ok(struct pkt *p)
{
	uint32_t len = p->payload - p->l4 + p->payload_len;

	p->payload_sum = cksum_mbuf(p->m, p->payload, p->payload_len);
	p->summed = true;
	return cksum_summed(p->m, p->l3, p->l4, p->payload, len, p->payload_sum) == 0xffff;
}

static uint32_t
ip_end(const uint8_t *ip, uint16_t l3)
{
	if (ip[0] >> 4 == 4)
		return l3 + rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length);
	return l3 + sizeof(struct rte_ipv6_hdr) +
	       rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len);
}

void
cksum_ip4_write(struct rte_ipv4_hdr *ip)
{
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void
cksum_tcp_write_summed(struct rte_mbuf *m, uint16_t l3, uint16_t l4, uint16_t payload,
		       uint16_t payload_sum)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, l3);
	struct rte_tcp_hdr *th = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, l4);

	if (ip[0] >> 4 == 4)
		cksum_ip4_write((struct rte_ipv4_hdr *)ip);
	th->cksum = 0;
	th->cksum = ~cksum_summed(m, l3, l4, payload, ip_end(ip, l3) - l4, payload_sum);
}

void
cksum_tcp_write(struct rte_mbuf *m, uint16_t l3, uint16_t l4)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	const struct rte_tcp_hdr *th = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, l4);
	uint16_t payload = (uint16_t)(l4 + (th->data_off >> 4) * 4);

	cksum_tcp_write_summed(m, l3, l4, payload,
			       cksum_mbuf(m, payload, ip_end(ip, l3) - payload));
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
