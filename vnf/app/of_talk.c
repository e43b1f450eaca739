/*
 * of_talk.c - recognisers: talk, and logs.
 */
#include "vnf/app/recognise.h"

#include <string.h>

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- IRC --- */

/* "USER name mode unused :real name" */
static enum app_match
irc_user(const uint8_t *p, size_t n)
{
	enum app_match m = match_word(p, n, 0, "USER ");
	size_t len = line_length(p, n), i, spaces = 0;

	if (m != APP_YES)
		return m;
	for (i = 0; i < len; i++) {
		if (p[i] == ':' && spaces == 4)
			return APP_YES;
		spaces += p[i] == ' ';
	}
	return line_ended(p, n) ? APP_NO : APP_MORE;
}

/* NICK or PASS, and USER or NICK in the line after it. */
static enum app_match
irc_two_lines(const uint8_t *p, size_t n)
{
	enum app_match m = match_any(p, n, 0, WORDS("NICK ", "PASS "));
	const uint8_t *second;

	if (m != APP_YES || !line_ended(p, n))
		return m == APP_YES ? APP_MORE : m;
	second = (const uint8_t *)memchr(p, '\n', n) + 1;
	if (second == p + n)
		return p[0] == 'N' || p[0] == 'n' ? APP_HINT : APP_MORE;
	m = match_any(second, n - (size_t)(second - p), 0,
		      WORDS("USER ", "NICK ", "PASS ", "CAP ", "SERVER "));
	if (m == APP_NO && (p[0] == 'N' || p[0] == 'n'))
		return APP_HINT;
	return m == APP_MORE && (p[0] == 'N' || p[0] == 'n') ? APP_HINT : m;
}

enum app_match
irc_client(const uint8_t *p, size_t n)
{
	enum app_match best = match_any(p, n, 0, WORDS("CAP LS", "CAP REQ ", "PRIVMSG "));
	enum app_match m = as(match_any(p, n, 0,
					WORDS("CAP END\r", "JOIN #", "PART #", "MODE #", "WHO #",
					      "PING ", "PONG ", "PROTOCTL ", "WEBIRC ")),
			      APP_HINT);

	best = m > best ? m : best;
	m = irc_user(p, n);

	best = m > best ? m : best;
	m = irc_two_lines(p, n);
	return m > best ? m : best;
}

/* ":server COMMAND" */
static enum app_match
irc_prefixed(const uint8_t *p, size_t n)
{
	size_t i, at;

	for (i = 1; i < n && i < 128 && (is_alnum(p[i]) || strchr(".-_!@~[]{}|^`*:/", p[i])); i++)
		if (p[i] == 0)
			return APP_NO;
	if (i == n)
		return APP_MORE;
	if (p[i] != ' ' || i < 2)
		return APP_NO;
	if (n > i + 1 && is_digit(p[i + 1])) {
		for (at = i + 2; at < n && at < i + 4; at++)
			if (!is_digit(p[at]))
				return APP_NO;
		return n < i + 5 ? APP_MORE : p[i + 4] == ' ' ? APP_YES : APP_NO;
	}
	return match_any(p, n, i + 1,
			 WORDS("NOTICE ", "PING ", "CAP ", "PRIVMSG ", "JOIN ", "PART ", "MODE ",
			       "NICK ", "KICK ", "TOPIC ", "QUIT :", "PONG "));
}

enum app_match
irc_server(const uint8_t *p, size_t n)
{
	const uint8_t *end;

	if (p[0] == '@') {	/* tags come first: IRCv3's message-tags */
		end = memchr(p, ' ', n);
		if (!end || end + 1 == p + n)
			return APP_MORE;
		return end[1] == ':' ? irc_prefixed(end + 1, n - (size_t)(end + 1 - p)) : APP_NO;
	}
	if (p[0] == ':')
		return irc_prefixed(p, n);
	return as(match_any(p, n, 0, WORDS("NOTICE AUTH ", "NOTICE * ", "ERROR :", "PING :")),
		  APP_WEAK);
}

/* --- XMPP --- */

static size_t
skip_space(const uint8_t *p, size_t n, size_t i)
{
	while (i < n && (p[i] == ' ' || p[i] == '\r' || p[i] == '\n' || p[i] == '\t'))
		i++;
	return i;
}

/*
 * The header of a stream, behind a declaration of XML or not.  A server's says from whom it is
 * and has an id, which a client's must not have (RFC 6120 4.7.3).
 */
