/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the CNI specification names: error codes, variables, and the documents of a plugin. */
#ifndef SLUICE_CNI_H
#define SLUICE_CNI_H

#include "text.h"

enum cni_code {
	CNI_INVALID_VARIABLES = 4,
	CNI_IO_FAILURE = 5,
	CNI_UNDECODABLE = 6,
	CNI_INVALID_CONFIG = 7,
	CNI_TRY_AGAIN_LATER = 11,
};

/* The variables that are read; all that are set go to the daemon. */
enum cni_variable {
	CNI_COMMAND,
	CNI_CONTAINERID,
	CNI_NETNS,
	CNI_IFNAME,
	CNI_ARGS,
	CNI_PATH,
	CNI_NETNS_OVERRIDE,
	CNI_VARIABLES,
};

/* Longest value of one; one argument of a process has at most 128 KiB anyway (execve(2)). */
#define LONGEST_VARIABLE (64 * 1024)

/* The variables as entries NAME=VALUE of the environment; NULL where one is not set. */
struct cni_environment {
	const char *entries[CNI_VARIABLES];
};

void cni_read_environment(struct cni_environment *environment, char **all);
const char *cni_name(enum cni_variable variable);
/* Empty when it is not set. */
struct slice cni_variable(const struct cni_environment *environment, enum cni_variable variable);
/* Value of KEY in CNI_ARGS (KEY=VALUE;...), the last if there are several. False: there is none. */
bool cni_argument(const struct cni_environment *environment, struct slice key, struct slice *value);

/* All of it to standard output; false when that fails. */
bool cni_print(struct slice text);
/* Prints an error document; returns the exit status. */
int cni_print_error(const char *version, int code, const struct text *message, const char *details);
/* Prints the answer to VERSION; returns the exit status. */
int cni_print_versions(const char *version);

#endif
