/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "exchange.h"

#include "clock.h"
#include "start.h"
#include "syscalls.h"

#define PROTOCOL SLICE("SLUICE-CNI 1 ")
/* Longest first line of an answer: the protocol, two numbers of at most 3 and 7 digits. */
#define LONGEST_LINE 32
/* First line, variables, their end, standard input. */
#define MOST_PARTS (CNI_VARIABLES + 3)

enum outcome {
	ANSWERED,
	ABSENT, /* nobody took the connection */
	BROKEN, /* the connection ended before the answer did */
	SILENT, /* the deadline is over */
	UNUSABLE, /* the answer is none */
};

struct parts {
	struct iovec parts[MOST_PARTS];
	size_t count;
	size_t first; /* that is not sent as a whole */
};

static void add_part(struct parts *parts, const void *base, size_t length)
{
	parts->parts[parts->count++] = (struct iovec){ base, length };
}

/* Lays the request out where its bytes are; `line` becomes its first line. */
static void lay_out(struct parts *parts, struct text *line, const struct request *request)
{
	size_t length = 1 + request->input.length;
	size_t i;

	parts->count = 1;
	parts->first = 0;
	for (i = 0; i < CNI_VARIABLES; i++) {
		const char *entry = request->environment->entries[i];

		if (entry) {
			add_part(parts, entry, strlen(entry) + 1);
			length += strlen(entry) + 1;
		}
	}
	add_part(parts, "", 1);
	if (request->input.length)
		add_part(parts, request->input.at, request->input.length);
	text_put_slice(line, PROTOCOL);
	text_put_number(line, length);
	text_put(line, "\n");
	parts->parts[0] = (struct iovec){ line->buffer, line->length };
}

static void skip_sent(struct parts *parts, size_t sent)
{
	while (sent) {
		struct iovec *part = &parts->parts[parts->first];
		size_t taken = sent < part->length ? sent : part->length;

		part->base = (const char *)part->base + taken;
		part->length -= taken;
		sent -= taken;
		if (part->length == 0)
			parts->first++;
	}
}

static enum outcome send_request(int socket, const struct request *request, int64_t deadline)
{
	char first_line[LONGEST_LINE];
	struct text line = TEXT(first_line);
	struct descriptor_message rights = {
		.length = sizeof(rights) - sizeof(rights.padding),
		.level = SOL_SOCKET,
		.type = SCM_RIGHTS,
		.descriptor = request->namespace,
	};
	struct parts parts;
	bool is_attached = request->namespace != NO_DESCRIPTOR;

	lay_out(&parts, &line, request);
	while (parts.first < parts.count) {
		struct message message = {
			.parts = parts.parts + parts.first,
			.part_count = parts.count - parts.first,
			.control = is_attached ? &rights : NULL,
			.control_length = is_attached ? sizeof(rights) : 0,
		};
		long sent = sys_send(socket, &message);

		if (sent > 0) {
			is_attached = false;
			skip_sent(&parts, (size_t)sent);
		} else if (sent == -EAGAIN) {
			if (!clock_wait(socket, POLLOUT, deadline))
				return SILENT;
		} else if (sent != -EINTR) {
			return BROKEN;
		}
	}
	return ANSWERED;
}

/* Takes the word before `end` off the text; without that end, an empty word. */
static struct slice next_word(struct slice *text, char end)
{
	struct slice word = { text->at, 0 };

	while (word.length < text->length && text->at[word.length] != end)
		word.length++;
	if (word.length == text->length)
		return (struct slice){ text->at, 0 };
	text->at += word.length + 1;
	text->length -= word.length + 1;
	return word;
}

/*
 * Whether what was received is the answer. SILENT: it may become one. `ended`: nothing more comes.
 */
static enum outcome read_answer(struct slice received, bool ended, struct answer *answer)
{
	struct slice head = received;
	size_t compared = PROTOCOL.length;
	struct slice line;
	int length;

