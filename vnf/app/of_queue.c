/*
 * of_queue.c - recognisers: brokers, collectors, plants.
 */
#include "vnf/app/app.h"
#include "vnf/app/recognise.h"

#include <string.h>

/* --- MQTT: CONNECT, its remaining length, the protocol's name and level --- */

static enum app_match
mqtt_connect(const uint8_t *p, size_t n, size_t at)
{
	enum app_match m3, m5;

	if (at == 2 && p[1] < 12)
		return APP_NO;
	m5 = match_bytes(p, n, at, "\0\4MQTT", 6);
	m3 = match_bytes(p, n, at, "\0\6MQIsdp", 8);
	return m5 > m3 ? m5 : m3;
}

/*
 * PUBLISH of a connection whose CONNECT was not seen: a topic without wildcards (MQTT 3.3.2.1)
 * that fits in the packet.  Its first bytes tell something beside the server's CONNACK alone.
 */
static enum app_match
mqtt_publish(const uint8_t *p, size_t n, size_t at)
{
	size_t left = 0, len, i;

	for (i = at - 1; i > 0; i--)
		left = left << 7 | (p[i] & 0x7f);
	if (n < at + 2)
		return left < 3 ? APP_NO : APP_MORE;
	len = be16(p + at);
	if (len == 0 || len + 2 > left)
		return APP_NO;
	len = len < 16 ? len : 16;
	for (i = at + 2; i < n && i < at + 2 + len; i++)
		if (p[i] < 0x20 || p[i] == 0x7f || p[i] == '+' || p[i] == '#')
			return APP_NO;
	return n < at + 2 + len ? APP_MORE : APP_HINT;
}

enum app_match
mqtt_client(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 1; i < n && i < 5 && p[i] & 0x80; i++)
		;
	if (i == 5)
		return APP_NO;
	if (n <= i)
		return APP_MORE;
	return p[0] == 0x10 ? mqtt_connect(p, n, i + 1) : mqtt_publish(p, n, i + 1);
}

/* CONNACK; from version 5 on it has properties. */
enum app_match
mqtt_server(const uint8_t *p, size_t n)
{
	if (n > 1 && (p[1] < 2 || p[1] > 0x7f))
		return APP_NO;
	if (n > 2 && p[2] > 1)
		return APP_NO;
	if (n < 4)
		return APP_MORE;
	if (p[1] == 2)
		return p[3] <= 5 && (p[2] == 0 || p[3] == 0) ? APP_HINT : APP_NO;
	if (n < 5)
		return APP_MORE;
	return (p[3] == 0 || p[3] >= 0x80) && p[4] == p[1] - 3 ? APP_WEAK : APP_NO;
}

/* --- AMQP --- */

static enum app_match
amqp_header(const uint8_t *p, size_t n)
{
	enum app_match m = match_text(p, n, 0, "AMQP");

	if (m != APP_YES || n < 8)
		return m == APP_YES ? APP_MORE : m;
	return p[4] <= 3 && p[5] <= 9 && p[6] <= 9 && p[7] <= 10 ? APP_YES : APP_NO;
}

/*
 * A frame of a connection whose beginning was not seen (AMQP 0-9-1 4.2.3): type, channel, length,
 * and the byte 0xce behind it.  A method's class is one of those there are; a heartbeat is empty.
 */
static enum app_match
amqp_frame(const uint8_t *p, size_t n)
{
	static const uint8_t classes[] = { 10, 20, 30, 40, 50, 60, 85, 90 };
	uint32_t len;

	if (n < 8)
		return n > 4 && p[3] ? APP_NO : APP_MORE;
	len = be32(p + 3);
	if (p[0] == 8)
		return be16(p + 1) == 0 && len == 0 && p[7] == 0xce ? APP_YES : APP_NO;
	if (len < 4 || len > APP_LOOK - 8)
		return APP_NO;
	if (n < 11)
		return APP_MORE;
	if (p[7] != 0 || !memchr(classes, p[8], sizeof classes) || p[9] != 0 || p[10] > 120)
		return APP_NO;
	return n < 8 + len ? APP_MORE : p[7 + len] == 0xce ? APP_YES : APP_NO;
}

enum app_match
amqp_client(const uint8_t *p, size_t n)
{
	return p[0] == 'A' ? amqp_header(p, n) : amqp_frame(p, n);
}

/* Connection.Start: a method frame of channel 0, class 10, method 10. */
enum app_match
amqp_server(const uint8_t *p, size_t n)
{
	static const uint8_t start[] = { 0, 10, 0, 10 };
	enum app_match m;

	if (p[0] == 'A')
		return amqp_header(p, n);
	if (p[0] == 8 || (n > 2 && (p[1] || p[2])))
		return amqp_frame(p, n);
	m = match_bytes(p, n, 7, start, sizeof start);
	return m == APP_NO ? amqp_frame(p, n) : m;
}

