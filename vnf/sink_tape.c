/*
 * sink_tape.c - kept captures of flows, from a worker to files.
 *
 * The pcapng of a flow that is kept is copied into pages, which go to the thread in one piece and
 * come back; where there are too few of them the capture is lost, and counted.  Without a thread it
 * is written at once.
 *
 * A folder is bounded by what is in it, whoever put it there, so that neither a restart nor another
 * rule begins anew; when it is full the thread looks again now and then, for files are taken away.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnf/heap_ring.h"
#include "vnf/sink_lane.h"

enum {
	PAGE = 16 * 1024,
	PAGES = 1024,
	PATH_LEN = SINK_TEXT_LEN + SINK_NAME_LEN + SINK_SUFFIX_LEN,
	LOOK_US = 2 * 1000 * 1000,	/* between two looks at a folder that is full */
};

struct sink_page {
	struct sink_page *next;
	uint32_t n;
	uint8_t b[PAGE - 16];
};

/* The first page of a capture begins with it. */
struct title {
	uint8_t dir;		/* sinks_text() */
	char name[SINK_NAME_LEN];
};

/* --- files --- */

static int
open_file(struct sinks *s, struct title *t, char path[PATH_LEN])
{
	const char *dir = sinks_text_at(s, t->dir);
	int fd;

	sink_free_name(s, dir, t->name, "pcapng");
	snprintf(path, PATH_LEN, "%s/%s.pcapng", dir, t->name);
	if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
		sink_complain(s, "cannot make the folder", dir, errno);
		return -1;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		sink_complain(s, "cannot open", path, errno);
	return fd;
}

static int
write_all(int fd, const uint8_t *b, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, b, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		b += done;
		n -= (size_t)done;
	}
	return 0;
}

/* --- folders --- */

static bool
is_pcapng(const char *name)
{
	static const char suffix[] = ".pcapng";
	size_t n = strlen(name);

	return n >= sizeof suffix - 1 && strcmp(name + n - (sizeof suffix - 1), suffix) == 0;
}

/* Counts what is there; a folder that there is not yet is empty. */
static void
look_at(struct sink_folder *d, const char *path)
{
	struct dirent *e;
	struct stat sb;
	DIR *dir = opendir(path);

	*d = (struct sink_folder){ .known = true, .looked = clock_now() };
	while (dir && (e = readdir(dir)) != NULL) {
		if (!is_pcapng(e->d_name) || fstatat(dirfd(dir), e->d_name, &sb, 0) != 0)
			continue;
		d->n_files++;
		d->n_bytes += (uint64_t)sb.st_size;
	}
	if (dir)
		closedir(dir);
}

static bool
has_room(const struct sinks *s, const struct sink_folder *d, uint64_t n)
{
	return (s->max_kept_files == 0 || d->n_files < s->max_kept_files) &&
	       (s->max_kept_bytes == 0 || d->n_bytes + n <= s->max_kept_bytes);
}

/* Is there room in the folder for `n` bytes? */
static bool
may_write(struct sinks *s, uint8_t dir, uint64_t n)
{
	struct sink_folder *d = &s->folders[dir - 1];

	if (!d->known)
		look_at(d, sinks_text_at(s, dir));
	if (!has_room(s, d, n) && usec_diff(clock_now(), d->looked) >= LOOK_US)
		look_at(d, sinks_text_at(s, dir));
	return has_room(s, d, n);
}

void
sinks_bound_kept(struct sinks *s, unsigned n_files, uint64_t n_bytes)
{
	s->max_kept_files = n_files;
	s->max_kept_bytes = n_bytes;
}

void
sink_tape_status(const struct sinks *s, struct sinks_status *st)
{
	st->captures_kept = s->captures_kept;
	st->captures_refused = s->captures_refused;
	for (unsigned i = 0; i < SINK_TEXTS; i++) {
		st->kept_files = RTE_MAX(st->kept_files, s->folders[i].n_files);
		st->kept_bytes = RTE_MAX(st->kept_bytes, s->folders[i].n_bytes);
	}
}

/* --- the thread --- */

static void
give_pages_back(struct sink_lane *l, struct sink_page *p)
{
	struct sink_page *next;

	for (; p; p = next) {
		next = p->next;
		rte_ring_sp_enqueue(l->empty_pages, p);
	}
}

static uint64_t
length_of(const struct sink_page *p)
{
	uint64_t n = 0;

	for (; p; p = p->next)
		n += p->n;
	return n - sizeof(struct title);
}

static void
note_written(struct sinks *s, uint8_t dir, uint64_t n)
{
	s->captures_kept++;
	s->folders[dir - 1].n_files++;
	s->folders[dir - 1].n_bytes += n;
}

