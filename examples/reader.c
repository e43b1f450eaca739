/*
 * reader - both streams of every flow that leatd tells its readers of (leat-stream(5)).
 *
 *	reader /run/leat/leat.stream	the running leatd's
 *	leatd -r FILE -f stream | reader -	a capture's
 *
 * A line a record: the flow's number, the direction, what it is.  Bytes themselves are not shown.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { HELLO = 1, OPEN, META, DATA, GAP, CONFLICT, END, LOST };

static uint8_t r[8 << 20];	/* one record */

static uint64_t
number(unsigned at, unsigned n)
{
	uint64_t v = 0;

	memcpy(&v, r + at, n);
	return le64toh(v);
}

static void
show(uint32_t n)
{
	printf("%" PRIu64 " %s ", number(8, 8), r[5] ? "s2c" : "c2s");
	switch (r[4]) {
	case HELLO:
		printf("hello version %" PRIu64 " from %.*s\n", number(20, 2), (int)n - 24, r + 24);
		break;
	case OPEN:
		printf("open %.32s ports %" PRIu64 " %" PRIu64 "\n", r + 104, number(56, 2),
		       number(58, 2));
		break;
	case META:
		printf("meta %.*s", (int)n - 16, r + 16);
		break;
	case DATA:
		printf("data at %" PRIu64 " of %u bytes\n", number(16, 8), n - 32);
		break;
	case GAP:
		printf("gap at %" PRIu64 " of %" PRIu64 " %.16s\n", number(16, 8), number(24, 8),
		       r + 32);
		break;
	case CONFLICT:
		printf("conflict at %" PRIu64 " of %" PRIu64 "\n", number(16, 8), number(24, 4));
		break;
	case END:
		printf("end %.16s\n", r + 56);
		break;
	default:	/* of a later version, or flows lost */
		printf("record %u of %u bytes\n", r[4], n);
	}
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	FILE *in = stdin;

	if (argc != 2)
		return 2;
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", argv[1]);
	if (strcmp(argv[1], "-") != 0) {
		if (connect(fd, (void *)&sun, sizeof sun) != 0)
			return perror(argv[1]), 1;
		in = fdopen(fd, "r");
	}
	while (fread(r, 16, 1, in) == 1) {
		uint32_t n = (uint32_t)number(0, 4);

		if (n < 16 || n > sizeof r || fread(r + 16, 1, n - 16, in) != n - 16)
			return 1;
		show(n);
		fflush(stdout);
	}
	return 0;
}
