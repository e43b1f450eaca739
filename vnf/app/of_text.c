/*
 * of_text.c - recognisers: mail, news, files, by lines with words.
 */
#include "vnf/app/recognise.h"

#include <string.h>

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- "220": SMTP and FTP say the same, the words of the line differ --- */

/* `mine` in the first line and not `other`: RFC 5321 4.2 has servers name their protocol. */
static enum app_match
greeting(const uint8_t *p, size_t n, const char *mine, const char *other)
{
	enum app_match m = match_text(p, n, 0, "220");
	size_t len;

	if (m != APP_YES || n < 4)
		return m == APP_YES ? APP_MORE : m;
	if (p[3] != ' ' && p[3] != '-' && p[3] != '\r')
		return APP_NO;
	if (!line_ended(p, n))
		return APP_MORE;
	len = line_length(p, n);
	return has_word(p, len, mine) && !has_word(p, len, other) ? APP_YES : APP_HINT;
}

/* "250-", "530 ": an answer in the middle, whose code is one of these, with a space behind each. */
static enum app_match
reply(const uint8_t *p, size_t n, const char *codes)
{
	const size_t have = n < 3 ? n : 3;

	while (*codes && memcmp(p, codes, have) != 0)
		codes += 4;
	if (!*codes)
		return APP_NO;
	if (n < 4)
		return APP_MORE;
	return p[3] == ' ' || p[3] == '-' || p[3] == '\r' ? APP_HINT : APP_NO;
}

/* A refusal instead of a greeting names the protocol, too. */
static enum app_match
named(enum app_match m, const uint8_t *p, size_t n, const char *mine)
{
	if (m != APP_HINT || p[0] == '2' || p[0] == '3' || !line_ended(p, n))
		return m;
	return has_word(p, line_length(p, n), mine) ? APP_WEAK : m;
}

/* RFC 5321 4.2.3, RFC 4954 6, RFC 3207 4, RFC 7504 3 */
static const char smtp_codes[] = "211 214 220 221 235 250 251 252 334 354 421 432 450 451 452 454 "
				 "455 500 501 502 503 504 521 523 525 530 534 535 538 550 551 552 "
				 "553 554 555 556 ";

enum app_match
smtp_server(const uint8_t *p, size_t n)
{
	enum app_match m = greeting(p, n, "SMTP", "FTP");

	return m == APP_NO ? named(reply(p, n, smtp_codes), p, n, "SMTP") : m;
}

/* What several protocols have: it speaks neither for nor against one. */
static enum app_match
shared_verb(const uint8_t *p, size_t n)
{
	return as(match_any(p, n, 0, WORDS("QUIT\r", "NOOP\r", "HELP\r")), APP_MORE);
}

/* A server speaks first, so that no client's words tell without its. */
/* HELO of one word; with a user and a password it is POP2's (RFC 937). */
static enum app_match
smtp_helo(const uint8_t *p, size_t n)
{
	const size_t len = line_length(p, n);

	if (!line_ended(p, n))
		return APP_MORE;
	return memchr(p + 5, ' ', len - 5) ? APP_HINT : APP_WEAK;
}

enum app_match
smtp_client(const uint8_t *p, size_t n)
{
	enum app_match m =
		match_any(p, n, 0, WORDS("EHLO ", "HELO ", "LHLO ", "MAIL FROM:", "RCPT TO:"));

	if (m == APP_YES && (p[0] | 0x20) == 'h')
		return smtp_helo(p, n);
	if (m != APP_NO)
		return as(m, APP_WEAK);
	m = match_any(p, n, 0,
		      WORDS("DATA\r", "RSET\r", "AUTH PLAIN", "AUTH LOGIN", "VRFY ", "EXPN ",
			    "BDAT ", "STARTTLS\r"));
	return m != APP_NO ? as(m, APP_HINT) : shared_verb(p, n);
}

/* RFC 959 4.2, RFC 2228 5.1, RFC 2428 2, RFC 3659 */
static const char ftp_codes[] = "110 120 125 150 202 211 212 213 214 215 220 221 225 226 227 228 "
				"229 230 232 234 235 250 257 331 332 334 335 336 350 421 425 426 "
				"431 450 451 452 500 501 502 503 504 521 522 530 532 533 534 535 "
				"536 537 550 551 552 553 ";

