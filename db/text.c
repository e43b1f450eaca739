#include "db/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
put_number(char *out, unsigned int v)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n > 0)
		*out++ = digits[--n];
	return out;
}

int
text_addr(char out[TEXT_ADDR], uint8_t family, const uint8_t addr[16])
{
	char *p = out;
	int i;

	if (family == 6) {
		inet_ntop(AF_INET6, addr, out, TEXT_ADDR);
		return (int)strlen(out);
	}
	for (i = 0; i < 4; i++) {
		if (i > 0)
			*p++ = '.';
		p = put_number(p, addr[i]);
	}
	*p = '\0';
	return (int)(p - out);
}

int
text_mac(char out[TEXT_MAC], const uint8_t mac[6])
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;
	int i;

	for (i = 0; i < 6; i++) {
		if (i > 0)
			*p++ = ':';
		*p++ = hex[mac[i] >> 4];
		*p++ = hex[mac[i] & 15];
	}
	*p = '\0';
	return (int)(p - out);
}

int
text_vlan(char out[TEXT_VLAN], const uint16_t *vlan, unsigned int n_vlans)
{
	char *p = out;
	unsigned int i;

	for (i = 0; i < n_vlans && i < 16; i++) {
		if (i > 0)
			*p++ = '.';
		p = put_number(p, vlan[i]);
	}
	*p = '\0';
	return (int)(p - out);
}

void
text_to_addr(const char *text, uint8_t family, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (text && inet_pton(family == 6 ? AF_INET6 : AF_INET, text, addr) != 1)
		memset(addr, 0, 16);
}

void
text_to_mac(const char *text, uint8_t mac[6])
{
	memset(mac, 0, 6);
	if (text && sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2],
			   &mac[3], &mac[4], &mac[5]) != 6)
		memset(mac, 0, 6);
}

unsigned int
text_to_vlan(const char *text, uint16_t *vlan, unsigned int max)
{
	unsigned int n = 0;
	char *end;

	while (text && *text && n < max) {
		vlan[n] = (uint16_t)strtoul(text, &end, 10);
		if (end == text)
			break;
		n++;
		text = *end == '.' ? end + 1 : end;
	}
	return n;
}
