/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One request to the node daemon and its answer, over a unix stream socket that serves one of them.
 *
 * Request: the line "SLUICE-CNI 1 <bodyLength>\n", then the body: NAME=VALUE\0 for each variable that
 * is set, \0, and standard input as it was read. The namespace's descriptor, if there is one, comes
 * by SCM_RIGHTS with the first byte.
 * Answer: the line "SLUICE-CNI 1 <exitStatus> <bodyLength>\n", then the body.
 */
#ifndef SLUICE_EXCHANGE_H
#define SLUICE_EXCHANGE_H

#include "cni.h"
#include "text.h"

#define LARGEST_ANSWER (1024 * 1024)
#define NO_DESCRIPTOR -1

struct request {
	const struct cni_environment *environment;
	struct slice input; /* standard input */
	int namespace; /* descriptor to attach, or NO_DESCRIPTOR */
};

struct answer {
	int exit_status; /* 0..255 */
	struct slice body;
};

/* Asks until `deadline` (milliseconds, monotonic). False: no answer, and `reason` tells why. */
bool exchange(const char *socket, const struct request *request, int64_t deadline,
	      struct answer *answer, struct text *reason);

#endif
