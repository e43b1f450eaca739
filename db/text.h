/*
 * text.h - addresses, MACs, tag stacks and names as the database writes them, and back.
 *
 * Stateless, any thread.  Written by hand because a flow row holds five of them, and
 * printf would cost more than the insertion.
 */
#ifndef LEAT_DB_TEXT_H
#define LEAT_DB_TEXT_H

#include <stddef.h>
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

/*
 * `names` holds lines KEY=VALUE.  The value of `key` (not NUL-terminated) and its length; NULL:
 * there is none.
 */
const char *text_name(const char *names, const char *key, int *len);

/*
 * Writes all other names as a JSON object and returns its length; 0: there is none.  `but` ends
 * with NULL; `size` is at least twice that of `names`, and 2.
 */
int text_names_json(char *out, size_t size, const char *names, const char *const but[]);

/* The reverse: appends the members of such an object, and of one name, to `names`. */
void text_add_names(char *names, size_t size, const char *json);
void text_add_name(char *names, size_t size, const char *key, const char *value);

#endif
