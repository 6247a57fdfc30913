/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "json.h"

/* Which brackets are open: one bit for each level, set for an object. */
struct nesting {
	uint8_t is_object[JSON_DEEPEST / 8];
	size_t depth;
};

static bool fail(struct json *json, const char *problem)
{
	json->problem = problem;
	return false;
}

static bool is_at_end(const struct json *json)
{
	return json->at >= json->text.length;
}

static char byte_at(const struct json *json, size_t at)
{
	return at < json->text.length ? json->text.at[at] : '\0';
}

bool json_skip_space(struct json *json)
{
	while (!is_at_end(json)) {
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
		return fail(json, problem);
	json->at++;
	return true;
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

static bool scan_escape(struct json *json)
{
	size_t i;

	switch (byte_at(json, json->at + 1)) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		json->at += 2;
		return true;
	case 'u':
		for (i = 2; i < 6; i++)
			if (hex_value(byte_at(json, json->at + i)) < 0)
				return fail(json, "\\u without four hexadecimal digits");
		json->at += 6;
		return true;
	default:
		return fail(json, "an unknown escape in a string");
	}
}

static bool scan_string(struct json *json)
{
	json->at++;
	while (!is_at_end(json)) {
		const char *at = json->text.at + json->at;
		size_t length;

		if (*at == '"') {
			json->at++;
			return true;
		}
		if (*at == '\\') {
			if (!scan_escape(json))
				return false;
			continue;
		}
		if ((unsigned char)*at < 0x20)
			return fail(json, "a control character in a string");
		length = utf8_length(at, json->text.length - json->at);
		if (length == 0)
			return fail(json, "a string that is not UTF-8");
		json->at += length;
	}
	return fail(json, "a string that does not end");
}

static size_t scan_digits(struct json *json)
{
	size_t first = json->at;

	while (byte_at(json, json->at) >= '0' && byte_at(json, json->at) <= '9')
		json->at++;
	return json->at - first;
}

static bool scan_number(struct json *json)
{
	bool begins_with_zero;
	size_t digits;

	if (byte_at(json, json->at) == '-')
		json->at++;
	begins_with_zero = byte_at(json, json->at) == '0';
	digits = scan_digits(json);
	if (digits == 0 || (begins_with_zero && digits > 1))
		return fail(json, "a number that is none");
	if (byte_at(json, json->at) == '.') {
		json->at++;
		if (scan_digits(json) == 0)
			return fail(json, "a number that ends with its point");
	}
	if (byte_at(json, json->at) == 'e' || byte_at(json, json->at) == 'E') {
		json->at++;
		if (byte_at(json, json->at) == '+' || byte_at(json, json->at) == '-')
			json->at++;
		if (scan_digits(json) == 0)
			return fail(json, "a number without its exponent");
	}
	return true;
}

static bool scan_word(struct json *json, struct slice word)
{
	struct slice rest = { json->text.at + json->at, json->text.length - json->at };

	if (!slice_starts_with(rest, word))
		return fail(json, "something that is no value");
	json->at += word.length;
	return true;
}

static bool scan_scalar(struct json *json)
{
	switch (json->text.at[json->at]) {
	case '"':
		return scan_string(json);
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
		return fail(json, "brackets nested deeper than 512");
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
		return fail(json, "a member without a name");
	return scan_string(json) && json_expect(json, ':', "a member's name without a colon");
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
			return fail(json, "the end, with brackets still open");
		byte = json->text.at[json->at];
		if (byte == (in_object ? '}' : ']')) {
			json->at++;
			nesting->depth--;
			just_opened = false;
			continue;
		}
		if (!just_opened) {
			if (byte != ',')
				return fail(json, "two values without a comma");
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
		return fail(json, "the end where a value should be");
	first = json->at;
	do {
		char byte;
		bool opens;

		if (!json_skip_space(json))
			return fail(json, "the end where a value should be");
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

static uint32_t unicode_escape(const char *digits)
{
	uint32_t code = 0;
	size_t i;

	for (i = 0; i < 4; i++)
		code = code << 4 | (uint32_t)hex_value(digits[i]);
	return code;
}

static size_t put_utf8(char to[4], uint32_t code)
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | code >> 18);
	to[1] = (char)(0x80 | (code >> 12 & 0x3f));
	to[2] = (char)(0x80 | (code >> 6 & 0x3f));
	to[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* The character of a \u escape, of two for a surrogate pair; moves `at` behind it. 0: no character. */
static uint32_t escaped_character(struct slice inner, size_t *at)
{
	uint32_t code = unicode_escape(inner.at + *at + 2);
	uint32_t low;

	*at += 6;
	if (code < 0xd800 || code > 0xdfff)
		return code;
	if (code > 0xdbff || inner.length - *at < 6 || inner.at[*at] != '\\' ||
	    inner.at[*at + 1] != 'u')
		return 0;
	low = unicode_escape(inner.at + *at + 2);
	*at += 6;
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static char short_escape(char letter)
{
	switch (letter) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return letter;
	}
}

bool json_decode(struct slice string, char *to, size_t size)
{
	struct slice inner = { string.at + 1, string.length - 2 };
	struct text text = { .buffer = to, .size = size };
	size_t i = 0;

	while (i < inner.length) {
		char encoded[4];
		size_t length = 1;

		encoded[0] = inner.at[i];
		if (encoded[0] != '\\') {
			i++;
		} else if (inner.at[i + 1] != 'u') {
			encoded[0] = short_escape(inner.at[i + 1]);
			i += 2;
		} else {
			uint32_t code = escaped_character(inner, &i);

			if (code == 0)
				return false;
			length = put_utf8(encoded, code);
		}
		text_put_slice(&text, (struct slice){ encoded, length });
		if (text.length == size)
			return false; /* no room for the NUL */
	}
	to[text.length] = '\0';
	return true;
}
