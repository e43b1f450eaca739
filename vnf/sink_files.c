/*
 * sink_files.c - the bytes of passive flows in files.
 *
 * Some files are open at a time: those used last.  One that is needed again is opened again.
 */
#include <errno.h>
#include <fcntl.h>
#include <nettle/base16.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vnf/row.h"
#include "vnf/sink_lane.h"

enum {
	KEPT_FDS = 256,		/* of the process, for others */
	MAX_FDS = 4096,		/* open at a time */
	PATH_LEN = 512,
};

static const char *const suffix_of[SINK_N_FILES] = { "c2s", "s2c", "gaps", "conflicts" };

void
sink_files_init(struct sinks *s)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = RTE_MIN(limit.rlim_max,
					 RTE_MAX(limit.rlim_cur, (rlim_t)MAX_FDS + KEPT_FDS));
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	s->max_fds = limit.rlim_cur < 2 * KEPT_FDS ? SINK_N_FILES
						   : (unsigned)limit.rlim_cur - KEPT_FDS;
	s->max_fds = RTE_MIN(s->max_fds, (unsigned)MAX_FDS);
}

static void
complain(struct sinks *s, const struct sink *k, const char *what)
{
	char path[SINK_TEXT_LEN + sizeof k->name];
	int code = errno;

	snprintf(path, sizeof path, "%s/%s", k->dir, k->name);
	sink_complain(s, what, path, code);
}

static void
path_of(const struct sink *k, enum sink_file which, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "%s/%s.%s", k->dir, k->name, suffix_of[which]);
}

static int
open_file(struct sinks *s, struct sink *k, enum sink_file which)
{
	const bool is_lines = which == SINK_FILE_GAPS || which == SINK_FILE_CONFLICTS;
	int first = k->made & 1u << which ? 0 : O_TRUNC;
	char path[PATH_LEN];
	int fd;

	path_of(k, which, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | first | (is_lines ? O_APPEND : 0), 0640);
	if (fd < 0)
		complain(s, k, "cannot open");
	else
		k->made |= (uint8_t)(1u << which);
	return fd;
}

/* What an earlier replay wrote of this flow: this one may have no gaps. */
static void
remove_old(struct sink *k)
{
	char path[PATH_LEN];

	for (unsigned i = 0; i < SINK_N_FILES; i++) {
		path_of(k, (enum sink_file)i, path);
		unlink(path);
	}
}

static void
close_fds(struct sinks *s, struct sink *k)
{
	for (unsigned i = 0; i < SINK_N_FILES; i++) {
		if (k->fd[i] < 0)
			continue;
		close(k->fd[i]);
		k->fd[i] = -1;
		s->n_fds--;
	}
}

/* --- which are open --- */

static void
forget_use(struct sinks *s, struct sink *k)
{
	if (k->newer)
		k->newer->older = k->older;
	else if (s->newest == k)
		s->newest = k->older;
	if (k->older)
		k->older->newer = k->newer;
	else if (s->oldest == k)
		s->oldest = k->newer;
	k->newer = k->older = NULL;
}

static void
note_use(struct sinks *s, struct sink *k)
{
	if (s->newest == k)
		return;
	forget_use(s, k);
	k->older = s->newest;
	if (s->newest)
		s->newest->newer = k;
	else
		s->oldest = k;
	s->newest = k;
}

/* The file to write to; -1: there is none. */
static int
file_of(struct sinks *s, struct sink *k, enum sink_file which)
{
	note_use(s, k);
	if (k->fd[which] >= 0)
		return k->fd[which];
	while (s->n_fds >= s->max_fds && s->oldest && s->oldest != k) {
		struct sink *oldest = s->oldest;

		close_fds(s, oldest);
		forget_use(s, oldest);
	}
	k->fd[which] = open_file(s, k, which);
	s->n_fds += k->fd[which] >= 0;
	return k->fd[which];
}

/* --- events --- */

/* The direction as the files' names have it. */
static unsigned
direction_of(const struct sink *k, unsigned direction)
{
	return direction ^ (k->heard == SINK_ROLES_TURNED);
}

/* Its files have their names for themselves. */
static void
find_name(struct sinks *s, struct sink *k)
{
	sink_free_name(s, k->dir, k->name, suffix_of[SINK_FILE_UP]);
	if (s->direct)
		remove_old(k);
}