/* One capture into its file. */
static void
write_capture(struct sinks *s, const struct sink_page *first)
{
	char path[PATH_LEN];
	size_t skip = sizeof(struct title);
	const struct sink_page *p;
	struct title t;
	int fd, rc = 0;

	memcpy(&t, first->b, sizeof t);
	if (!may_write(s, t.dir, length_of(first))) {
		s->captures_refused++;
		return;
	}
	fd = open_file(s, &t, path);
	if (fd < 0)
		return;
	for (p = first; p && rc == 0; p = p->next, skip = 0)
		rc = write_all(fd, p->b + skip, p->n - skip);
	close(fd);
	if (rc == 0) {
		note_written(s, t.dir, length_of(first));
	} else {
		sink_complain(s, "cannot write", path, -rc);
		unlink(path);
	}
}

bool
sink_tape_drain(struct sinks *s, struct sink_lane *l)
{
	void *first;

	if (rte_ring_sc_dequeue(l->full_pages, &first) != 0)
		return false;
	write_capture(s, first);
	give_pages_back(l, first);
	return true;
}

/* --- a worker --- */

/* What a capture is being written to. */
struct writing {
	struct sink_lane *l;
	struct sink_page *first, *last;
	int fd;			/* without a thread */
};

static struct sink_page *
take_page(struct sink_lane *l)
{
	struct sink_page *p = l->spare_pages;

	if (p)
		l->spare_pages = p->next;
	else if (rte_ring_sc_dequeue(l->empty_pages, (void **)&p) != 0)
		p = l->n_pages < PAGES ? (void *)(l->pages + (size_t)l->n_pages++ * PAGE) : NULL;
	if (p) {
		p->next = NULL;
		p->n = 0;
	}
	return p;
}

static int
add(void *ctx, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	struct writing *w = ctx;
	size_t n;

	for (; len > 0; from += n, len -= n) {
		if (!w->last || w->last->n == sizeof w->last->b) {
			struct sink_page *p = take_page(w->l);

			if (!p)
				return -ENOBUFS;
			*(w->last ? &w->last->next : &w->first) = p;
			w->last = p;
		}
		n = RTE_MIN(len, sizeof w->last->b - w->last->n);
		memcpy(w->last->b + w->last->n, from, n);
		w->last->n += (uint32_t)n;
	}
	return 0;
}

static int
add_direct(void *ctx, const void *bytes, size_t len)
{
	return write_all(((struct writing *)ctx)->fd, bytes, len);
}

static int
keep_direct(struct sinks *s, struct title *t, struct tcpterm *stack, struct tcpterm_capture *c)
{
	char path[PATH_LEN];
	struct writing w = { .fd = open_file(s, t, path) };
	int rc;

	if (w.fd < 0)
		return -EIO;
	rc = tcpterm_capture_keep(stack, c, add_direct, &w);
	close(w.fd);
	if (rc != 0)
		sink_complain(s, "cannot write", path, -rc);
	s->captures_kept += rc == 0;
	return rc;
}

static void
put_back(struct sink_lane *l, struct sink_page *p)
{
	struct sink_page *next;

	for (; p; p = next) {
		next = p->next;
		p->next = l->spare_pages;
		l->spare_pages = p;
	}
}

void
sinks_keep(struct sinks *s, unsigned worker, uint8_t dir, const struct flow_record *r,
	   struct tcpterm *stack, struct tcpterm_capture *c)
{
	struct writing w = { .l = s->direct ? NULL : &s->lane[worker] };
	struct title t = { .dir = dir };
	int rc;

	sink_name(t.name, r);
	if (s->direct) {
		rc = keep_direct(s, &t, stack, c);
	} else {
		rc = add(&w, &t, sizeof t);
		if (rc == 0)
			rc = tcpterm_capture_keep(stack, c, add, &w);
		/* there is room for all pages */
		if (rc == 0)
			rte_ring_sp_enqueue(w.l->full_pages, w.first);
		else
			put_back(w.l, w.first);
		w.l->captures_lost += rc != 0;
		sink_hail(s);
	}
	if (rc != 0)
		tcpterm_capture_drop(stack, c);
}

/* --- life --- */

int
sink_tape_open(struct sink_lane *l)
{
	l->empty_pages = heap_ring_new("sink-empty", sizeof(void *), 2 * PAGES);
	l->full_pages = heap_ring_new("sink-full", sizeof(void *), 2 * PAGES);
	l->pages = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l->pages == MAP_FAILED)
		l->pages = NULL;
	return l->empty_pages && l->full_pages && l->pages ? 0 : -ENOMEM;
}

void
sink_tape_close(struct sink_lane *l)
{
	free(l->empty_pages);
	free(l->full_pages);
	if (l->pages)
		munmap(l->pages, (size_t)PAGES * PAGE);
}
