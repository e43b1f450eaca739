/*
 * null FILE: reads a capture by libpcap and does nothing with it, as the floor under the others.
 */
#include <inttypes.h>
#include <stdio.h>

#include <pcap/pcap.h>

struct seen {
	uint64_t frames, bytes;
};

static void
see(u_char *to, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct seen *s = (struct seen *)to;

	(void)bytes;
	s->frames++;
	s->bytes += h->caplen;
}

int
main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE] = "usage: null FILE";
	pcap_t *p = argc == 2 ? pcap_open_offline(argv[1], why) : NULL;
	struct seen s = { 0 };

	if (!p || pcap_loop(p, 0, see, (u_char *)&s) != 0) {
		fprintf(stderr, "null: %s\n", p ? pcap_geterr(p) : why);
		return 1;
	}
	printf("{\"frames\": %" PRIu64 ", \"frame_bytes\": %" PRIu64 "}\n", s.frames, s.bytes);
	pcap_close(p);
	return 0;
}
