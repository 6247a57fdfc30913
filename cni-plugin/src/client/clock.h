/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Deadlines: milliseconds of the monotonic clock. */
#ifndef SLUICE_CLOCK_H
#define SLUICE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "syscalls.h"

static inline int64_t clock_millis(void)
{
	struct kernel_time now;

	sys_monotonic_clock(&now);
	return now.seconds * 1000 + now.fraction / 1000000;
}

/* Waits until the descriptor is ready for one of the events, or has failed; false at the deadline. */
static inline bool clock_wait(int descriptor, short events, int64_t deadline)
{
	struct pollfd one = { .fd = descriptor, .events = events };

	for (;;) {
		int64_t left = deadline - clock_millis();
		struct kernel_time rest = { left / 1000, left % 1000 * 1000000 };
		long ready;

		if (left <= 0)
			return false;
		ready = sys_poll(&one, &rest);
		if (ready > 0)
			return true;
		if (ready < 0 && ready != -EINTR)
			return false;
	}
}

#endif
