/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "membership.h"

#include "syscalls.h"

#define HEADER SLICE("sluice-membership 1\n")
#define CHECKSUM SLICE("crc32 ")
/* "crc32 ", eight digits, end of line. */
#define CHECKSUM_LENGTH 15

static bool refuse(struct text *reason, const char *path, const char *why)
{
	text_put_quoted(reason, slice_of(path));
	text_put(reason, why);
	return false;
}

/* By half-bytes: 1 MiB takes some milliseconds, and the table is 64 bytes. */
static uint32_t crc32(struct slice bytes)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = 0xffffffff;
	size_t i;

	for (i = 0; i < bytes.length; i++) {
		crc ^= (uint8_t)bytes.at[i];
		crc = table[crc & 0xf] ^ crc >> 4;
		crc = table[crc & 0xf] ^ crc >> 4;
	}
	return ~crc;
}

static bool is_checksum_of(struct slice line, struct slice bytes)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t crc = crc32(bytes);
	size_t i;

	if (bytes.at[bytes.length - 1] != '\n' || !slice_starts_with(line, CHECKSUM) ||
	    line.at[CHECKSUM_LENGTH - 1] != '\n')
		return false;
	for (i = 0; i < 8; i++)
		if (line.at[CHECKSUM.length + i] != hex[crc >> (28 - 4 * i) & 0xf])
			return false;
	return true;
}

/* Reads the file; false, with the reason, when it is not there as a whole. */
static bool read_file(const char *path, struct slice *content, struct text *reason)
{
	static char buffer[LARGEST_MEMBERSHIP + 1]; /* one more tells that there is more */
	int file = sys_open(path);
	size_t length = 0;
	long got = file;

	while (got >= 0 && length < sizeof(buffer)) {
		got = sys_read(file, buffer + length, sizeof(buffer) - length);
		if (got == 0)
			break;
		if (got > 0)
			length += (size_t)got;
		else if (got == -EINTR)
			got = 0;
	}
	if (file >= 0)
		sys_close(file);
	if (got < 0) {
		refuse(reason, path, " cannot be read: ");
		text_put_errno(reason, (int)-got);
		return false;
	}
	if (length > LARGEST_MEMBERSHIP)
		return refuse(reason, path, " is larger than 1 MiB");
	*content = (struct slice){ buffer, length };
	return true;
}

/* Takes the first line off `rest`, without its end. */
static struct slice next_line(struct slice *rest)
{
	struct slice line = { rest->at, 0 };

	while (line.length < rest->length && line.at[line.length] != '\n')
		line.length++;
	rest->at += line.length;
	rest->length -= line.length;
	if (rest->length) {
		rest->at++;
		rest->length--;
	}
	return line;
}

/* Finds the kind of that namespace in the lines; false, with the reason, when there is no one kind. */
static bool find_kind(const char *path, struct slice lines, struct slice namespace,
		      struct slice *kind, struct text *reason)
{
	bool is_found = false;

	while (lines.length) {
		struct slice line = next_line(&lines);
		struct slice word = { line.at, 0 };

		while (word.length < line.length && line.at[word.length] != ' ')
			word.length++;
		if (word.length == line.length)
			return refuse(reason, path, " has a line without a namespace");
		if (!slice_equals((struct slice){ line.at + word.length + 1,
						  line.length - word.length - 1 },
				  namespace))
			continue;
		if (is_found)
			return refuse(reason, path, " names the pod's namespace twice");
		is_found = true;
		*kind = word;
	}
	return is_found || refuse(reason, path, " does not name the pod's namespace");
}

bool membership_lets_start(const char *path, struct slice namespace, struct text *reason)
{
	struct slice content;
	struct slice checked;
	struct slice lines;
	struct slice kind;

	if (!read_file(path, &content, reason))
		return false;
	if (!slice_starts_with(content, HEADER))
		return refuse(reason, path, " does not begin with \"sluice-membership 1\"");
	if (content.length < HEADER.length + CHECKSUM_LENGTH)
		return refuse(reason, path, " is cut off");
	checked = (struct slice){ content.at, content.length - CHECKSUM_LENGTH };
	if (!is_checksum_of((struct slice){ checked.at + checked.length, CHECKSUM_LENGTH },
			    checked))
		return refuse(reason, path, " does not end with its checksum");
	lines = (struct slice){ checked.at + HEADER.length, checked.length - HEADER.length };
	if (!find_kind(path, lines, namespace, &kind, reason))
		return false;
	if (slice_equals(kind, SLICE("system")) || slice_equals(kind, SLICE("outside")))
		return true;
	if (slice_equals(kind, SLICE("inside")))
		return refuse(reason, path, " says that the namespace is in the mesh");
	if (slice_equals(kind, SLICE("mixed")))
		return refuse(reason, path,
			      " says that some of the namespace's pods are in the mesh");
	refuse(reason, path, " gives the namespace the unknown kind ");
	text_put_quoted(reason, kind);
	return false;
}
