/*
 * sink_eve.c - events of flows as lines in files and to sockets: the sinks' thread.
 *
 * Each place has a buffer of whole lines; what a disk or a socket does not take stays there, and
 * when it is full lines are lost and counted.  A socket that is gone is tried again every second,
 * and never gets the rest of a line of which another connection got the beginning.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vnf/sink_lane.h"

enum {
	BUFFER = 1 << 20,	/* bytes that wait for one place */
	WRITE_AT = 64 * 1024,
	AGAIN_MS = 1000,
	BLOCKED_MS = 10,
};

struct sink_eve {
	const char *path;	/* NULL: not in use */
	int fd;			/* -1: not open */
	bool is_socket, is_stdout;
	bool cut;		/* what was written last ends within a line */
	bool failed;		/* it was said */
	usec_t retry;
	struct text out;
};

static bool
is_unix(const char *path)
{
	return strncmp(path, "unix:", 5) == 0;
}

static int
open_socket(const char *path, bool waits)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);
	int code;

	if (fd < 0)
		return -1;
	if (strlen(path) >= sizeof sun.sun_path) {
		close(fd);
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sun.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&sun, sizeof sun) == 0)
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

/* The rest of a line whose beginning is elsewhere. */
static void
drop_rest(struct sinks *s, struct sink_eve *o)
{
	char *end = o->cut && o->out.len ? memchr(o->out.s, '\n', o->out.len) : NULL;
	size_t n = end ? (size_t)(end + 1 - o->out.s) : 0;

	o->cut = false;
	if (n == 0)
		return;
	memmove(o->out.s, o->out.s + n, o->out.len - n);
	o->out.len -= n;
	s->eve_lost++;
}

static void
open_place(struct sinks *s, struct sink_eve *o)
{
	if (o->is_stdout)
		o->fd = STDOUT_FILENO;
	else if (o->is_socket)
		o->fd = open_socket(o->path + 5, s->direct);
	else
		o->fd = open(o->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (o->fd >= 0) {
		o->failed = false;
		drop_rest(s, o);
		return;
	}
	if (!o->failed)
		sink_complain(s, "cannot open", o->path, errno);
	o->failed = true;
	o->retry = usec_add(clock_now(), AGAIN_MS * 1000);
}

static void
close_place(struct sink_eve *o)
{
	if (o->fd >= 0 && !o->is_stdout)
		close(o->fd);
	o->fd = -1;
}

static void
write_failed(struct sinks *s, struct sink_eve *o)
{
	if (!o->failed)
		sink_complain(s, "cannot write", o->path, errno);
	o->failed = true;
	if (o->is_socket)
		close_place(o);
	o->retry = usec_add(clock_now(), AGAIN_MS * 1000);
}

static void
flush(struct sinks *s, struct sink_eve *o)
{
	size_t done = 0;

	if (o->out.len == 0)
		return;
	if (o->failed && !s->direct && usec_before(clock_now(), o->retry))
		return;
	if (o->fd < 0)
		open_place(s, o);
	while (o->fd >= 0 && done < o->out.len) {
		ssize_t n = o->is_socket
				    ? send(o->fd, o->out.s + done, o->out.len - done, MSG_NOSIGNAL)
				    : write(o->fd, o->out.s + done, o->out.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			write_failed(s, o);
			break;
		}
		done += (size_t)n;
		o->failed = false;
		o->cut = o->out.s[done - 1] != '\n';
	}
	memmove(o->out.s, o->out.s + done, o->out.len - done);
	o->out.len -= done;
}

/* NULL: there is no room for another place. */
static struct sink_eve *
place_of(struct sinks *s, uint8_t to)
{
	const char *path = sinks_text_at(s, to);
	struct sink_eve *o = s->eve;
	unsigned i;

	for (i = 0; i < SINK_EVES && o->path && o->path != path; i++)
		o++;
	if (i == SINK_EVES || !path)
		return NULL;
	if (!o->path)
		*o = (struct sink_eve){
			.path = path,
			.fd = -1,
			.is_socket = is_unix(path),
			.is_stdout = strcmp(path, SINK_STDOUT) == 0,
			.retry = clock_now(),
		};
	return o;
}

void
sink_eve_event(struct sinks *s, const struct eve_event *e)
{
	struct sink_eve *o = place_of(s, e->to);
	size_t began;

	if (o && o->out.len >= BUFFER)
		flush(s, o);
	if (!o || o->out.len >= BUFFER) {
		s->eve_lost++;
		return;
	}
	began = o->out.len;
	eve_put(&o->out, e);
	if (o->out.failed) {
		s->eve_lost++;
		o->out.len = began;
		o->out.failed = false;
	}
	s->eve_lines += o->out.len > began;
	if (o->out.len >= WRITE_AT)
		flush(s, o);
}

int
sink_eve_flush(struct sinks *s, bool reopen)
{
	struct sink_eve *o = s->eve;
	int ms = -1;

	for (; o < s->eve + SINK_EVES && o->path; o++) {
		if (reopen && o->fd >= 0 && !o->is_socket) {
			flush(s, o);
			close_place(o);
		}
		flush(s, o);
		if (o->out.len > 0)
			ms = !o->failed ? BLOCKED_MS : ms < 0 ? AGAIN_MS : ms;
	}
	return ms;
}

int
sink_eve_init(struct sinks *s)
{
	s->eve = calloc(SINK_EVES, sizeof *s->eve);
	return s->eve ? 0 : -ENOMEM;
}

void
sink_eve_fini(struct sinks *s)
{
	struct sink_eve *o;

	if (!s->eve)
		return;
	sink_eve_flush(s, false);
	for (o = s->eve; o < s->eve + SINK_EVES && o->path; o++) {
		close_place(o);
		text_fini(&o->out);
	}
	free(s->eve);
}
