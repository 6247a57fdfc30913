/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Bytes in place, and text that is put together in a buffer of fixed size. */
#ifndef SLUICE_TEXT_H
#define SLUICE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else; not ended by NUL. */
struct slice {
	const char *at;
	size_t length;
};

/* Longest foreign value that a message repeats; the rest is cut. A Kubernetes name has 253. */
#define LONGEST_QUOTED 256

/* Text under construction: what does not fit is left out, never written behind the end. */
struct text {
	char *buffer;
	size_t size;
	size_t length;
};

#define TEXT(array) ((struct text){ .buffer = (array), .size = sizeof(array) })
#define SLICE(literal) ((struct slice){ .at = "" literal, .length = sizeof(literal) - 1 })

struct slice slice_of(const char *text);
bool slice_equals(struct slice a, struct slice b);
bool slice_starts_with(struct slice whole, struct slice start);

/* A number of 1 to `digits` (at most 9) decimal digits and nothing else; -1 when it is none. */
int slice_number(struct slice decimal, size_t digits);

void text_put(struct text *text, const char *more);
void text_put_slice(struct text *text, struct slice more);
/* A foreign value in a message. */
void text_put_quoted(struct text *text, struct slice value);
void text_put_number(struct text *text, uint64_t number);
/* What an errno means. */
void text_put_errno(struct text *text, int error);
/*
 * As a JSON string with its quotation marks: whatever the bytes are, the output is valid JSON. Bytes
 * that are no UTF-8 become U+FFFD.
 */
void text_put_json(struct text *text, struct slice value);

/* Length of the UTF-8 sequence that begins at `at` (RFC 3629), 0 when none does. */
size_t utf8_length(const char *at, size_t available);

#endif