	if (compared > received.length)
		compared = received.length;
	if (memcmp(received.at, PROTOCOL.at, compared) != 0)
		return UNUSABLE;
	if (head.length > LONGEST_LINE)
		head.length = LONGEST_LINE;
	line = next_word(&head, '\n');
	if (line.length == 0) {
		if (received.length >= LONGEST_LINE)
			return UNUSABLE;
		return ended ? BROKEN : SILENT;
	}
	received.length -= line.length + 1;
	received.at += line.length + 1;
	if (line.length < PROTOCOL.length)
		return UNUSABLE;
	line.at += PROTOCOL.length;
	line.length -= PROTOCOL.length;
	answer->exit_status = slice_number(next_word(&line, ' '), 3);
	length = slice_number(line, 7);
	if (answer->exit_status < 0 || answer->exit_status > 255 || length < 0 ||
	    length > LARGEST_ANSWER || received.length > (size_t)length)
		return UNUSABLE;
	if (received.length < (size_t)length)
		return ended ? BROKEN : SILENT;
	answer->body = received;
	return ANSWERED;
}

static enum outcome receive_answer(int socket, int64_t deadline, struct answer *answer)
{
	/* One byte more than the largest answer tells that there is more. */
	static char buffer[LONGEST_LINE + LARGEST_ANSWER + 1];
	size_t length = 0;

	for (;;) {
		long got = sys_receive(socket, buffer + length, sizeof(buffer) - length);
		enum outcome outcome;

		if (got == -EAGAIN) {
			if (!clock_wait(socket, POLLIN, deadline))
				return SILENT;
			continue;
		}
		if (got == -EINTR)
			continue;
		if (got < 0)
			return BROKEN;
		length += (size_t)got;
		outcome = read_answer((struct slice){ buffer, length }, got == 0, answer);
		if (outcome != SILENT)
			return outcome;
	}
}

/* Waits for room in the listener's queue as long as the deadline allows: pods start in bursts. */
static long connect_to(int descriptor, const char *socket, int64_t deadline)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	long error;

	memcpy(address.sun_path, socket, strlen(socket));
	do {
		int64_t left = deadline - clock_millis();
		struct kernel_time rest = { left / 1000, left % 1000 * 1000 };

		/* No time at all would mean: for ever. */
		if (left <= 0)
			return -EAGAIN;
		sys_set_send_timeout(descriptor, &rest);
		error = sys_connect(descriptor, &address);
	} while (error == -EINTR);
	return error;
}

static enum outcome exchange_once(const char *socket, const struct request *request,
				  int64_t deadline, struct answer *answer, int *error)
{
	int descriptor = sys_unix_stream();
	enum outcome outcome;

	*error = descriptor;
	if (descriptor < 0)
		return ABSENT;
	*error = (int)connect_to(descriptor, socket, deadline);
	if (*error < 0) {
		outcome = ABSENT;
	} else {
		outcome = send_request(descriptor, request, deadline);
		/* A daemon that refuses the request may have answered before it read all of it. */
		if (outcome == ANSWERED || outcome == BROKEN)
			outcome = receive_answer(descriptor, deadline, answer);
	}
	sys_close(descriptor);
	return outcome;
}

bool exchange(const char *socket, const struct request *request, int64_t deadline,
	      struct answer *answer, struct text *reason)
{
	int error = 0;
	enum outcome outcome = exchange_once(socket, request, deadline, answer, &error);

	if (outcome == BROKEN) /* a daemon that is replaced: its successor answers */
		outcome = exchange_once(socket, request, deadline, answer, &error);
	if (outcome == ANSWERED)
		return true;
	text_put(reason, "the node daemon at ");
	text_put_quoted(reason, slice_of(socket));
	if (outcome == ABSENT) {
		text_put(reason, " cannot be reached (");
		text_put_errno(reason, -error);
		text_put(reason, ")");
	} else if (outcome == BROKEN) {
		text_put(reason, " ended the connection without an answer");
	} else if (outcome == SILENT) {
		text_put(reason, " did not answer in time");
	} else {
		text_put(reason, " gave an answer that is none of this protocol's version 1");
	}
	return false;
}
