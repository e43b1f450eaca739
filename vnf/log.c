/*
 * log.c - see log.h.  A line is one write, so that threads and processes do not mix theirs; a
 * lock keeps the numbers in the order of the lines.  Syslog is never waited for, and may restart.
 */
#include "vnf/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_ROOM = 2048,
	MAX_MODULES = 64,
	BURST = 60,		/* lines of one place at once, */
	EVERY_MS = 1000,	/* then one in this time */
	BURST_DBG = 2000,
	EVERY_DBG_MS = 20,
	FACILITY = 3 << 3,	/* syslog's "daemon" (RFC 5424 6.2.1) */
};

static const char *const level_names[] = { "OFF", "EMER", "ERR", "WARN", "INFO", "DBG" };
static const char *const dest_names[] = { "console", "syslog", "file" };
static const int severity[] = { 0, 0, 3, 4, 6, 7 };	/* syslog's */

static struct {
	pthread_mutex_t lock;
	struct log_module module[MAX_MODULES];
	unsigned n_modules, number;
	int file, syslog;
	char *path, ident[64];
	struct sockaddr_un syslog_at;
	bool journal;
} g = { .lock = PTHREAD_MUTEX_INITIALIZER, .file = -1, .syslog = -1 };

/* --- modules and levels --- */

struct log_module *
log_module_get(const char *name)
{
	struct log_module *m;
	unsigned i;

	for (i = 0; i < g.n_modules; i++)
		if (strcmp(g.module[i].name, name) == 0)
			return &g.module[i];
	if (g.n_modules == MAX_MODULES)
		return &g.module[0];
	m = &g.module[g.n_modules++];
	m->name = name;
	for (i = 0; i < N_DESTS; i++)
		atomic_init(&m->level[i], LEVEL_INFO);
	return m;
}

static bool
dest_open(enum log_dest d)
{
	return d == DEST_CONSOLE || (d == DEST_SYSLOG ? g.syslog : g.file) >= 0;
}

bool
log_wanted(const struct log_module *m, enum log_level level)
{
	unsigned i;

	for (i = 0; i < N_DESTS; i++)
		if (dest_open((enum log_dest)i) &&
		    level <= atomic_load_explicit(&m->level[i], memory_order_relaxed))
			return true;
	return false;
}

static int
find(const char *word, const char *const *names, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcasecmp(word, names[i]) == 0)
			return (int)i;
	return -1;
}

static int
find_module(const char *word)
{
	unsigned i;

	for (i = 0; i < g.n_modules; i++)
		if (strcasecmp(word, g.module[i].name) == 0)
			return (int)i;
	return -1;
}

/* What a specification names so far; -1: nothing. */
struct spec {
	int module, dest, level;
};

static int
take_word(struct spec *s, const char *word, struct err *err)
{
	int module = find_module(word), dest = find(word, dest_names, N_DESTS);
	int level = find(word, level_names, sizeof level_names / sizeof level_names[0]);

	if (strcasecmp(word, "any") == 0)
		return 0;
	if (level >= 0 && s->level < 0)
		s->level = level;
	else if (dest >= 0 && s->dest < 0)
		s->dest = dest;
	else if (module >= 0 && s->module < 0)
		s->module = module;
	else if (level >= 0 || dest >= 0 || module >= 0)
		return err_set(err, -EINVAL, "'%s': there is a word of this kind before it", word);
	else
		return err_set(err, -EINVAL,
			       "'%s' is no module (vlog/list names them), no destination (console, "
			       "syslog, file), and no level (off, emer, err, warn, info, dbg)",
			       word);
	return 0;
}

static int
read_spec(const char *text, struct spec *s, struct err *err)
{
	char copy[128], *word, *save;

	*s = (struct spec){ -1, -1, -1 };
	if (strlen(text) >= sizeof copy)
		return err_set(err, -EINVAL, "'%.20s...' is too long", text);
	strcpy(copy, text);
	for (word = strtok_r(copy, ":, \t", &save); word; word = strtok_r(NULL, ":, \t", &save))
		if (take_word(s, word, err) != 0)
			return -EINVAL;
	return 0;
}

int
log_check(const char *spec, struct err *err)
{
	struct spec s;

	return read_spec(spec, &s, err);
}

int
log_set(const char *spec, struct err *err)
{
	struct spec s;
	unsigned m, d;

	if (read_spec(spec, &s, err) != 0)
		return -EINVAL;
	for (m = 0; m < g.n_modules; m++)
		for (d = 0; d < N_DESTS; d++)
			if ((s.module < 0 || (unsigned)s.module == m) &&
			    (s.dest < 0 || (unsigned)s.dest == d))
				atomic_store(&g.module[m].level[d],
					     s.level < 0 ? LEVEL_DBG : (enum log_level)s.level);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct log_module *const *)a)->name,
		      (*(struct log_module *const *)b)->name);
}

