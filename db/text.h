/*
 * text.h - addresses, MACs and tag stacks as the database writes them, and back.
 *
 * Stateless, any thread.  Written by hand because a flow row holds five of them, and
 * printf would cost more than the insertion.
 */
#ifndef LEAT_DB_TEXT_H
#define LEAT_DB_TEXT_H

#include <stdint.h>

enum {
	TEXT_ADDR = 46,
	TEXT_MAC = 18,
	TEXT_VLAN = 16 * 6 + 1,		/* "65535." sixteen times */
};

/* Each writes a NUL-terminated string and returns its length. */
int text_addr(char out[TEXT_ADDR], uint8_t family, const uint8_t addr[16]);
int text_mac(char out[TEXT_MAC], const uint8_t mac[6]);
int text_vlan(char out[TEXT_VLAN], const uint16_t *vlan, unsigned int n_vlans);

/* The reverse; what is no such text, NULL included, becomes zeros. */
void text_to_addr(const char *text, uint8_t family, uint8_t addr[16]);
void text_to_mac(const char *text, uint8_t mac[6]);
unsigned int text_to_vlan(const char *text, uint16_t *vlan, unsigned int max);

#endif
