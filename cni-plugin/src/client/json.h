/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A scan over JSON text (RFC 8259): it checks every byte and remembers where values are, so that a
 * value can be passed on as it was written. No recursion, no memory but the caller's.
 */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include <stdbool.h>

#include "text.h"

/* Deeper than any configuration, and as deep as the daemon's reader goes at least. */
#define JSON_DEEPEST 512

struct json {
	struct slice text;
	size_t at;
	const char *problem; /* NULL as long as everything is well; `at` is where it was found */
};

static inline bool json_fail(struct json *json, const char *problem)
{
	json->problem = problem;
	return false;
}

static inline bool json_is_at_end(const struct json *json)
{
	return json->at >= json->text.length;
}

/* The byte at that place; NUL, which is no part of any token, behind the end. */
static inline char json_byte(const struct json *json, size_t at)
{
	return at < json->text.length ? json->text.at[at] : '\0';
}

/* Over white space to the first byte of something; false at the end of the text. */
bool json_skip_space(struct json *json);
/* Over this one byte, after white space; false, with the problem, when another one is there. */
bool json_expect(struct json *json, char byte, const char *problem);
/* Over one value of any kind; `value` is its text. False: there is none, see `problem`. */
bool json_value(struct json *json, struct slice *value);
/* Over one string; its quotation mark is at `at`. */
bool json_string(struct json *json);

/*
 * The characters of a string that json_value() found, ended by NUL. False when they do not fit into
 * `size`, or when one of them is NUL itself.
 */
bool json_decode(struct slice string, char *to, size_t size);

#endif