/* "ZBXD", flags, a length that is not above 1 GB. */
static enum app_match
zabbix_either(const uint8_t *p, size_t n)
{
	enum app_match m = match_text(p, n, 0, "ZBXD");

	if (m != APP_YES || n < 5)
		return m == APP_YES ? APP_MORE : m;
	return p[4] != 0 && p[4] <= 7 ? APP_YES : APP_NO;
}

/* "net.if.in[eth0]": what is asked of an agent is a line without a header, by old servers. */
static enum app_match
zabbix_key(const uint8_t *p, size_t n)
{
	bool dotted = false;
	size_t i;

	for (i = 0; i < n && (is_lower(p[i]) || is_digit(p[i]) || p[i] == '.' || p[i] == '_'); i++)
		dotted |= p[i] == '.';
	if (i == n)
		return i < 64 ? APP_MORE : APP_NO;
	if (!dotted || (p[i] != '[' && p[i] != '\n'))
		return APP_NO;
	return line_ended(p, n) ? APP_HINT : APP_MORE;
}

enum app_match
zabbix_client(const uint8_t *p, size_t n)
{
	return p[0] == 'Z' ? zabbix_either(p, n) : zabbix_key(p, n);
}

enum app_match
zabbix_server(const uint8_t *p, size_t n)
{
	return zabbix_either(p, n);
}

/* --- Modbus: transaction, protocol 0, length, unit, function --- */

enum { MODBUS_HEADER = 8, MODBUS_READ_MAX = 2000 };

static enum app_match
modbus_header(const uint8_t *p, size_t n)
{
	if (n > 2 && p[2] != 0)
		return APP_NO;
	if (n > 3 && p[3] != 0)
		return APP_NO;
	if (n > 5 && (p[4] != 0 || p[5] < 2 || p[5] == 255))
		return APP_NO;
	if (n > 6 && p[6] > 247 && p[6] != 255)
		return APP_NO;
	return n >= MODBUS_HEADER ? APP_YES : APP_MORE;
}

/* As many bytes as coils (15) or registers (16) need. */
static bool
modbus_writes(const uint8_t *p)
{
	const uint32_t n = be16(p + 10);

	return n > 0 && p[5] == 7 + p[12] && p[12] == (p[7] == 15 ? (n + 7) / 8 : 2 * n);
}

/* Functions whose messages have little in them. */
static enum app_match
modbus_is_rarer(const uint8_t *p, size_t n)
{
	switch (p[7]) {
	case 7:			/* exception status, counters, log, identity */
	case 11:
	case 12:
	case 17:
		return p[5] == 2 ? APP_HINT : APP_NO;
	case 8:			/* diagnostics: a function of its own below 21 */
		if (n < 10)
			return APP_MORE;
		return p[5] == 6 && p[8] == 0 && p[9] <= 20 ? APP_HINT : APP_NO;
	case 20:		/* records of files, of 7 bytes or with their data */
	case 21:
		if (n < 10)
			return APP_MORE;
		return p[8] >= 7 && p[5] == 3 + p[8] && p[9] == 6 ? APP_HINT : APP_NO;
	case 22:		/* masks a register */
		return p[5] == 8 ? APP_HINT : APP_NO;
	case 24:		/* a queue */
		return p[5] == 4 ? APP_HINT : APP_NO;
	case 23:		/* reads registers and writes others */
		if (n < 17)
			return APP_MORE;
		return p[5] == 11 + p[16] && p[16] == 2 * be16(p + 14) ? APP_YES : APP_NO;
	default:
		return APP_NO;
	}
}

enum app_match
modbus_client(const uint8_t *p, size_t n)
{
	enum app_match m = modbus_header(p, n);

	if (m != APP_YES)
		return m;
	if (p[7] >= 1 && p[7] <= 6 && p[5] == 6) {
		if (n < 12)
			return APP_MORE;
		if (p[7] == 5)
			return (p[10] == 0 || p[10] == 0xff) && p[11] == 0 ? APP_YES : APP_NO;
		return p[7] == 6 || (be16(p + 10) >= 1 && be16(p + 10) <= MODBUS_READ_MAX) ? APP_YES
											   : APP_NO;
	}
	if (p[7] == 15 || p[7] == 16)
		return n < 13 ? APP_MORE : modbus_writes(p) ? APP_YES : APP_NO;
	if (p[7] == 43)
		return n < 9 ? APP_MORE : p[8] == 14 && p[5] == 5 ? APP_YES : APP_NO;
	return modbus_is_rarer(p, n);
}

