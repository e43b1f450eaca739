/*
 * capture.c - frames into pcapng files, read back by libpcap and block by block.
 */
#include "vnf/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/storage.h"
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

static struct vnf_box box;
static struct frame frame;
static char path[128];
static struct err err;

static void
begin(unsigned n_workers, const char *policy)
{
	box_begin(&box, n_workers, policy);
	box.conf.captures = captures_new(n_workers, box.conf.ports, box.active.qsbr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(box.conf.captures);
	snprintf(path, sizeof path, "%s.pcapng", storage_path);
}

static void
end(void)
{
	captures_free(box.conf.captures);
	unlink(path);
	box_end(&box);
}

static int
start(const char *words, struct capture_conf c)
{
	char copy[CAPTURE_WORDS], *rest = copy, *one;
	const char *argv[8];
	int n = 0;

	snprintf(copy, sizeof copy, "%s", words);
	while ((one = strsep(&rest, " ")) != NULL)
		if (*one)
			argv[n++] = one;
	CU_ASSERT_EQUAL_FATAL(flow_filter_parse(&c.filter, n, argv, &err), 0);
	snprintf(c.words, sizeof c.words, "%s", words);
	snprintf(c.path, sizeof c.path, "%s", path);
	c.snaplen = c.snaplen ? c.snaplen : CAPTURE_SNAPLEN_MAX;
	c.max_bytes = c.max_bytes ? c.max_bytes : 100 << 20;
	return capture_start(box.conf.captures, &c, &err);
}

static void
keep_status(void *aux, const struct capture_status *st)
{
	*(struct capture_status *)aux = *st;
}

static struct capture_status
stop(int id)
{
	struct capture_status st = { .id = 0 };
	unsigned i;

	CU_ASSERT_EQUAL(capture_stop(box.conf.captures, (unsigned)id, keep_status, &st), 0);
	for (i = 0; i < 5000 && st.id == 0; i++) {
		captures_run(box.conf.captures);
		usleep(1000);
	}
	CU_ASSERT_EQUAL(st.id, (unsigned)id);
	CU_ASSERT_EQUAL(st.state, CAPTURE_ENDED);
	return st;
}

/* Waits for one to end by itself. */
static struct capture_status
wait_for_end(void)
{
	struct capture_status st;
	unsigned i;

	for (i = 0; i < 5000; i++) {
		captures_run(box.conf.captures);
		CU_ASSERT_TRUE_FATAL(captures_get(box.conf.captures, 0, &st));
		if (st.state == CAPTURE_ENDED)
			break;
		usleep(1000);
	}
	CU_ASSERT_EQUAL(st.state, CAPTURE_ENDED);
	return st;
}

static void
pass(bool reverse, uint16_t sport, uint16_t dport, uint16_t flags)
{
	box_segment(&frame, reverse, sport, dport, flags, 0);
	box_send(&box, reverse ? BOX_B : BOX_A, 0, &frame);
	box_turn(&box);
	box_turn(&box);
}

static void
drain(void)
{
	box_count(&box, BOX_A);
	box_count(&box, BOX_B);
}

/* --- the file, as libpcap reads it --- */

static unsigned
pcap_frames(void)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(path, text);
	struct pcap_pkthdr *h;
	const u_char *bytes;
	unsigned n = 0;
	int rc;

	if (!p)
		printf("# %s\n", text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	while ((rc = pcap_next_ex(p, &h, &bytes)) == 1) {
		/* within a minute of now */
		CU_ASSERT_TRUE(labs((long)(h->ts.tv_sec - time(NULL))) < 60);
		n++;
	}
	if (rc != PCAP_ERROR_BREAK)
		printf("# %s\n", pcap_geterr(p));
	CU_ASSERT_EQUAL(rc, PCAP_ERROR_BREAK);
	pcap_close(p);
	return n;
}

/* --- and block by block --- */

static struct {
	unsigned n[3][3];	/* packets by interface and direction */
	char order[64];		/* "Ai", "Bo": port and way */
	unsigned n_interfaces, n_statistics;
	uint64_t received, dropped;
	uint32_t captured, length;	/* the last packet's */
	uint8_t bytes[2048];
	bool whole;		/* the blocks fill the file */
} file;

static uint32_t
u32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof v);
	return v;
}

