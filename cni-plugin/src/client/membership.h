/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The small file that the node daemon keeps for the times when it does not run. Lines end with \n:
 *
 *   sluice-membership 1
 *   <kind> <namespace>       one line for each namespace; kind = system, outside, inside or mixed
 *   crc32 <8 hexadecimal digits>   of all bytes before this line (IEEE 802.3, as in zlib)
 */
#ifndef SLUICE_MEMBERSHIP_H
#define SLUICE_MEMBERSHIP_H

#include <stdbool.h>

#include "text.h"

#define LARGEST_MEMBERSHIP (1024 * 1024)

/*
 * Whether a pod of that namespace may start without the mesh. Where it may not, the reason is put to
 * `reason`; everything that is not certain is such a reason.
 */
bool membership_lets_start(const char *path, struct slice namespace, struct text *reason);

#endif
