/*
 * jsonrpc.c - see jsonrpc.h.
 *
 * A message is an object, so it ends where its brackets are all closed; only
 * strings can hold brackets that do not count.  That much is found by looking at
 * each byte once.  What lies between is then given to Jansson, which alone says
 * whether it is JSON: trying to parse at every arrival would cost the square of
 * the size.
 */
#include "ctl/jsonrpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RX_FIRST = 4096 };	/* bytes of the first allocation */

void
jsonrpc_rx_init(struct jsonrpc_rx *rx, size_t max)
{
	*rx = (struct jsonrpc_rx){ .max = max, .dry = true };
}

void
jsonrpc_rx_fini(struct jsonrpc_rx *rx)
{
	free(rx->buf);
	jsonrpc_rx_init(rx, rx->max);
}

/* Moves what is not consumed to the front. */
static void
compact(struct jsonrpc_rx *rx)
{
	if (!rx->start)
		return;
	memmove(rx->buf, rx->buf + rx->start, rx->len - rx->start);
	rx->scanned -= rx->start;
	rx->len -= rx->start;
	rx->start = 0;
}

char *
jsonrpc_rx_room(struct jsonrpc_rx *rx, size_t *room)
{
	if (rx->len == rx->cap)
		compact(rx);
	if (rx->len == rx->cap && rx->cap < rx->max) {
		size_t cap = rx->cap ? 2 * rx->cap : RX_FIRST;
		char *buf;

		if (cap > rx->max)
			cap = rx->max;
		buf = realloc(rx->buf, cap);
		if (!buf)
			return NULL;
		rx->buf = buf;
		rx->cap = cap;
	}
	*room = rx->cap - rx->len;
	return *room ? rx->buf + rx->len : NULL;
}

void
jsonrpc_rx_added(struct jsonrpc_rx *rx, size_t n)
{
	rx->len += n;
	rx->dry = false;
}

void
jsonrpc_rx_take(struct jsonrpc_rx *rx, size_t n)
{
	rx->start += n;
	rx->scanned = rx->start;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Looks on to the byte after the message's last bracket; false: not there yet. */
static bool
scan(struct jsonrpc_rx *rx)
{
	while (rx->scanned < rx->len) {
		char c = rx->buf[rx->scanned++];

		if (rx->escaped) {
			rx->escaped = false;
		} else if (rx->in_string) {
			rx->escaped = c == '\\';
			rx->in_string = c != '"';
		} else if (c == '"') {
			rx->in_string = true;
		} else if (c == '{' || c == '[') {
			rx->depth++;
		} else if (c == '}' || c == ']') {
			if (--rx->depth == 0)
				return true;
		}
	}
	return false;
}

int
jsonrpc_rx_next(struct jsonrpc_rx *rx, json_t **msg, struct err *e)
{
	json_error_t why;

	while (!rx->depth && rx->start < rx->len && is_blank(rx->buf[rx->start]))
		rx->scanned = ++rx->start;
	if (!rx->depth && rx->start < rx->len && rx->buf[rx->start] != '{')
		return err_set(e, -EBADMSG,
			       "not JSON-RPC: a message is an object, it begins with {");
	if (!scan(rx)) {
		if (rx->len - rx->start >= rx->max)
			return err_set(e, -EMSGSIZE,
				       "the message is larger than the %zu bytes that are accepted",
				       rx->max);
		rx->dry = true;
		return -EAGAIN;
	}
	*msg = json_loadb(rx->buf + rx->start, rx->scanned - rx->start, 0, &why);
	rx->start = rx->scanned;
	if (!*msg)
		return err_set(e, -EBADMSG, "not JSON: %s at byte %d", why.text, why.position);
	return 0;
}

int
jsonrpc_request_parse(struct jsonrpc_request *req, json_t *msg, struct err *e)
{
	json_t *method = json_object_get(msg, "method");
	json_t *params = json_object_get(msg, "params");
	size_t i, n = json_array_size(params);

	*req = (struct jsonrpc_request){ .msg = msg, .id = json_object_get(msg, "id") };
	if (!req->id || json_is_null(req->id))
		return err_set(e, -EBADMSG, "a request needs an \"id\" that is not null");
	if (!json_is_string(method))
		return err_set(e, -EBADMSG, "a request needs a \"method\" that is a string");
	if (params && !json_is_array(params))
		return err_set(e, -EBADMSG, "\"params\" has to be an array of strings");
	req->argv = calloc(n + 2, sizeof *req->argv);
	if (!req->argv)
		return err_set(e, -ENOMEM, "out of memory");
	req->argv[req->argc++] = json_string_value(method);
	for (i = 0; i < n; i++) {
		const char *param = json_string_value(json_array_get(params, i));

		if (!param)
			return err_set(e, -EBADMSG, "parameter %zu is not a string", i + 1);
		req->argv[req->argc++] = param;
	}
	return 0;
}

void
jsonrpc_request_fini(struct jsonrpc_request *req)
{
	json_decref(req->msg);
	free(req->argv);
	*req = (struct jsonrpc_request){ .msg = NULL };
}

int
jsonrpc_put_request(struct text *out, int id, const char *method, int argc,
		    const char *const argv[], struct err *e)
{
	json_t *params = json_array();
	json_t *msg;
	char *s;
	int i;

	for (i = 0; i < argc; i++) {
		json_t *param = json_string(argv[i]);

		if (!param || json_array_append_new(params, param)) {
			json_decref(params);
			return err_set(e, -EINVAL, "parameter %d is not UTF-8", i + 1);
		}
	}
	msg = json_pack("{s:i, s:s, s:o}", "id", id, "method", method, "params", params);
	if (!msg)
		return err_set(e, -EINVAL, "the command's name is not UTF-8");
	s = json_dumps(msg, JSON_COMPACT);
	json_decref(msg);
	if (s)
		text_puts(out, s);
	free(s);
	return s && !out->failed ? 0 : err_set(e, -ENOMEM, "out of memory");
}

void
jsonrpc_put_id(struct text *out, const json_t *id)
{
	char *s = id ? json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	text_puts(out, "{\"id\":");
	text_puts(out, s ? s : "null");
	text_puts(out, ",");
	free(s);
}

void
jsonrpc_put_error(struct text *out, const json_t *id, const char *error)
{
	size_t len = strlen(error);

	jsonrpc_put_id(out, id);
	text_puts(out, "\"result\":null,\"error\":\"");
	text_put_json(out, error, len);
	if (!len || error[len - 1] != '\n')
		text_puts(out, "\\n");
	text_puts(out, "\"}");
}
