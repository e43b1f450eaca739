/*
 * intern.h - short sequences of words, each kept once and named by a number.
 *
 * A counted use keeps an entry; unused ones are forgotten when their room is
 * wanted, the one unused longest first.  A name carries a generation: the name of a forgotten entry
 * is nobody else's.  Belongs to its stack; single-threaded.
 */
#ifndef TCPTERM_INTERN_H
#define TCPTERM_INTERN_H

#include <stdbool.h>
#include <stdint.h>

enum { INTERN_PLACE_BITS = 22 };

struct intern;

/* At most `n_max` entries (four million at most) of up to `n_words` words.  NULL: no memory. */
struct intern *intern_new(uint32_t n_max, unsigned n_words);
void intern_free(struct intern *t);

/* As slab_commit(). */
void intern_commit(struct intern *t);

/* Sets *name for these words; `create` adds new ones, unused.  False: not known, or no room. */
bool intern_name(struct intern *t, const uint32_t *words, unsigned n, bool create, uint32_t *name);

/* One more, one less use; nothing for the name of a forgotten entry. */
void intern_get(struct intern *t, uint32_t name);
void intern_put(struct intern *t, uint32_t name);

/* The words, aligned for any type, and, in *n, how many; NULL (and 0) for the name of a forgotten
 * entry. */
const uint32_t *intern_words(const struct intern *t, uint32_t name, unsigned *n);

/* The place of a name, never 0, and the name of a place: that of the entry there now.  While it
 * is in use, either says as much. */
uint32_t intern_place(uint32_t name);
uint32_t intern_at(const struct intern *t, uint32_t place);

/* The words of a place in use. */
const uint32_t *intern_words_at(const struct intern *t, uint32_t place);

/* The name of an entry in use by its words, as intern_words() gave them. */
uint32_t intern_of(const struct intern *t, const uint32_t *words);

/* Entries in use. */
uint32_t intern_used(const struct intern *t);

#endif
