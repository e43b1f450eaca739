/*
 * bfd.c - see bfd.h.
 *
 * The rules are those of RFC 5880 6.8.6, in their order.  What a system with a timer of its own
 * has and this has not: no interval is negotiated, the peer's own interval and multiplier are said
 * back to it, so what the operator sets at the switch is what holds.
 */
#include "vnf/bfd.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "datapath/checksum.h"

enum {
	BFD_PORT = 3784,		/* RFC 5881 4 */
	BFD_SOURCE_PORT = 49152,	/* RFC 5881 4: 49152 to 65535 */
	BFD_VERSION = 1,
	BFD_LEN = 24,		/* without authentication */
	BFD_TTL = 255,		/* RFC 5881 5 */
	BFD_TOS = 0xc0,		/* network control, as the switch does */
	BFD_SLOW_US = 1000 * 1000,	/* RFC 5880 6.8.3: no less while the session is not up */
	BFD_MIN_RX_US = 10 * 1000,	/* an answer never costs more than a turn */
};

/* Flags in the second byte, beside the state. */
enum {
	BFD_POLL = 0x20,
	BFD_FINAL = 0x10,
	BFD_CONTROL_INDEPENDENT = 0x08,
	BFD_AUTH = 0x04,
	BFD_MULTIPOINT = 0x01,
};

enum {
	DIAG_NONE = 0,
	DIAG_EXPIRED = 1,
	DIAG_PEER_DOWN = 3,
	DIAG_ADMIN_DOWN = 7,
};

/* RFC 5880 4.1.  Intervals in microseconds, network order. */
struct bfd_control {
	uint8_t version_diag, state_flags, mult, len;
	uint32_t my_disc, your_disc, min_tx, min_rx, min_echo_rx;
} __attribute__((packed));

struct bfd_frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	struct bfd_control c;
} __attribute__((packed, aligned(2)));

_Static_assert(sizeof(struct bfd_control) == BFD_LEN, "RFC 5880 4.1");
_Static_assert(sizeof(struct bfd_frame) == BFD_FRAME, "no IP options");

/* Open vSwitch's, the same whatever its port's own address is. */
static const struct rte_ether_addr bfd_mac = { { 0x00, 0x23, 0x20, 0x00, 0x00, 0x01 } };

void
bfd_init(struct bfd *b, uint32_t disc)
{
	*b = (struct bfd){ .our_disc = disc, .state = BFD_DOWN };
}

bool
bfd_is_for_us(const uint8_t *frame, uint32_t len)
{
	struct bfd_frame f;

	if (len < sizeof f || memcmp(frame, &bfd_mac, sizeof bfd_mac) != 0)
		return false;
	memcpy(&f, frame, sizeof f);
	return f.eth.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       f.ip.version_ihl == RTE_IPV4_VHL_DEF && f.ip.next_proto_id == IPPROTO_UDP &&
	       f.udp.dst_port == rte_cpu_to_be_16(BFD_PORT);
}

/* RFC 5881 5, and that it is a whole datagram. */
static bool
came_from_the_next_hop(const struct bfd_frame *f, uint32_t len)
{
	uint16_t fragment = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	uint32_t ip_len = rte_be_to_cpu_16(f->ip.total_length);
	uint32_t udp_len = rte_be_to_cpu_16(f->udp.dgram_len);

	return f->ip.time_to_live == BFD_TTL && !(f->ip.fragment_offset & fragment) &&
	       ip_len <= len - sizeof f->eth && udp_len >= sizeof f->udp + BFD_LEN &&
	       ip_len == sizeof f->ip + udp_len;
}

/* UDP's is 0 where the sender made none (RFC 768). */
static bool
cksums_are_right(const struct bfd_frame *f, const uint8_t *frame)
{
	uint16_t udp_len = rte_be_to_cpu_16(f->udp.dgram_len);
	uint32_t sum = cksum_pseudo(&f->ip.src_addr, 8, IPPROTO_UDP, udp_len);

	if (rte_raw_cksum(&f->ip, sizeof f->ip) != 0xffff)
		return false;
	sum += rte_raw_cksum(frame + sizeof f->eth + sizeof f->ip, udp_len);
	return f->udp.dgram_cksum == 0 || (sum >> 16) + (sum & 0xffff) == 0xffff;
}

static enum bfd_state
state_of(const struct bfd_control *c)
{
	return (enum bfd_state)(c->state_flags >> 6);
}

/*
 * RFC 5880 6.8.6, from its first rule to the choice of the session.  A peer that is down is taken
 * for a new one whatever session it names: Open vSwitch 3.1 goes on naming one that said AdminDown
 * for ever, and after our restart nobody has it.
 */
static bool
acceptable(const struct bfd *b, const struct bfd_control *c, uint32_t udp_payload)
{
	return c->version_diag >> 5 == BFD_VERSION && c->len >= BFD_LEN && c->len <= udp_payload &&
	       c->mult != 0 && !(c->state_flags & BFD_MULTIPOINT) && c->my_disc != 0 &&
	       (state_of(c) <= BFD_DOWN || c->your_disc == rte_cpu_to_be_32(b->our_disc)) &&
	       !(c->state_flags & BFD_AUTH);
}

static void
leave(struct bfd *b, enum bfd_state to, unsigned diag)
{
	b->state = (uint8_t)to;
	b->diag = (uint8_t)diag;
}

