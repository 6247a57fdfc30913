/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "text.h"

#include "start.h"
#include "syscalls.h"

struct slice slice_of(const char *text)
{
	return (struct slice){ .at = text, .length = strlen(text) };
}

bool slice_equals(struct slice a, struct slice b)
{
	return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

bool slice_starts_with(struct slice whole, struct slice start)
{
	return whole.length >= start.length && memcmp(whole.at, start.at, start.length) == 0;
}

int slice_number(struct slice decimal, size_t digits)
{
	int number = 0;
	size_t i;

	if (decimal.length == 0 || decimal.length > digits || digits > 9)
		return -1;
	for (i = 0; i < decimal.length; i++) {
		if (decimal.at[i] < '0' || decimal.at[i] > '9')
			return -1;
		number = number * 10 + (decimal.at[i] - '0');
	}
	return number;
}

static void put_byte(struct text *text, char byte)
{
	if (text->length < text->size)
		text->buffer[text->length++] = byte;
}

void text_put_slice(struct text *text, struct slice more)
{
	size_t i;

	for (i = 0; i < more.length; i++)
		put_byte(text, more.at[i]);
}

void text_put(struct text *text, const char *more)
{
	text_put_slice(text, slice_of(more));
}

void text_put_quoted(struct text *text, struct slice value)
{
	bool is_cut = value.length > LONGEST_QUOTED;

	if (is_cut)
		value.length = LONGEST_QUOTED;
	text_put_slice(text, value);
	if (is_cut)
		text_put(text, "...");
}

void text_put_number(struct text *text, uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	text_put_slice(text, (struct slice){ digits + first, sizeof(digits) - first });
}

void text_put_errno(struct text *text, int error)
{
	static const struct {
		int error;
		const char *meaning;
	} meanings[] = {
		{ EPERM, "not permitted" },
		{ ENOENT, "no such file" },
		{ EIO, "input/output error" },
		{ EBADF, "it is closed" },
		{ EAGAIN, "its queue is full" },
		{ ENOMEM, "out of memory" },
		{ EACCES, "permission denied" },
		{ ENOTDIR, "a part of the path is no directory" },
		{ EISDIR, "it is a directory" },
		{ ENFILE, "too many files open on this machine" },
		{ EMFILE, "too many files open" },
		{ ENAMETOOLONG, "a name in it is too long" },
		{ ELOOP, "too many symbolic links" },
		{ EPROTOTYPE, "it is a socket of another type" },
		{ ECONNREFUSED, "connection refused" },
	};
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].error == error) {
			text_put(text, meanings[i].meaning);
			return;
		}
	}
	text_put(text, "errno ");
	text_put_number(text, (uint64_t)error);
}

void text_put_json(struct text *text, struct slice value)
{
	static const char hex[] = "0123456789abcdef";
	size_t i = 0;

	put_byte(text, '"');
	while (i < value.length) {
		unsigned char byte = (unsigned char)value.at[i];
		size_t length = utf8_length(value.at + i, value.length - i);

		if (length == 0) {
			text_put(text, "\xef\xbf\xbd");
			length = 1;
		} else if (byte == '"' || byte == '\\') {
			put_byte(text, '\\');
			put_byte(text, (char)byte);
		} else if (byte < 0x20) {
			text_put(text, "\\u00");
			put_byte(text, hex[byte >> 4]);
			put_byte(text, hex[byte & 0xf]);
		} else {
			text_put_slice(text, (struct slice){ value.at + i, length });
		}
		i += length;
	}
	put_byte(text, '"');
}

size_t utf8_length(const char *at, size_t available)
{
	const unsigned char *bytes = (const unsigned char *)at;
	/* The second byte's range is narrower where the sequence would be too long or a surrogate. */
	unsigned char least = 0x80;
	unsigned char most = 0xbf;
	size_t length;
	size_t i;

	if (available == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf)
		length = 2;
	else if ((bytes[0] & 0xf0) == 0xe0)
		length = 3;
	else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (bytes[0] == 0xe0)
		least = 0xa0;
	else if (bytes[0] == 0xed)
		most = 0x9f;
	else if (bytes[0] == 0xf0)
		least = 0x90;
	else if (bytes[0] == 0xf4)
		most = 0x8f;
	if (available < length || bytes[1] < least || bytes[1] > most)
		return 0;
	for (i = 2; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return length;
}
