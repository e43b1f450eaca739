/*
 * nearest.h - which known word was probably meant by an unknown one.
 *
 *	struct nearest near = nearest_begin("worker");
 *	for each known word: nearest_look(&near, word);
 *	if (near.word) ... "is 'workers' meant?"
 *
 * Owned by the caller, on its stack; any thread.
 */
#ifndef LEAT_VNF_NEAREST_H
#define LEAT_VNF_NEAREST_H

struct nearest {
	const char *asked;
	const char *word;	/* the nearest so far, or NULL: none is near enough */
	unsigned distance;	/* what a nearer one must be below */
};

/* `asked` must live as long as the struct is used. */
struct nearest nearest_begin(const char *asked);

/* The first of equally near words stays. */
void nearest_look(struct nearest *n, const char *word);

#endif
