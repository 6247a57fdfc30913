// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The first process of a sandbox: it waits for ever, so that the sandbox's namespaces stay. */
#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov $34, %eax\n" /* pause(2) */
	"	syscall\n"
	"	jmp _start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x0, #0\n"
	"	mov x1, #0\n"
	"	mov x2, #0\n"
	"	mov x3, #0\n"
	"	mov x4, #0\n"
	"	mov x8, #73\n" /* ppoll(2) of nothing, without a time-out */
	"	svc #0\n"
	"	b _start\n");
#endif
