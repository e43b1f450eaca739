/*
 * scrape.c - see scrape.h; HTTP/1.0 and 1.1 as far as a scraper needs them (RFC 9112).
 */
#include "vnf/scrape.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/listen.h"

struct client {
	int fd;			/* -1: free */
	usec_t came;
	char request[SCRAPE_REQUEST + 1];
	size_t n_read;
	char *answer;		/* NULL: the request is not complete */
	size_t n_answer, n_sent;
};

struct scrape {
	int fd;
	struct ctl_listener local;	/* fd -1: it is not by a path */
	scrape_text_fn *text;
	void *aux;
	struct client client[SCRAPE_CLIENTS];
};

/* --- listening --- */

/* Numbers only: a name would have to be looked up, which waits.  NULL fills `err`. */
static struct addrinfo *
resolve(const char *where, struct err *err)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(where, ':'), *port = colon ? colon + 1 : where;
	char host[64] = "127.0.0.1";
	size_t n = colon ? (size_t)(colon - where) : 0;
	struct addrinfo *to = NULL;

	if (n >= 2 && where[0] == '[' && where[n - 1] == ']')
		snprintf(host, sizeof host, "%.*s", (int)n - 2, where + 1);
	else if (n > 0)
		snprintf(host, sizeof host, "%.*s", (int)n, where);
	if (!*port || strspn(port, "0123456789") != strlen(port) || atol(port) < 1 ||
	    atol(port) > 65535 || (n > 0 && strchr(host, ':') && where[0] != '[') ||
	    getaddrinfo(host, port, &hints, &to) != 0) {
		err_set(err, -EINVAL, "ADDRESS:PORT, [ADDRESS]:PORT, PORT or unix:PATH is needed");
		return NULL;
	}
	return to;
}

static const char *
local_path(const char *where)
{
	return strncmp(where, "unix:", 5) == 0 ? where + 5 : NULL;
}

int
scrape_check(const char *where, struct err *err)
{
	const char *path = local_path(where);
	struct addrinfo *to;

	if (path)
		return *path == '/' ? 0 : err_set(err, -EINVAL, "unix:/PATH is needed");
	to = resolve(where, err);
	if (!to)
		return -EINVAL;
	freeaddrinfo(to);
	return 0;
}

static int
listen_inet(struct scrape *s, const char *where, struct err *err)
{
	struct addrinfo *to = resolve(where, err);
	int rc = 0, on = 1;

	if (!to)
		return -EINVAL;
	s->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(s->fd, to->ai_addr, to->ai_addrlen) != 0 || listen(s->fd, SCRAPE_CLIENTS) != 0)
		rc = err_set(err, -errno, "%s", strerror(errno));
	freeaddrinfo(to);
	return rc;
}

struct scrape *
scrape_open(const char *where, scrape_text_fn *text, void *aux, struct err *err)
{
	struct scrape *s = calloc(1, sizeof *s);
	struct err why = { 0 };
	unsigned i;
	int rc;

	if (!s) {
		err_set(err, -ENOMEM, "no memory for --metrics");
		return NULL;
	}
	s->fd = s->local.fd = -1;
	s->text = text;
	s->aux = aux;
	for (i = 0; i < SCRAPE_CLIENTS; i++)
		s->client[i].fd = -1;
	if (local_path(where)) {
		rc = ctl_listener_open(&s->local, local_path(where), 0660, &why);
		s->fd = s->local.fd;
	} else {
		rc = listen_inet(s, where, &why);
	}
	if (rc == 0)
		return s;
	err_set(err, rc, "--metrics %s: %s", where, why.msg);
	scrape_close(s);
	return NULL;
}

/* --- one client --- */

static void
leave(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->answer);
	*c = (struct client){ .fd = -1 };
}

static void
answer(struct client *c, const char *status, const char *type, const char *body, bool with_body)
{
	size_t n = strlen(body), room = n + 256;
	int head;

	c->answer = malloc(room);
	if (!c->answer) {
		leave(c);
		return;
	}
	head = snprintf(c->answer, room,
			"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			"Connection: close\r\n\r\n",
			status, type, n);
	if (with_body)
		memcpy(c->answer + head, body, n);
	c->n_answer = (size_t)head + (with_body ? n : 0);
}