static void
read_packet(const uint8_t *b, uint32_t len)
{
	uint32_t interface = u32(b + 8), captured = u32(b + 20);
	uint32_t options = 28 + ((captured + 3) & ~3u), flags;
	size_t at = strlen(file.order);

	CU_ASSERT_EQUAL_FATAL(options + 16, len);
	flags = u32(b + options + 4);
	file.captured = captured;
	file.length = u32(b + 24);
	memcpy(file.bytes, b + 28, RTE_MIN(captured, (uint32_t)sizeof file.bytes));
	CU_ASSERT_TRUE_FATAL(interface < 3 && flags < 3);
	file.n[interface][flags]++;
	if (at + 3 < sizeof file.order)
		snprintf(file.order + at, 3, "%c%c", "ABT"[interface], "?io"[flags]);
}

static void
read_statistics(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b + 20 + 2 * 12 + 4, sizeof v);
	file.received += v;
	memcpy(&v, b + 20 + 3 * 12 + 4, sizeof v);
	file.dropped += v;
	file.n_statistics++;
}

static void
read_file(void)
{
	static uint8_t b[32 << 20];
	FILE *f = fopen(path, "re");
	size_t n, at, len;

	memset(&file, 0, sizeof file);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(b, 1, sizeof b, f);
	fclose(f);
	CU_ASSERT_EQUAL(u32(b), 0x0a0d0d0a);
	for (at = 0; at + 12 <= n; at += len) {
		len = u32(b + at + 4);
		if (len < 12 || at + len > n || u32(b + at + len - 4) != len)
			break;
		file.n_interfaces += u32(b + at) == 1;
		if (u32(b + at) == 6)
			read_packet(b + at, (uint32_t)len);
		if (u32(b + at) == 5)
			read_statistics(b + at);
	}
	file.whole = at == n;
}

/* --- tests --- */

static void
both_ways_of_every_frame_are_in_the_file(void)
{
	static const uint8_t arp[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1 };
	struct capture_status st;
	struct stat sb;
	int id;

	begin(1, "default track\n");
	pass(false, 40000, 80, TCP_SYN);
	id = start("", (struct capture_conf){ .snaplen = 0 });
	CU_ASSERT_EQUAL(id, 1);
	pass(true, 40000, 80, TCP_SYN | TCP_ACK);
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_ARP);
	frame_bytes(&frame, arp, sizeof arp);
	frame_end(&frame);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	st = stop(id);
	drain();
	CU_ASSERT_EQUAL(st.frames, 4);
	CU_ASSERT_EQUAL(st.lost, 0);
	CU_ASSERT_STRING_EQUAL(st.reason, "stopped");
	CU_ASSERT_EQUAL(pcap_frames(), 4);
	read_file();
	CU_ASSERT_TRUE(file.whole);
	CU_ASSERT_EQUAL(file.n_interfaces, 3);
	CU_ASSERT_EQUAL(file.n_statistics, 3);
	CU_ASSERT_EQUAL(file.received, 4);
	CU_ASSERT_EQUAL(file.dropped, 0);
	CU_ASSERT_EQUAL(file.length, frame.len);
	CU_ASSERT_EQUAL(file.captured, frame.len);
	CU_ASSERT_EQUAL(memcmp(file.bytes, frame.b, frame.len), 0);
	CU_ASSERT_EQUAL(stat(path, &sb), 0);
	CU_ASSERT_EQUAL(sb.st_mode & 0777, 0640);
	CU_ASSERT_EQUAL((uint64_t)sb.st_size, st.bytes);
	/* nothing is taken any more */
	CU_ASSERT_FALSE(captures_active(box.conf.captures));
	end();
}

static void
filter_takes_the_flows_first_frame_and_both_legs(void)
{
	int id;

	begin(1, "rule web: proxy proto tcp port 80\ndefault track\n");
	id = start("rule=web", (struct capture_conf){ .snaplen = 0 });
	pass(false, 40000, 80, TCP_SYN);
	pass(false, 40001, 81, TCP_SYN);
	pass(true, 40000, 80, TCP_SYN | TCP_ACK);
	pass(false, 40000, 80, TCP_ACK);
	drain();
	stop(id);
	CU_ASSERT(pcap_frames() >= 5);
	read_file();
	/* SYN and SYN-ACK cross; the third ACK comes in, and one of ours goes to the server */
	if (strncmp(file.order, "AiBoBiAoAi", 10) != 0)
		printf("# %s\n", file.order);
	CU_ASSERT_EQUAL(strncmp(file.order, "AiBoBiAoAi", 10), 0);
	CU_ASSERT_EQUAL(file.n[BOX_A][1], 2);
	end();
}