/* "200" is the first code of others, too: of what is done it names something. */
static enum app_match
ftp_done(const uint8_t *p, size_t n)
{
	static const char *const what[] = { "PORT", "EPRT", "TYPE", "Type",	 "type", "MODE",
					    "Mode", "mode", "PROT", "PBSZ",	 "UTF",	 "NOOP",
					    "OPTS", "okay", "STRU", "ommand ok", NULL };
	size_t len = line_length(p, n), i;

	if (!line_ended(p, n))
		return APP_MORE;
	for (i = 0; what[i] && !has_word(p, len, what[i]); i++)
		;
	return what[i] ? APP_HINT : APP_NO;
}

enum app_match
ftp_server(const uint8_t *p, size_t n)
{
	enum app_match m = greeting(p, n, "FTP", "SMTP"), done = match_text(p, n, 0, "200 ");

	if (done == APP_YES)
		return ftp_done(p, n);
	if (m >= APP_HINT && has_word(p, line_length(p, n), "HylaFAX"))
		return APP_NO;	/* took FTP's words and codes for faxes */
	m = m == APP_NO ? named(reply(p, n, ftp_codes), p, n, "FTP") : m;
	return m == APP_NO ? done : m;
}

/* USER of two protocols has one parameter, IRC's has four. */
static enum app_match
user_of_one_word(const uint8_t *p, size_t n)
{
	enum app_match m = match_word(p, n, 0, "USER ");
	size_t len = line_length(p, n);

	if (m != APP_YES)
		return m;
	if (memchr(p + 5, ' ', len > 5 ? len - 5 : 0))
		return APP_NO;
	return line_ended(p, n) ? APP_HINT : APP_MORE;
}

enum app_match
ftp_client(const uint8_t *p, size_t n)
{
	enum app_match m = user_of_one_word(p, n), other;

	if (m == APP_HINT)
		return m;
	other = match_any(p, n, 0, WORDS("AUTH TLS", "AUTH SSL", "FEAT\r", "SYST\r", "OPTS "));
	if (other >= APP_MORE)
		return as(other, APP_HINT);
	other = as(match_any(p, n, 0,
			     WORDS("HOST ", "PASS ", "TYPE ", "PASV\r", "EPSV", "PORT ", "EPRT ",
				   "CWD ", "RETR ", "STOR ", "MKD ", "PWD\r", "SIZE ", "MDTM ",
				   "MLSD", "PBSZ ", "PROT ")),
		   APP_HINT);
	if (other == APP_NO)
		other = shared_verb(p, n);
	return other > m ? other : m;
}

/* "drwxr-xr-x ": a line of `ls -l`, or the total that comes before it. */
enum app_match
listing(const uint8_t *p, size_t n)
{
	static const char *const may[] = { "-dlbcps", "-r",   "-w", "-xsS", "-r",
					   "-w",      "-xsS", "-r", "-w",   "-xtT" };
	size_t i;

	if (p[0] == 't')
		return APP_NO;
	for (i = 0; i < 10 && i < n; i++)
		if (p[i] == 0 || !strchr(may[i], p[i]))
			return APP_NO;
	if (n < 12)
		return n > 10 && !strchr(" .+@", p[10]) ? APP_NO : APP_MORE;
	return strchr(" .+@", p[10]) && p[10] && strchr(" 0123456789", p[11]) && p[11] ? APP_YES
										       : APP_NO;
}

/* --- IMAP --- */

enum app_match
imap_server(const uint8_t *p, size_t n)
{
	enum app_match m = match_any(p, n, 0, WORDS("* OK ", "* PREAUTH ", "* BYE "));

	return m != APP_NO
		       ? m
		       : as(match_any(p, n, 0,
				      WORDS("* CAPABILITY IMAP4", "* LIST (", "* LSUB (",
					    "* FLAGS (", "* NAMESPACE (", "* ID (", "* STATUS ")),
			    APP_WEAK);
}

/* Its line, with its end: ACAP and MUPDATE have a mechanism's name in quotes. */
static enum app_match
imap_line(const uint8_t *p, size_t n, size_t at)
{
	const enum app_match quoted = match_word(p, n, at, "AUTHENTICATE \"");

	if (quoted != APP_NO)
		return quoted == APP_YES ? APP_NO : APP_MORE;
	if (!line_ended(p, n))
		return APP_MORE;
	return p[line_length(p, n)] == '\r' ? APP_WEAK : APP_NO;
}

/*
 * A tag, then a command that no other protocol has second in a line.  Commands in small letters
 * are text ("to enable", "then select") unless the tag has a digit.
 */
