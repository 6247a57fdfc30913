/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "cni.h"

#include "start.h"
#include "syscalls.h"

/* Standard output's descriptor. */
#define STDOUT 1

static const char *const names[CNI_VARIABLES] = {
	[CNI_COMMAND] = "CNI_COMMAND",
	[CNI_CONTAINERID] = "CNI_CONTAINERID",
	[CNI_NETNS] = "CNI_NETNS",
	[CNI_IFNAME] = "CNI_IFNAME",
	[CNI_ARGS] = "CNI_ARGS",
	[CNI_PATH] = "CNI_PATH",
	[CNI_NETNS_OVERRIDE] = "CNI_NETNS_OVERRIDE",
};

const char *cni_name(enum cni_variable variable)
{
	return names[variable];
}

void cni_read_environment(struct cni_environment *environment, char **all)
{
	size_t i;

	memset(environment, 0, sizeof(*environment));
	for (; *all; all++) {
		struct slice entry = slice_of(*all);

		for (i = 0; i < CNI_VARIABLES; i++) {
			struct slice name = slice_of(names[i]);

			/* The first of two counts, as for getenv(). */
			if (!environment->entries[i] && slice_starts_with(entry, name) &&
			    entry.at[name.length] == '=')
				environment->entries[i] = *all;
		}
	}
}

struct slice cni_variable(const struct cni_environment *environment, enum cni_variable variable)
{
	const char *entry = environment->entries[variable];

	return slice_of(entry ? entry + strlen(names[variable]) + 1 : "");
}

bool cni_argument(const struct cni_environment *environment, struct slice key, struct slice *value)
{
	struct slice rest = cni_variable(environment, CNI_ARGS);
	bool is_found = false;

	while (rest.length) {
		struct slice pair = { rest.at, 0 };

		while (pair.length < rest.length && pair.at[pair.length] != ';')
			pair.length++;
		if (slice_starts_with(pair, key) && pair.length > key.length &&
		    pair.at[key.length] == '=') {
			*value = (struct slice){ pair.at + key.length + 1,
						 pair.length - key.length - 1 };
			is_found = true;
		}
		rest.at += pair.length;
		rest.length -= pair.length;
		if (rest.length) {
			rest.at++;
			rest.length--;
		}
	}
	return is_found;
}

bool cni_print(struct slice text)
{
	while (text.length) {
		long written = sys_write(STDOUT, text.at, text.length);

		if (written == -EAGAIN) {
			/* A pipe that the runtime made non-blocking, and is full. */
			struct pollfd room = { .fd = STDOUT, .events = POLLOUT };

			sys_poll(&room, NULL);
			continue;
		}
		if (written == -EINTR)
			continue;
		if (written <= 0)
			return false;
		text.at += written;
		text.length -= (size_t)written;
	}
	return true;
}

int cni_print_error(const char *version, int code, const struct text *message, const char *details)
{
	/* Escaping makes six bytes of one at worst; messages are of 2 KiB, details shorter. */
	static char buffer[16 * 1024];
	struct text text = TEXT(buffer);

	text_put(&text, "{\"cniVersion\":");
	text_put_json(&text, slice_of(version));
	text_put(&text, ",\"code\":");
	text_put_number(&text, (uint64_t)code);
	text_put(&text, ",\"msg\":");
	text_put_json(&text, (struct slice){ message->buffer, message->length });
	text_put(&text, ",\"details\":");
	text_put_json(&text, slice_of(details));
	text_put(&text, "}\n");
	cni_print((struct slice){ text.buffer, text.length });
	return 1;
}

int cni_print_versions(const char *version)
{
	char buffer[256];
	struct text text = TEXT(buffer);

	text_put(&text, "{\"cniVersion\":");
	text_put_json(&text, slice_of(version));
	text_put(&text,
		 ",\"supportedVersions\":[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n");
	return cni_print((struct slice){ text.buffer, text.length }) ? 0 : 1;
}
