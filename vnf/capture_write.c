/*
 * capture_write.c - a capture's thread: from the lanes into the file.
 *
 * The file ends with a whole block at all times but while one write is under way: what a full disk
 * took of a write is cut off again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vnf/capture_lane.h"

enum {
	BURST = 64,
	WRITE_AT = 256 * 1024,	/* bytes in hand */
	REST_US = 1000,
};

static void
give_up(struct capture *c, int code)
{
	snprintf(c->error, sizeof c->error, "%s", strerror(code));
	if (ftruncate(c->fd, (off_t)c->n_bytes) != 0)
		snprintf(c->error, sizeof c->error, "%s, and its end may be broken",
			 strerror(code));
	atomic_store(&c->full, c->error);
}

/* Writes what is in hand: whole blocks. */
static void
write_out(struct capture *c)
{
	size_t done = 0;
	ssize_t n;

	if (c->out.failed)
		give_up(c, ENOMEM);
	while (!atomic_load(&c->full) && done < c->out.len) {
		n = write(c->fd, c->out.s + done, c->out.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			give_up(c, n == 0 ? EIO : errno);
	}
	if (!atomic_load(&c->full)) {
		atomic_fetch_add(&c->n_bytes, done);
		atomic_store(&c->n_written, c->frames);
	}
	c->out.len = 0;
	c->out.failed = false;
}

static void
put(struct capture *c, const uint8_t *block, size_t n)
{
	text_put(&c->out, (const char *)block, n);
}

static void
put_headers(struct capture *c)
{
	char comment[CAPTURE_WORDS + 16] = "";
	uint8_t block[PCAPNG_BLOCK_MAX];
	unsigned i;

	if (c->conf.words[0])
		snprintf(comment, sizeof comment, "filter: %s", c->conf.words);
	put(c, block, pcapng_section(block, "leatd (Leat) " LEAT_VERSION, comment));
	for (i = 0; i < c->ports->n; i++) {
		const struct port_conf *p = port_config(c->ports->port[i]);

		put(c, block, pcapng_interface(block, p->name, p->spec, c->conf.snaplen));
	}
	write_out(c);
}

static void
put_statistics(struct capture *c)
{
	int64_t began = clock_to_unix_us(c->began), now = clock_to_unix_us(clock_now());
	uint8_t block[PCAPNG_BLOCK_MAX];
	unsigned i, k;

	for (i = 0; i < c->ports->n; i++) {
		uint64_t taken = 0, lost = 0;

		for (k = 0; k < c->n_lanes; k++) {
			taken += c->lane[k].taken[i];
			lost += c->lane[k].lost[i];
		}
		put(c, block, pcapng_statistics(block, i, began, now, taken + lost, lost));
	}
	write_out(c);
}

static void
put_frame(struct capture *c, const struct slot *s)
{
	uint32_t captured = s->captured;
	enum pcapng_direction direction = (enum pcapng_direction)s->direction;
	uint8_t block[PCAPNG_HEAD_LEN];

	put(c, block, pcapng_head(block, s->port, clock_to_unix_us(s->at), captured, s->length));
	for (; s; s = s->next)
		put(c, s->bytes, s->n);
	put(c, block, pcapng_tail(block, captured, direction));
	c->frames++;
}

static unsigned
take_from(struct capture *c, struct capture_lane *l)
{
	struct slot *s[BURST];
	unsigned i, n = rte_ring_sc_dequeue_burst(l->full, (void **)s, BURST, NULL);

	for (i = 0; i < n; i++) {
		if (!s[i]->unwanted && !atomic_load(&c->full))
			put_frame(c, s[i]);
		for (struct slot *one = s[i], *next; one; one = next) {
			next = one->next;
			rte_ring_sp_enqueue(l->empty, one);
		}
	}
	return n;
}

static void
check_limits(struct capture *c)
{
	if (atomic_load(&c->full))
		return;
	if (c->n_bytes + c->out.len >= c->conf.max_bytes) {
		write_out(c);
		if (!atomic_load(&c->full))
			atomic_store(&c->full, "size");
	} else if (c->conf.for_us && usec_diff(clock_now(), c->began) >= c->conf.for_us) {
		atomic_store(&c->full, "time");
	}
}

static unsigned
take_all(struct capture *c)
{
	unsigned i, n = 0;

	for (i = 0; i < c->n_lanes; i++) {
		n += take_from(c, &c->lane[i]);
		if (c->out.len >= WRITE_AT)
			write_out(c);
		check_limits(c);
	}
	return n;
}

/* Why it was full does not keep the last block from being written; a full disk does. */
static void
end_file(struct capture *c)
{
	const char *why = atomic_load(&c->full);

	if (why != c->error) {
		atomic_store(&c->full, NULL);
		write_out(c);
		if (!atomic_load(&c->full))
			put_statistics(c);
		if (!atomic_load(&c->full))
			atomic_store(&c->full, why);
	}
	close(c->fd);
	text_fini(&c->out);
}

void *
capture_writer(void *capture)
{
	struct capture *c = capture;
	bool finish;

	put_headers(c);
	for (;;) {
		/* asked before the lanes are: what comes into them comes before it is said */
		finish = atomic_load(&c->finish);
		if (take_all(c) > 0)
			continue;
		write_out(c);
		if (finish)
			break;
		usleep(REST_US);
	}
	end_file(c);
	atomic_store(&c->finished, true);
	return NULL;
}