enum app_match
imap_client(const uint8_t *p, size_t n)
{
	bool counted = false;
	enum app_match m;
	size_t i;

	for (i = 0; i < n && i < 17 && (is_alnum(p[i]) || p[i] == '.'); i++)
		counted |= is_digit(p[i]);
	if (i < 17 && i == n)
		return APP_MORE;
	if (i == 17 || p[i] != ' ')
		return APP_NO;
	if (n > i + 1 && (is_lower(p[i + 1]) ? !counted : !is_upper(p[i + 1])))
		return APP_NO;
	if (n > i + 2 && is_lower(p[i + 1]) != is_lower(p[i + 2]))
		return APP_NO;
	m = match_any(p, n, i + 1,
		      WORDS("LOGIN ", "CAPABILITY\r", "STARTTLS\r", "AUTHENTICATE ", "SELECT ",
			    "EXAMINE ", "LOGOUT\r", "NOOP\r", "ID (\"", "ID NIL", "ENABLE ",
			    "NAMESPACE\r", "LIST \"", "LSUB \"", "XLIST \"", "STATUS \"",
			    "UID FETCH ", "UID SEARCH ", "UID STORE ", "IDLE\r", "COMPRESS DEFLATE",
			    "EXPUNGE\r", "UNSELECT\r"));
	return m == APP_YES ? imap_line(p, n, i + 1) : m;
}

/* --- POP3 --- */

enum app_match
pop3_server(const uint8_t *p, size_t n)
{
	enum app_match m = match_any(p, n, 0, WORDS("+OK", "-ERR"));

	if (m != APP_YES)
		return m;
	if (p[0] == '-' || n < 4)
		return n > 4 ? APP_HINT : APP_MORE;
	return p[3] == ' ' ? APP_YES : p[3] == '\r' || p[3] == '\n' ? APP_HINT : APP_NO;
}

enum app_match
pop3_client(const uint8_t *p, size_t n)
{
	enum app_match m = user_of_one_word(p, n), other;

	if (m == APP_HINT)
		return m;
	other = match_any(p, n, 0, WORDS("CAPA\r", "CAPA\n", "STLS\r", "APOP "));
	if (other >= APP_MORE)
		return as(other, APP_WEAK);
	other = as(match_any(p, n, 0,
			     WORDS("AUTH\r", "AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5",
				   "AUTH NTLM", "AUTH GSSAPI", "AUTH XOAUTH2", "PASS ", "STAT\r",
				   "LIST\r", "UIDL\r", "RETR ", "TOP ", "DELE ")),
		   APP_HINT);
	if (other == APP_NO)
		other = shared_verb(p, n);
	return other > m ? other : m;
}

/* --- NNTP --- */

/* RFC 3977 appendix C, RFC 4642 2.2.2, RFC 4643 2, RFC 4644 2 */
static const char nntp_codes[] = "100 101 111 200 201 203 205 206 211 215 221 222 223 224 225 230 "
				 "231 235 238 239 240 281 283 335 340 381 382 383 400 401 403 411 "
				 "412 420 421 422 423 430 431 435 436 437 438 439 440 441 480 481 "
				 "482 483 500 501 502 503 580 ";

/* Behind "220 ": an article's number and its name, where mail has words or "2.0.0 Ready". */
static enum app_match
nntp_article(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 4; i < n && i < 24 && is_digit(p[i]); i++)
		;
	if (i == n)
		return APP_MORE;
	return i > 4 ? as(match_text(p, n, i, " <"), APP_HINT) : APP_NO;
}

enum app_match
nntp_server(const uint8_t *p, size_t n)
{
	enum app_match m = match_any(p, n, 0, WORDS("200 ", "201 "));
	size_t len = line_length(p, n);

	if (m == APP_YES) {
		if (!line_ended(p, n))
			return APP_MORE;
		return has_word(p, len, "NNTP") || has_word(p, len, "InterNetNews") ? APP_YES
										    : APP_HINT;
	}
	m = match_text(p, n, 0, "220 ");
	if (m == APP_YES)
		return nntp_article(p, n);
	return m == APP_NO ? named(reply(p, n, nntp_codes), p, n, "NNTP") : m;
}

enum app_match
nntp_client(const uint8_t *p, size_t n)
{
	enum app_match m =
		match_any(p, n, 0, WORDS("MODE READER", "CAPABILITIES", "AUTHINFO ", "XOVER "));

	if (m != APP_NO)
		return as(m, APP_WEAK);
	m = as(match_any(p, n, 0,
			 WORDS("GROUP ", "LIST", "ARTICLE ", "IHAVE ", "NEWGROUPS ", "DATE\r",
			       "STARTTLS\r", "CHECK ", "TAKETHIS ", "MODE STREAM", "BODY ",
			       "XHDR ")),
	       APP_HINT);
	return m == APP_NO ? shared_verb(p, n) : m;
}