/* RFC 5880 6.8.6's last part.  The session is not AdminDown itself. */
static void
advance(struct bfd *b, enum bfd_state peer)
{
	switch (peer) {
	case BFD_ADMIN_DOWN:
		if (b->state != BFD_DOWN)
			leave(b, BFD_DOWN, DIAG_PEER_DOWN);
		break;
	case BFD_DOWN:
		if (b->state == BFD_UP)
			leave(b, BFD_DOWN, DIAG_PEER_DOWN);
		else
			b->state = BFD_INIT;
		break;
	case BFD_INIT:
		b->state = BFD_UP;
		break;
	case BFD_UP:
		if (b->state == BFD_INIT)
			b->state = BFD_UP;
		break;
	}
}

/* RFC 5880 6.8.4: the peer's multiplier times the interval that holds between the two. */
static int64_t
detection_us(const struct bfd_control *c)
{
	uint32_t interval = RTE_MAX(rte_be_to_cpu_32(c->min_tx), (uint32_t)BFD_MIN_RX_US);

	return (int64_t)c->mult * interval;
}

enum bfd_state
bfd_state(const struct bfd *b, usec_t now)
{
	bool gone = b->state > BFD_DOWN && !usec_before(now, b->expires);

	return gone ? BFD_DOWN : (enum bfd_state)b->state;
}

static void
age(struct bfd *b, usec_t now)
{
	if (bfd_state(b, now) != b->state)
		leave(b, BFD_DOWN, DIAG_EXPIRED);
	if (b->state <= BFD_DOWN && !usec_before(now, b->expires))
		b->peer_disc = 0;
}

/*
 * A poll is answered.  While the peer is on its way up it is polled, since the interval is about
 * to change from a second to its own (RFC 5880 6.8.3): it answers at once instead of a second
 * later, so that from the beginning a loss is found as fast as it will be.
 */
static uint8_t
poll_or_final(const struct bfd *b, const struct bfd_control *asked)
{
	if (asked->state_flags & BFD_POLL)
		return BFD_FINAL;
	return b->state > BFD_DOWN && state_of(asked) != BFD_UP ? BFD_POLL : 0;
}

/* RFC 5880 6.8.7. */
static void
write_control(const struct bfd *b, const struct bfd_control *asked, struct bfd_control *c)
{
	uint32_t pace = RTE_MAX(rte_be_to_cpu_32(asked->min_tx), rte_be_to_cpu_32(asked->min_rx));

	if (b->state != BFD_UP)
		pace = RTE_MAX(pace, (uint32_t)BFD_SLOW_US);
	*c = (struct bfd_control){
		.version_diag = (uint8_t)(BFD_VERSION << 5 | b->diag),
		.state_flags = (uint8_t)(b->state << 6 | poll_or_final(b, asked)),
		.mult = asked->mult,
		.len = BFD_LEN,
		.my_disc = rte_cpu_to_be_32(b->our_disc),
		.your_disc = rte_cpu_to_be_32(b->peer_disc),
		.min_tx = rte_cpu_to_be_32(pace),
		.min_rx = rte_cpu_to_be_32(BFD_MIN_RX_US),
	};
}

static void
write_reply(const struct bfd *b, const struct bfd_frame *asked, uint8_t reply[BFD_FRAME])
{
	struct bfd_frame r;

	r.eth = (struct rte_ether_hdr){
		.dst_addr = asked->eth.src_addr,
		.src_addr = bfd_mac,
		.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
	};
	r.ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = BFD_TOS,
		.total_length = rte_cpu_to_be_16(sizeof r - sizeof r.eth),
		.time_to_live = BFD_TTL,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = asked->ip.dst_addr,
		.dst_addr = asked->ip.src_addr,
	};
	r.ip.hdr_checksum = rte_ipv4_cksum(&r.ip);
	r.udp = (struct rte_udp_hdr){
		.src_port = rte_cpu_to_be_16(BFD_SOURCE_PORT),
		.dst_port = rte_cpu_to_be_16(BFD_PORT),
		.dgram_len = rte_cpu_to_be_16(sizeof r.udp + sizeof r.c),
	};
	write_control(b, &asked->c, &r.c);
	r.udp.dgram_cksum = rte_ipv4_udptcp_cksum(&r.ip, &r.udp);
	memcpy(reply, &r, sizeof r);
}

enum bfd_input_result
bfd_input(struct bfd *b, const uint8_t *frame, uint32_t len, usec_t now, enum bfd_answer say,
	  uint8_t reply[BFD_FRAME])
{
	struct bfd_frame f;
	const struct bfd_control *c = &f.c;

	memcpy(&f, frame, sizeof f);
	age(b, now);
	if (!came_from_the_next_hop(&f, len) || !cksums_are_right(&f, frame) ||
	    !acceptable(b, c, rte_be_to_cpu_16(f.udp.dgram_len) - (uint32_t)sizeof f.udp))
		return BFD_REFUSED;
	if (say == BFD_SAY_NOTHING)
		return BFD_WITHHELD;
	b->peer_disc = rte_be_to_cpu_32(c->my_disc);
	b->expires = usec_add(now, detection_us(c));
	if (say == BFD_SAY_ADMIN_DOWN) {
		leave(b, BFD_ADMIN_DOWN, DIAG_ADMIN_DOWN);
	} else {
		if (b->state == BFD_ADMIN_DOWN)
			b->state = BFD_DOWN;
		advance(b, state_of(c));
	}
	if (b->state == BFD_UP)
		b->diag = DIAG_NONE;
	write_reply(b, &f, reply);
	return BFD_ANSWERED;
}

const char *
bfd_state_name(enum bfd_state s)
{
	static const char *const names[] = {
		[BFD_ADMIN_DOWN] = "admin_down",
		[BFD_DOWN] = "down",
		[BFD_INIT] = "init",
		[BFD_UP] = "up",
	};

	return names[s];
}