static void
fragments_are_taken_with_their_flow(void)
{
	static struct frame whole;
	unsigned i, at[2] = { 640, 0 }, len[2] = { 1220 - 640, 640 };
	int id;

	begin(2, "default track\n");
	pass(false, 40000, 80, TCP_SYN);
	id = start("sport=80 mode=track", (struct capture_conf){ .snaplen = 0 });
	frame_init(&whole);
	frame_ether(&whole, RTE_ETHER_TYPE_IPV4);
	frame_ip4(&whole, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
	frame_tcp(&whole, 40000, 80, 1001, 5001, TCP_ACK, 1000, NULL, 0);
	frame_fill(&whole, 1200);
	frame_end(&whole);
	for (i = 0; i < 2; i++) {
		uint8_t *ip = frame.b + 14;
		uint16_t sum;

		frame_init(&frame);
		frame_bytes(&frame, whole.b, 34);
		frame_bytes(&frame, whole.b + 34 + at[i], len[i]);
		ip[2] = (uint8_t)((20 + len[i]) >> 8);
		ip[3] = (uint8_t)(20 + len[i]);
		ip[6] = (uint8_t)(at[i] / 8 >> 8 | (i ? 0x20 : 0));
		ip[7] = (uint8_t)(at[i] / 8);
		ip[10] = ip[11] = 0;
		sum = (uint16_t)~naive_sum(ip, 20, 0);
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
		box_send(&box, BOX_A, 0, &frame);
	}
	for (i = 0; i < 4; i++)
		box_turn(&box);
	drain();
	CU_ASSERT_EQUAL(stop(id).frames, 4);
	read_file();
	CU_ASSERT_STRING_EQUAL(file.order, "AiAiBoBo");
	end();
}

static void
frames_of_other_flows_are_not_taken(void)
{
	int id;

	begin(1, "default track\n");
	id = start("cport=40000 mode=track", (struct capture_conf){ .snaplen = 60 });
	pass(false, 40001, 80, TCP_SYN);
	pass(false, 40000, 80, TCP_SYN);
	pass(false, 40000, 80, TCP_ACK | TCP_PSH);
	pass(true, 40001, 80, TCP_SYN | TCP_ACK);
	drain();
	CU_ASSERT_EQUAL(stop(id).frames, 4);
	read_file();
	CU_ASSERT_STRING_EQUAL(file.order, "AiBoAiBo");
	CU_ASSERT_EQUAL(file.length, 64);
	CU_ASSERT_EQUAL(file.captured, 60);
	CU_ASSERT_EQUAL(file.received, 4);
	end();
}

static void
file_that_is_there_is_not_overwritten(void)
{
	FILE *f;

	begin(1, "default track\n");
	f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs("precious", f);
	fclose(f);
	CU_ASSERT_EQUAL(start("", (struct capture_conf){ .snaplen = 0 }), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "not overwritten"));
	f = fopen(path, "re");
	CU_ASSERT_EQUAL(fgetc(f), 'p');
	fclose(f);
	end();
}