enum app_match
modbus_server(const uint8_t *p, size_t n)
{
	enum app_match m = modbus_header(p, n);

	if (m != APP_YES)
		return m;
	if (p[7] >= 0x81 && p[7] <= 0xab && p[5] == 3)
		return n < 9 ? APP_MORE : p[8] >= 1 && p[8] <= 11 ? APP_WEAK : APP_NO;
	if ((p[7] >= 1 && p[7] <= 4) || p[7] == 23) {	/* registers are of 2 bytes */
		if (n < 9)
			return APP_MORE;
		return p[8] > 0 && p[5] == 3 + p[8] && (p[7] < 3 || p[8] % 2 == 0) ? APP_WEAK
										   : APP_NO;
	}
	switch (p[7]) {
	case 5:
	case 6:
	case 8:
	case 11:
	case 15:
	case 16:
		return p[5] == 6 ? APP_HINT : APP_NO;
	case 7:
		return p[5] == 3 ? APP_HINT : APP_NO;
	case 20:
	case 21:
		return n < 9 ? APP_MORE : p[5] == 3 + p[8] ? APP_HINT : APP_NO;
	case 22:
		return p[5] == 8 ? APP_HINT : APP_NO;
	case 24:
		return n < 10 ? APP_MORE : p[5] == 4 + be16(p + 8) ? APP_HINT : APP_NO;
	default:
		return p[7] == 12 || p[7] == 17 || p[7] == 43 ? APP_HINT : APP_NO;
	}
}

/* --- DNP3: a link header of 8 bytes and its check --- */

/* IEEE 1815 annex E: x^16 + x^13 + x^12 + x^11 + x^10 + x^8 + x^6 + x^5 + x^2 + 1, reflected. */
static uint16_t
dnp3_crc(const uint8_t *p, size_t n)
{
	uint32_t crc = 0;
	unsigned bit;

	while (n--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xa6bc : 0);
	}
	return (uint16_t)~crc;
}

enum app_match
dnp3_either(const uint8_t *p, size_t n)
{
	if (n > 1 && p[1] != 0x64)
		return APP_NO;
	if (n > 2 && p[2] < 5)
		return APP_NO;
	if (n < 10)
		return APP_MORE;
	return dnp3_crc(p, 8) == le16(p + 8) ? APP_YES : APP_NO;
}

/* --- IEC 60870-5-104: STARTDT and TESTFR, alone in their frame; or numbered data --- */

static bool
is_iec104_type(uint8_t c)
{
	return (c >= 1 && c <= 21) || (c >= 30 && c <= 40) || (c >= 45 && c <= 51) ||
	       (c >= 58 && c <= 64) || c == 70 || (c >= 100 && c <= 107) ||
	       (c >= 110 && c <= 113) || (c >= 120 && c <= 127);
}

/* Are so many bytes what a line of text could have? */
static bool
is_text(const uint8_t *p, size_t n)
{
	while (n && (is_print(*p) || *p == '\t' || *p == '\r' || *p == '\n')) {
		p++;
		n--;
	}
	return n == 0;
}

/* Is at p[at] the frame that is counted next, or one of 4 bytes: S, or U of a test? */
static bool
iec104_follows(const uint8_t *p, size_t n, size_t at)
{
	if (n < at + 4 || p[at] != 'h')
		return false;
	if (p[at + 1] == 4)
		return (p[at + 2] == 0x01 || p[at + 2] == 0x43 || p[at + 2] == 0x83) &&
		       p[at + 3] == 0;
	return le16(p + at + 2) == ((le16(p + 2) + 2) & 0xffff);
}

/* An I frame: both numbers even, an object's type, a cause; the next frame behind it. */
static enum app_match
iec104_data(const uint8_t *p, size_t n)
{
	const size_t next = 2u + p[1];

	if (p[1] < 13 || p[1] > 253)
		return APP_NO;
	if (n > 4 && p[4] & 1)
		return APP_NO;
	if (n > 6 && !is_iec104_type(p[6]))
		return APP_NO;
	if (n > 8 && ((p[7] & 0x7f) == 0 || (p[8] & 0x3f) == 0 || (p[8] & 0x3f) > 47))
		return APP_NO;
	if (n < 12 || is_text(p, 12))
		return n < 12 ? APP_MORE : APP_NO;
	return iec104_follows(p, n, next) ? APP_WEAK : APP_HINT;
}

static enum app_match
iec104_either(const uint8_t *p, size_t n, const uint8_t *functions, size_t n_functions)
{
	static const uint8_t zero[3];

	if (n > 2 && !(p[2] & 1))
		return iec104_data(p, n);
	if (n > 1 && p[1] != 4)
		return n > 2 || p[1] < 13 || p[1] > 253 ? APP_NO : APP_MORE;
	if (n > 2 && p[2] == 1)		/* an S frame: what was received */
		return n < 6 ? APP_MORE : p[3] == 0 && !(p[4] & 1) ? APP_HINT : APP_NO;
	if (n > 2 && !memchr(functions, p[2], n_functions))
		return APP_NO;
	return match_bytes(p, n, 3, zero, sizeof zero);
}

enum app_match
iec104_client(const uint8_t *p, size_t n)
{
	static const uint8_t act[] = { 0x07, 0x13, 0x43, 0x83 };

	return iec104_either(p, n, act, sizeof act);
}

enum app_match
iec104_server(const uint8_t *p, size_t n)
{
	static const uint8_t con[] = { 0x0b, 0x23, 0x43, 0x83 };

	return iec104_either(p, n, con, sizeof con);
}
