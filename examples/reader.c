/*
 * reader - both streams of every flow that leatd tells its readers of (leat-stream(5)).
 *
 *	reader /run/leat/leat.stream	the running leatd's
 *	leatd -r FILE -f stream | reader -	a capture's
 *
 * A line a record: the flow's number, the direction, what it is.  Bytes themselves are not shown.
 */
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { HELLO = 1, OPEN, META, DATA, GAP, CONFLICT, END, LOST, ROLES };

static uint8_t r[8 << 20];	/* one record */

static uintmax_t
number(unsigned at, unsigned n)
{
	uint64_t v = 0;

	memcpy(&v, r + at, n);
	return le64toh(v);
}

static void
show(uint32_t n)
{
	printf("%ju %s ", number(8, 8), r[5] ? "s2c" : "c2s");
	if (r[4] == HELLO)
		printf("hello version %ju from %.*s\n", number(20, 2), (int)n - 24, r + 24);
	else if (r[4] == OPEN)
		printf("open %.32s ports %ju %ju\n", r + 104, number(56, 2), number(58, 2));
	else if (r[4] == META)
		printf("meta %.*s", (int)n - 16, r + 16);
	else if (r[4] == DATA)
		printf("data at %ju of %u bytes\n", number(16, 8), n - 32);
	else if (r[4] == GAP)
		printf("gap at %ju of %ju %.16s\n", number(16, 8), number(24, 8), r + 32);
	else if (r[4] == CONFLICT)
		printf("conflict at %ju of %ju\n", number(16, 8), number(24, 4));
	else if (r[4] == END)
		printf("end %.16s\n", r + 56);
	else if (r[4] == ROLES)	/* directions stay what OPEN made of them */
		printf("roles: the ends are %s\n", r[16] ? "the other way round" : "as guessed");
	else	/* of a later version, or flows lost */
		printf("record %u of %u bytes\n", r[4], n);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	bool is_socket = argc == 2 && strcmp(argv[1], "-") != 0;
	FILE *in = is_socket ? fdopen(socket(AF_UNIX, SOCK_STREAM, 0), "r") : stdin;
	uint32_t n;

	if (argc != 2 || !in)
		return 2;
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", argv[1]);
	if (is_socket && connect(fileno(in), (void *)&sun, sizeof sun) != 0)
		return perror(argv[1]), 1;
	while (fread(r, 16, 1, in) == 1) {
		n = (uint32_t)number(0, 4);
		if (n < 16 || n > sizeof r || fread(r + 16, 1, n - 16, in) != n - 16)
			return 1;
		show(n);
		fflush(stdout);
	}
	return 0;
}
