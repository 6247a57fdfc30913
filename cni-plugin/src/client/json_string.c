/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Strings of JSON: checked as they stand, and decoded. */
#include "json.h"

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

/* The code unit of the \u escape at `at`; -1 when there is none. */
static int unicode_escape(struct slice text, size_t at)
{
	int code = 0;
	size_t i;

	if (text.length < 6 || at > text.length - 6 || text.at[at] != '\\' ||
	    text.at[at + 1] != 'u')
		return -1;
	for (i = 2; i < 6; i++) {
		int digit = hex_value(text.at[at + i]);

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

static bool is_high_surrogate(int code)
{
	return code >= 0xd800 && code <= 0xdbff;
}

static bool is_low_surrogate(int code)
{
	return code >= 0xdc00 && code <= 0xdfff;
}

/* Half a surrogate pair is no character: readers disagree whether to take it (RFC 8259, 8.2). */
static bool scan_unicode_escape(struct json *json)
{
	int code = unicode_escape(json->text, json->at);

	if (code < 0)
		return json_fail(json, "\\u without four hexadecimal digits");
	if (is_high_surrogate(code) && is_low_surrogate(unicode_escape(json->text, json->at + 6)))
		json->at += 6;
	else if (is_high_surrogate(code) || is_low_surrogate(code))
		return json_fail(json, "half of a surrogate pair");
	json->at += 6;
	return true;
}

static bool scan_escape(struct json *json)
{
	switch (json_byte(json, json->at + 1)) {
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
		return scan_unicode_escape(json);
	default:
		return json_fail(json, "an unknown escape in a string");
	}
}

bool json_string(struct json *json)
{
	json->at++;
	while (!json_is_at_end(json)) {
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
			return json_fail(json, "a control character in a string");
		length = utf8_length(at, json->text.length - json->at);
		if (length == 0)
			return json_fail(json, "a string that is not UTF-8");
		json->at += length;
	}
	return json_fail(json, "a string that does not end");
}

static size_t put_utf8(char to[4], int code)
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

/* The character of a \u escape that was scanned, of two for a surrogate pair; moves `at` behind it. */
static int escaped_character(struct slice inner, size_t *at)
{
	int code = unicode_escape(inner, *at);

	*at += 6;
	if (!is_high_surrogate(code))
		return code;
	code = 0x10000 + ((code - 0xd800) << 10) + (unicode_escape(inner, *at) - 0xdc00);
	*at += 6;
	return code;
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
			int code = escaped_character(inner, &i);

			if (code == 0)
				return false; /* it would end the text */
			length = put_utf8(encoded, code);
		}
		text_put_slice(&text, (struct slice){ encoded, length });
		if (text.length == size)
			return false; /* no room for the NUL */
	}
	to[text.length] = '\0';
	return true;
}