void
sink_files_open(struct sinks *s, struct sink *k)
{
	for (unsigned i = 0; i < SINK_N_FILES; i++)
		k->fd[i] = -1;
	k->made = 0;
	k->newer = k->older = NULL;
	if (mkdir(k->dir, 0750) != 0 && errno != EEXIST)
		complain(s, k, "cannot make the folder of");
	find_name(s, k);
	for (unsigned i = 0; i < SINK_FILE_CONFLICTS && !s->direct; i++)
		file_of(s, k, (enum sink_file)i);
}

void
sink_files_data(struct sinks *s, struct sink *k, const struct sink_event *e)
{
	int fd = file_of(s, k, direction_of(k, e->direction) ? SINK_FILE_DOWN : SINK_FILE_UP);
	uint64_t left = e->len, offset = e->offset;
	uint32_t skip = e->m_off;

	for (const struct rte_mbuf *m = e->m; m && left > 0; m = m->next) {
		uint64_t n;

		if (skip >= m->data_len) {
			skip -= m->data_len;
			continue;
		}
		n = RTE_MIN(left, (uint64_t)(m->data_len - skip));
		if (fd >= 0 && pwrite(fd, rte_pktmbuf_mtod_offset(m, void *, skip), n,
				      (off_t)offset) != (ssize_t)n)
			complain(s, k, "cannot write");
		offset += n;
		left -= n;
		skip = 0;
	}
}

void
sink_files_gap(struct sinks *s, struct sink *k, const struct sink_event *e)
{
	int fd = file_of(s, k, SINK_FILE_GAPS);

	if (fd >= 0 && dprintf(fd, "%s %lu %lu %s\n", suffix_of[direction_of(k, e->direction)],
			       e->offset, e->len, tcpterm_gap_name(e->reason)) < 0)
		complain(s, k, "cannot write the gaps of");
}

void
sink_files_conflict(struct sinks *s, struct sink *k, const struct conflict_record *c)
{
	int fd = file_of(s, k, SINK_FILE_CONFLICTS);
	char line[4 * RECORD_SHOWN + 128], *at = line;

	if (fd < 0)
		return;
	at += sprintf(at, "%s %lu %u %.*s ", suffix_of[direction_of(k, c->direction)], c->offset,
		      c->length, RECORD_WORD, c->overlap);
	base16_encode_update(at, c->shown, c->was);
	at += BASE16_ENCODE_LENGTH(c->shown);
	*at++ = ' ';
	base16_encode_update(at, c->shown, c->came);
	at += BASE16_ENCODE_LENGTH(c->shown);
	*at++ = '\n';
	if (write(fd, line, (size_t)(at - line)) != at - line)
		complain(s, k, "cannot write the conflicts of");
}

/* Lines that begin with c2s get s2c there, and the other way round. */
static bool
turn_lines(const char *from, const char *to)
{
	FILE *in = fopen(from, "re"), *out = in ? fopen(to, "we") : NULL;
	char line[4 * RECORD_SHOWN + 128];
	bool ok = out != NULL;

	while (ok && fgets(line, sizeof line, in))
		ok = fprintf(out, "%s%s", suffix_of[line[0] == 'c'], line + 3) > 0;
	ok = ok && !ferror(in);
	if (in)
		fclose(in);
	if (out)
		ok = fclose(out) == 0 && ok;
	return ok && unlink(from) == 0;
}

void
sink_files_turn(struct sinks *s, struct sink *k)
{
	static const uint8_t other[SINK_N_FILES] = { SINK_FILE_DOWN, SINK_FILE_UP, SINK_FILE_GAPS,
						     SINK_FILE_CONFLICTS };
	struct flow_record turned = k->begin;
	char from[SINK_N_FILES][PATH_LEN], to[PATH_LEN];
	const uint8_t made = k->made;

	close_fds(s, k);
	for (unsigned i = 0; i < SINK_N_FILES; i++)
		path_of(k, (enum sink_file)i, from[i]);
	row_turn(&turned);
	sink_name(k->name, &turned);
	find_name(s, k);
	k->made = 0;
	for (unsigned i = 0; i < SINK_N_FILES; i++) {
		if (!(made & 1u << i))
			continue;
		k->made |= (uint8_t)(1u << other[i]);
		path_of(k, (enum sink_file)other[i], to);
		if (i >= SINK_FILE_GAPS ? !turn_lines(from[i], to) : rename(from[i], to) != 0)
			complain(s, k, "cannot rename the files of");
	}
}

void
sink_files_close(struct sinks *s, struct sink *k)
{
	close_fds(s, k);
	forget_use(s, k);
}