char *
log_list(void)
{
	struct log_module *sorted[MAX_MODULES];
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	unsigned i;

	if (!f)
		return NULL;
	for (i = 0; i < g.n_modules; i++)
		sorted[i] = &g.module[i];
	qsort(sorted, g.n_modules, sizeof sorted[0], by_name);
	fprintf(f, "                 console    syslog    file\n"
		   "                 -------    ------    ------\n");
	for (i = 0; i < g.n_modules; i++)
		fprintf(f, "%-16s  %4s       %4s       %4s\n", sorted[i]->name,
			level_names[sorted[i]->level[DEST_CONSOLE]],
			level_names[sorted[i]->level[DEST_SYSLOG]],
			level_names[sorted[i]->level[DEST_FILE]]);
	fclose(f);
	return text;
}

/* --- destinations --- */

static bool
wants(const struct log_module *m, enum log_dest d, enum log_level level)
{
	return dest_open(d) && level <= atomic_load_explicit(&m->level[d], memory_order_relaxed);
}

static void
put(int fd, char *line, int n)
{
	line[n++] = '\n';
	if (write(fd, line, (size_t)n) < 0)
		return;	/* nobody is left to be told */
}

/* A line is NUMBER|MODULE|LEVEL|MESSAGE, behind what the destination wants before it. */
static void
put_line(const struct log_module *m, enum log_level level, const char *message)
{
	char body[LINE_ROOM + 64], line[LINE_ROOM + 192], when[32];
	struct timespec t;
	struct tm tm;
	int n;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(body, sizeof body, "%05u|%s|%s|%s", ++g.number, m->name, level_names[level],
		 message);
	n = snprintf(line, sizeof line, "%s.%03ldZ|%s", when, t.tv_nsec / 1000000, body);
	if (wants(m, DEST_FILE, level))
		put(g.file, line, n);
	if (wants(m, DEST_CONSOLE, level) && !g.journal)
		put(STDERR_FILENO, line, n);
	n = snprintf(line, sizeof line, "<%d>%s", severity[level], body);
	if (wants(m, DEST_CONSOLE, level) && g.journal)
		put(STDERR_FILENO, line, n);
	n = snprintf(line, sizeof line, "<%d>%s[%d]: %s", FACILITY | severity[level], g.ident,
		     (int)getpid(), body);
	if (wants(m, DEST_SYSLOG, level))
		(void)!sendto(g.syslog, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&g.syslog_at, sizeof g.syslog_at);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
pass(const struct log_module *m, struct log_site *site, enum log_level level)
{
	unsigned dropped, since, ago;
	char text[128];
	bool dbg = level == LEVEL_DBG;

	if (!log_limit_pass(&site->limit, now_ms(), dbg ? BURST_DBG : BURST,
			    dbg ? EVERY_DBG_MS : EVERY_MS, &dropped, &since, &ago))
		return false;
	if (dropped) {
		snprintf(text, sizeof text,
			 "Dropped %u log messages in last %u seconds (most recently, %u seconds "
			 "ago) due to excessive rate",
			 dropped, since, ago);
		put_line(m, level, text);
	}
	return true;
}

void
log_write(const struct log_module *m, struct log_site *site, enum log_level level, const char *fmt,
	  ...)
{
	char raw[LINE_ROOM], message[LINE_ROOM];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	for (n = strlen(raw); n > 0 && raw[n - 1] == '\n'; n--)
		raw[n - 1] = '\0';
	log_sanitise(message, sizeof message, raw);
	pthread_mutex_lock(&g.lock);
	if (pass(m, site, level))
		put_line(m, level, message);
	pthread_mutex_unlock(&g.lock);
}

/* --- opening them --- */

static int
replace_file(const char *path, struct err *err)
{
	int fd = -1, was;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
		if (fd < 0)
			return err_set(err, -errno, "log file %s: %s", path, strerror(errno));
	}
	pthread_mutex_lock(&g.lock);
	was = g.file;
	g.file = fd;
	pthread_mutex_unlock(&g.lock);
	if (was >= 0)
		close(was);
	return 0;
}

int
log_to_file(const char *path, struct err *err)
{
	char *copy = path ? strdup(path) : NULL;
	int rc;

	if (path && !copy)
		return err_set(err, -ENOMEM, "no memory");
	rc = replace_file(path, err);
	if (rc != 0) {
		free(copy);
		return rc;
	}
	free(g.path);
	g.path = copy;
	return 0;
}

int
log_reopen(struct err *err)
{
	return g.path ? replace_file(g.path, err) : 0;
}

int
log_to_syslog(const char *path, const char *ident, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, -errno, "syslog: %s", strerror(errno));
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	pthread_mutex_lock(&g.lock);
	if (g.syslog >= 0)
		close(g.syslog);
	g.syslog = fd;
	g.syslog_at = at;
	snprintf(g.ident, sizeof g.ident, "%s", ident);
	pthread_mutex_unlock(&g.lock);
	return 0;
}

void
log_ask_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	g.journal = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
		    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}
