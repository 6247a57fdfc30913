/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "json.h"

/* Which brackets are open: one bit for each level, set for an object. */
struct nesting {
	uint8_t is_object[JSON_DEEPEST / 8];
	size_t depth;
};

bool json_skip_space(struct json *json)
{
	while (!json_is_at_end(json)) {
		char byte = json->text.at[json->at];

		if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
			return true;
		json->at++;
	}
	return false;
}

bool json_expect(struct json *json, char byte, const char *problem)
{
	if (!json_skip_space(json) || json->text.at[json->at] != byte)
		return json_fail(json, problem);
	json->at++;
	return true;
}

static size_t scan_digits(struct json *json)
{
	size_t first = json->at;

	while (json_byte(json, json->at) >= '0' && json_byte(json, json->at) <= '9')
		json->at++;
	return json->at - first;
}

static bool scan_number(struct json *json)
{
	bool begins_with_zero;
	size_t digits;

	if (json_byte(json, json->at) == '-')
		json->at++;
	begins_with_zero = json_byte(json, json->at) == '0';
	digits = scan_digits(json);
	if (digits == 0 || (begins_with_zero && digits > 1))
		return json_fail(json, "a number that is none");
	if (json_byte(json, json->at) == '.') {
		json->at++;
		if (scan_digits(json) == 0)
			return json_fail(json, "a number that ends with its point");
	}
	if (json_byte(json, json->at) == 'e' || json_byte(json, json->at) == 'E') {
		json->at++;
		if (json_byte(json, json->at) == '+' || json_byte(json, json->at) == '-')
			json->at++;
		if (scan_digits(json) == 0)
			return json_fail(json, "a number without its exponent");
	}
	return true;
}

static bool scan_word(struct json *json, struct slice word)
{
	struct slice rest = { json->text.at + json->at, json->text.length - json->at };

	if (!slice_starts_with(rest, word))
		return json_fail(json, "something that is no value");
	json->at += word.length;
	return true;
}

static bool scan_scalar(struct json *json)
{
	switch (json->text.at[json->at]) {
	case '"':
		return json_string(json);
	case 't':
		return scan_word(json, SLICE("true"));
	case 'f':
		return scan_word(json, SLICE("false"));
	case 'n':
		return scan_word(json, SLICE("null"));
	default:
		return scan_number(json);
	}
}

static bool is_in_object(const struct nesting *nesting)
{
	size_t level = nesting->depth - 1;

	return (nesting->is_object[level / 8] >> (level % 8)) & 1;
}

static bool open_bracket(struct json *json, struct nesting *nesting)
{
	size_t level = nesting->depth;
	uint8_t bit = (uint8_t)(1u << (level % 8));

	if (level == JSON_DEEPEST)
		return json_fail(json, "brackets nested deeper than 512");
	if (json->text.at[json->at] == '{')
		nesting->is_object[level / 8] |= bit;
	else
		nesting->is_object[level / 8] &= (uint8_t)~bit;
	nesting->depth++;
	json->at++;
	return true;
}

static bool scan_member_name(struct json *json)
{
	if (!json_skip_space(json) || json->text.at[json->at] != '"')
		return json_fail(json, "a member without a name");
	return json_string(json) && json_expect(json, ':', "a member's name without a colon");
}

/*
 * After a value, or after a bracket that was just opened: closes what closes here, up to the place
 * where the next value begins or the outermost one has ended.
 */
static bool scan_between(struct json *json, struct nesting *nesting, bool just_opened)
{
	while (nesting->depth > 0) {
		bool in_object = is_in_object(nesting);
		char byte;

		if (!json_skip_space(json))
			return json_fail(json, "the end, with brackets still open");
		byte = json->text.at[json->at];
		if (byte == (in_object ? '}' : ']')) {
			json->at++;
			nesting->depth--;
			just_opened = false;
			continue;
		}
		if (!just_opened) {
			if (byte != ',')
				return json_fail(json, "two values without a comma");
			json->at++;
		}
		return !in_object || scan_member_name(json);
	}
	return true;
}

bool json_value(struct json *json, struct slice *value)
{
	struct nesting nesting = { .depth = 0 };
	size_t first;

	if (!json_skip_space(json))
		return json_fail(json, "the end where a value should be");
	first = json->at;
	do {
		char byte;
		bool opens;

		if (!json_skip_space(json))
			return json_fail(json, "the end where a value should be");
		byte = json->text.at[json->at];
		opens = byte == '{' || byte == '[';
		if (!(opens ? open_bracket(json, &nesting) : scan_scalar(json)))
			return false;
		if (!scan_between(json, &nesting, opens))
			return false;
	} while (nesting.depth > 0);
	*value = (struct slice){ json->text.at + first, json->at - first };
	return true;
}