static void
send_many(unsigned n)
{
	unsigned i, k;

	for (i = 0; i < n; i++) {
		frame_init(&frame);
		frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
		frame_ip4(&frame, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
		frame_tcp(&frame, 40000, 80, 1001, 5001, TCP_ACK, 1000, NULL, 0);
		frame_fill(&frame, 1000);
		frame_end(&frame);
		for (k = 0; k < 16; k++)
			box_send(&box, BOX_A, 0, &frame);
		box_turn(&box);
		drain();
		captures_run(box.conf.captures);
	}
}

static void
capture_ends_at_its_size(void)
{
	struct capture_status st;

	begin(1, "default track\n");
	start("", (struct capture_conf){ .max_bytes = 1 << 20 });
	send_many(200);
	st = wait_for_end();
	CU_ASSERT_STRING_EQUAL(st.reason, "size");
	/* at most what is written at once, and the statistics, beyond it */
	CU_ASSERT_TRUE(st.bytes >= 1 << 20 && st.bytes < (1 << 20) + (300 << 10));
	CU_ASSERT_EQUAL(pcap_frames(), st.frames);
	read_file();
	CU_ASSERT_TRUE(file.whole);
	CU_ASSERT_FALSE(captures_active(box.conf.captures));
	end();
}

static void
capture_ends_at_its_time(void)
{
	begin(1, "default track\n");
	start("", (struct capture_conf){ .for_us = 20 * 1000 });
	CU_ASSERT_TRUE(captures_active(box.conf.captures));
	CU_ASSERT_STRING_EQUAL(wait_for_end().reason, "time");
	CU_ASSERT_EQUAL(pcap_frames(), 0);
	end();
}

static void
disk_that_is_full_ends_it_with_whole_blocks(void)
{
	struct rlimit old, small = { 700 * 1000 + 1, 700 * 1000 + 1 };
	struct capture_status st;

	begin(1, "default track\n");
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	start("", (struct capture_conf){ .snaplen = 0 });
	send_many(100);
	st = wait_for_end();
	setrlimit(RLIMIT_FSIZE, &old);
	CU_ASSERT_STRING_EQUAL(st.reason, strerror(EFBIG));
	CU_ASSERT_TRUE(st.bytes > 0 && st.bytes <= small.rlim_cur);
	read_file();
	CU_ASSERT_TRUE(file.whole);
	CU_ASSERT_EQUAL(pcap_frames(), st.frames);
	end();
}

static void
what_finds_no_room_is_counted_and_said_in_the_file(void)
{
	struct capture_status st;
	uint64_t n = 16 * 400;
	int id;

	begin(1, "default track\n");
	id = start("", (struct capture_conf){ .snaplen = 0 });
	send_many((unsigned)n / 16);
	st = stop(id);
	/* each frame came in and went out */
	CU_ASSERT_EQUAL(st.frames + st.lost, 2 * n);
	read_file();
	CU_ASSERT_EQUAL(file.received, 2 * n);
	CU_ASSERT_EQUAL(file.dropped, st.lost);
	end();
}

static void
only_so_many_at_a_time(void)
{
	char first[sizeof path];
	int i, ids[CAPTURES_MAX];

	begin(1, "default track\n");
	memcpy(first, path, sizeof first);
	for (i = 0; i < CAPTURES_MAX; i++) {
		snprintf(path, sizeof path, "%.100s%d", first, i);
		ids[i] = start("", (struct capture_conf){ .snaplen = 0 });
		CU_ASSERT_EQUAL(ids[i], i + 1);
	}
	memcpy(path, first, sizeof path);
	CU_ASSERT_EQUAL(start("", (struct capture_conf){ .snaplen = 0 }), -EBUSY);
	pass(false, 40000, 80, TCP_SYN);
	drain();
	for (i = 0; i < CAPTURES_MAX; i++) {
		CU_ASSERT_EQUAL(stop(ids[i]).frames, 2);
		snprintf(path, sizeof path, "%.100s%d", first, i);
		unlink(path);
	}
	memcpy(path, first, sizeof path);
	CU_ASSERT_EQUAL(capture_stop(box.conf.captures, 99, keep_status, NULL), -ENOENT);
	end();
}

TAP_MAIN(capture, TAP_TEST(both_ways_of_every_frame_are_in_the_file),
	 TAP_TEST(filter_takes_the_flows_first_frame_and_both_legs),
	 TAP_TEST(fragments_are_taken_with_their_flow),
	 TAP_TEST(frames_of_other_flows_are_not_taken),
	 TAP_TEST(file_that_is_there_is_not_overwritten), TAP_TEST(capture_ends_at_its_size),
	 TAP_TEST(capture_ends_at_its_time), TAP_TEST(disk_that_is_full_ends_it_with_whole_blocks),
	 TAP_TEST(what_finds_no_room_is_counted_and_said_in_the_file),
	 TAP_TEST(only_so_many_at_a_time))
