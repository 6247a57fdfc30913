/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The entry, and the few functions of <string.h> that there are. */
#ifndef SLUICE_START_H
#define SLUICE_START_H

#include <stddef.h>
#include <stdint.h>

/* The program; the environment ends with NULL. Returns the exit status. */
int client_main(char **environment);

extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);
_Noreturn void start_with_stack(uintptr_t *stack);

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);

#endif
