/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The network configuration that the runtime writes to standard input (CNI specification, 1). */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include <linux/un.h>

#include "text.h"

/* Longest path that open() takes, with its NUL (PATH_MAX). */
#define LONGEST_PATH 4096
#define LONGEST_VERSION 32
#define DEFAULT_TIMEOUT_SECONDS 10
#define LONGEST_TIMEOUT_SECONDS 60

struct config {
	char version[LONGEST_VERSION];
	char socket[UNIX_PATH_MAX]; /* empty: none that can be used */
	char membership[LONGEST_PATH]; /* empty: none that can be used */
	int timeout_seconds;
	struct slice previous_result; /* as it was written; empty: none */
	/* The first thing that is wrong: CNI error code and message; code 0 when all is well. */
	int code;
	struct text problem;
};

/*
 * Reads what there is. A name that occurs twice has its last value, as in the decoders of runtimes
 * and of the daemon. Also with a problem, the members that were found before it are in `config`.
 */
void config_read(struct config *config, struct slice text);
/* Puts down the problem unless there is one already; the message is continued in `problem`. */
struct text *config_problem(struct config *config, int code);

#endif
