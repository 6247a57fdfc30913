/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a libc would bring: the entry point, the stack guard, and the functions compilers call. */
#include "start.h"
#include "syscalls.h"

#ifdef SLUICE_NATIVE
#include <asm/unistd.h>
_Static_assert(SYS_READ == __NR_read && SYS_WRITE == __NR_write && SYS_CLOSE == __NR_close, "");
_Static_assert(SYS_SOCKET == __NR_socket && SYS_CONNECT == __NR_connect, "");
_Static_assert(SYS_RECVFROM == __NR_recvfrom && SYS_SENDMSG == __NR_sendmsg, "");
_Static_assert(SYS_SETSOCKOPT == __NR_setsockopt && SYS_CLOCK_GETTIME == __NR_clock_gettime, "");
_Static_assert(SYS_EXIT_GROUP == __NR_exit_group && SYS_OPENAT == __NR_openat, "");
_Static_assert(SYS_PPOLL == __NR_ppoll, "");
#endif

/* Entries of the auxiliary vector (getauxval(3)). */
enum { AT_NULL = 0, AT_RANDOM = 25 };

/* Read by every protected function; 0 until it is set, before the first of them is called. */
uintptr_t __stack_chk_guard;

_Noreturn void __stack_chk_fail(void)
{
	__builtin_trap();
}

/* The kernel enters here with the arguments on the stack and no return address. */
#if defined(__x86_64__)
asm(".globl _start\n"
    "_start:\n"
    "	xorl %ebp, %ebp\n"
    "	movq %rsp, %rdi\n"
    "	andq $-16, %rsp\n"
    "	call start_with_stack\n");
#else
asm(".globl _start\n"
    "_start:\n"
    "	mov x29, #0\n"
    "	mov x30, #0\n"
    "	mov x0, sp\n"
    "	bl start_with_stack\n");
#endif

/* The stack at entry: argc, argv, NULL, environment, NULL, auxiliary vector. */
__attribute__((used, no_stack_protector)) _Noreturn void start_with_stack(uintptr_t *stack)
{
	char **environment = (char **)(stack + 1 + stack[0] + 1);
	char **end = environment;
	uintptr_t *auxiliary;

	while (*end)
		end++;
	for (auxiliary = (uintptr_t *)(end + 1); auxiliary[0] != AT_NULL; auxiliary += 2)
		if (auxiliary[0] == AT_RANDOM)
			memcpy(&__stack_chk_guard, (const void *)auxiliary[1],
			       sizeof(__stack_chk_guard));
	sys_exit(client_main(environment));
}

__attribute__((no_stack_protector)) void *memcpy(void *restrict to, const void *restrict from,
						 size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (size--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	unsigned char *t = to;

	while (size--)
		*t++ = (unsigned char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a;
	const unsigned char *right = b;

	for (; size; size--, left++, right++)
		if (*left != *right)
			return *left < *right ? -1 : 1;
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}