/* METHOD SP PATH SP HTTP/1.x; a query behind the path is ignored. */
static void
answer_request(struct scrape *s, struct client *c)
{
	static const char plain[] = "text/plain; charset=utf-8";
	char method[8], path[128], minor;
	char *text;
	int end = 0;

	if (sscanf(c->request, "%7[A-Z] %127[^ \r\n] HTTP/1.%c%n", method, path, &minor, &end) !=
		    3 ||
	    end == 0) {
		answer(c, "400 Bad Request", plain, "this is no HTTP/1.1\n", true);
	} else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		answer(c, "405 Method Not Allowed", plain, "GET is allowed\n", true);
	} else if (path[strcspn(path, "?")] = '\0', strcmp(path, "/metrics") != 0) {
		answer(c, "404 Not Found", plain, "there is /metrics\n", method[0] == 'G');
	} else if (!(text = s->text(s->aux))) {
		answer(c, "503 Service Unavailable", plain, "no memory\n", true);
	} else {
		answer(c, "200 OK", "text/plain; version=0.0.4; charset=utf-8", text,
		       method[0] == 'G');
		free(text);
	}
}

static void
receive(struct scrape *s, struct client *c)
{
	ssize_t n = recv(c->fd, c->request + c->n_read, SCRAPE_REQUEST - c->n_read, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(c);
		return;
	}
	c->n_read += (size_t)n;
	c->request[c->n_read] = '\0';
	if (memchr(c->request, '\0', c->n_read))
		answer(c, "400 Bad Request", "text/plain", "a NUL byte\n", true);
	else if (strstr(c->request, "\r\n\r\n") || strstr(c->request, "\n\n"))
		answer_request(s, c);
	else if (c->n_read == SCRAPE_REQUEST)
		answer(c, "431 Request Header Fields Too Large", "text/plain", "too long\n", true);
}

static void
send_some(struct client *c)
{
	ssize_t n = send(c->fd, c->answer + c->n_sent, c->n_answer - c->n_sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		c->n_sent += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || c->n_sent == c->n_answer)
		leave(c);
}

/* --- all of them --- */

void
scrape_close(struct scrape *s)
{
	unsigned i;

	if (!s)
		return;
	for (i = 0; i < SCRAPE_CLIENTS; i++)
		leave(&s->client[i]);
	if (s->local.fd >= 0)
		ctl_listener_close(&s->local);
	else if (s->fd >= 0)
		close(s->fd);
	free(s);
}

size_t
scrape_fds(const struct scrape *s, struct pollfd *fds)
{
	size_t n = 0;
	unsigned i;

	if (!s)
		return 0;
	fds[n++] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
	for (i = 0; i < SCRAPE_CLIENTS; i++)
		if (s->client[i].fd >= 0)
			fds[n++] = (struct pollfd){
				.fd = s->client[i].fd,
				.events = s->client[i].answer ? POLLOUT : POLLIN,
			};
	return n;
}

/* A free slot, or that of the oldest, who has to leave. */
static struct client *
slot(struct scrape *s)
{
	struct client *oldest = &s->client[0];
	unsigned i;

	for (i = 0; i < SCRAPE_CLIENTS; i++) {
		if (s->client[i].fd < 0)
			return &s->client[i];
		if (usec_before(s->client[i].came, oldest->came))
			oldest = &s->client[i];
	}
	leave(oldest);
	return oldest;
}

void
scrape_run(struct scrape *s, usec_t now)
{
	struct client *c;
	unsigned i;
	int fd;

	if (!s)
		return;
	for (i = 0; i < SCRAPE_CLIENTS; i++) {
		fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			break;
		c = slot(s);
		c->fd = fd;
		c->came = now;
	}
	for (c = s->client; c < s->client + SCRAPE_CLIENTS; c++) {
		if (c->fd >= 0 && !c->answer)
			receive(s, c);
		if (c->fd >= 0 && c->answer)
			send_some(c);
		if (c->fd >= 0 && usec_diff(now, c->came) > SCRAPE_PATIENCE_US)
			leave(c);
	}
}