static enum app_match
xmpp_header(const uint8_t *p, size_t n, bool client)
{
	enum app_match m = match_text(p, n, 0, "<?xml ");
	const uint8_t *end;
	size_t i = 0;

	if (m == APP_MORE)
		return m;
	if (m == APP_YES) {
		end = memmem(p, n, "?>", 2);
		if (!end)
			return APP_MORE;
		i = skip_space(p, n, (size_t)(end - p) + 2);
	}
	m = match_text(p, n, i, "<stream:stream");
	if (m != APP_YES)
		return m;
	end = memchr(p + i, '>', n - i);
	if (!end)
		return APP_MORE;
	n = (size_t)(end - p) - i;
	if (!has_word(p + i, n, " id="))
		return client ? APP_YES : APP_HINT;
	return client && has_word(p + i, n, " from=") ? APP_NO : APP_YES;
}

/* What both ends say in the middle. */
static enum app_match
xmpp_stanza(const uint8_t *p, size_t n)
{
	return match_any(p, n, 0,
			 WORDS("<iq ", "<presence ", "<presence>", "<presence/>", "<message ",
			       "</stream:stream>"));
}

enum app_match
xmpp_client(const uint8_t *p, size_t n)
{
	enum app_match m = xmpp_header(p, n, true), other = xmpp_stanza(p, n);

	if (other == APP_NO)
		other = match_text(p, n, 0, "<starttls ");
	return m != APP_NO ? m : as(other, APP_WEAK);
}

enum app_match
xmpp_server(const uint8_t *p, size_t n)
{
	enum app_match m = xmpp_header(p, n, false), other = xmpp_stanza(p, n);

	if (other == APP_NO)
		other = match_any(p, n, 0, WORDS("<stream:features", "<proceed "));
	return m != APP_NO ? m : as(other, APP_WEAK);
}

/* --- logs --- */

static bool
is_month(const uint8_t *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	size_t i;

	for (i = 0; i < 36; i += 3)
		if (memcmp(p, names + i, 3) == 0)
			return true;
	return false;
}

/* "29: *Mar ": some count their messages, and say whether their clock is right. */
static enum app_match
syslog_counted(const uint8_t *p, size_t n, size_t i)
{
	size_t at;

	for (at = i; at < n && at < i + 10 && is_digit(p[at]); at++)
		;
	if (at == i || (at < n && p[at] != ':'))
		return APP_NO;
	if (n < at + 7)
		return APP_MORE;
	if (p[at + 1] != ' ')
		return APP_NO;
	at += p[at + 2] == '*' || p[at + 2] == '.' ? 3 : 2;
	return is_month(p + at) && p[at + 3] == ' ' ? APP_YES : APP_NO;
}

/* After "<PRI>": RFC 5424's version and year, or RFC 3164's month and day, or what makers add. */
static enum app_match
syslog_header(const uint8_t *p, size_t n, size_t i)
{
	enum app_match m;

	if (n < i + 5)
		return APP_MORE;
	m = syslog_counted(p, n, i);
	if (m != APP_NO)
		return m;
	if (p[i] == 'd')
		return match_text(p, n, i, "date=20");
	if (p[i] == '2' && p[i + 1] == '0' && is_digit(p[i + 2]))	/* RFC 3339 5.6 */
		return is_digit(p[i + 3]) && p[i + 4] == '-' ? APP_YES : APP_NO;
	if (p[i] == '1' && p[i + 1] == ' ')
		return p[i + 2] == '-' || (is_digit(p[i + 2]) && is_digit(p[i + 3])) ? APP_YES
										     : APP_NO;
	return is_month(p + i) && p[i + 3] == ' ' && (p[i + 4] == ' ' || is_digit(p[i + 4]))
		       ? APP_YES
		       : APP_NO;
}

enum app_match
syslog_client(const uint8_t *p, size_t n)
{
	size_t i = 0, start;
	unsigned pri = 0;

	if (p[0] != '<') {	/* octet counting */
		while (i < n && i < 6 && is_digit(p[i]))
			i++;
		if (i == n)
			return APP_MORE;
		if (p[i++] != ' ' || p[0] == '0')
			return APP_NO;
		if (i == n)
			return APP_MORE;
		if (p[i] != '<')
			return APP_NO;
	}
	start = ++i;
	for (; i < n && i < start + 3 && is_digit(p[i]); i++)
		pri = 10 * pri + (p[i] - '0');
	if (pri > 191)
		return APP_NO;
	if (i == n)
		return APP_MORE;
	return p[i] == '>' && i > start ? syslog_header(p, n, i + 1) : APP_NO;
}
