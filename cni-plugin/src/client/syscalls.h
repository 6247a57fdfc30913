/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * System calls of Linux on x86-64 and arm64. Each returns the kernel's answer: negative is an errno.
 *
 * Only those UAPI headers are included that are the same for every machine: one build makes both
 * clients, and Debian installs asm/ for the building machine alone.
 */
#ifndef SLUICE_SYSCALLS_H
#define SLUICE_SYSCALLS_H

#include <asm-generic/errno.h>
#include <asm-generic/poll.h>
#include <linux/un.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
enum {
	SYS_READ = 0,
	SYS_WRITE = 1,
	SYS_CLOSE = 3,
	SYS_SOCKET = 41,
	SYS_CONNECT = 42,
	SYS_RECVFROM = 45,
	SYS_SENDMSG = 46,
	SYS_SETSOCKOPT = 54,
	SYS_CLOCK_GETTIME = 228,
	SYS_EXIT_GROUP = 231,
	SYS_OPENAT = 257,
	SYS_PPOLL = 271,
};
#elif defined(__aarch64__)
enum {
	SYS_OPENAT = 56,
	SYS_CLOSE = 57,
	SYS_READ = 63,
	SYS_WRITE = 64,
	SYS_PPOLL = 73,
	SYS_EXIT_GROUP = 94,
	SYS_CLOCK_GETTIME = 113,
	SYS_SOCKET = 198,
	SYS_CONNECT = 203,
	SYS_RECVFROM = 207,
	SYS_SETSOCKOPT = 208,
	SYS_SENDMSG = 211,
};
#else
#error "sluice-cni knows the system calls of x86-64 and arm64 only"
#endif

/* Values that no UAPI header has, or only one that differs by machine; the same on both machines. */
enum {
	AF_UNIX = 1,
	SOCK_STREAM = 1,
	SOCK_CLOEXEC = 02000000,
	SOL_SOCKET = 1,
	SO_SNDTIMEO = 21,
	SCM_RIGHTS = 1,
	MSG_DONTWAIT = 0x40,
	MSG_NOSIGNAL = 0x4000,
	AT_FDCWD = -100,
	O_RDONLY = 0,
	O_NONBLOCK = 04000,
	O_CLOEXEC = 02000000,
	CLOCK_MONOTONIC = 1,
};

/* Seconds with nanoseconds (struct timespec), or with microseconds (struct timeval). */
struct kernel_time {
	int64_t seconds;
	int64_t fraction;
};

struct iovec {
	const void *base;
	size_t length;
};

/* A control message with one descriptor, as SCM_RIGHTS carries it (unix(7)); padded to 8 bytes. */
struct descriptor_message {
	size_t length; /* without the padding */
	int level;
	int type;
	int descriptor;
	int padding;
};
_Static_assert(sizeof(struct descriptor_message) == 24, "CMSG_SPACE(sizeof(int))");

struct message {
	void *name;
	uint32_t name_length;
	struct iovec *parts;
	size_t part_count;
	void *control;
	size_t control_length;
	uint32_t flags;
};
_Static_assert(sizeof(struct message) == 56, "struct user_msghdr of a 64-bit kernel");

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long answer;

	asm volatile("syscall"
		     : "=a"(answer)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return answer;
#else
	register long x8 asm("x8") = number;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b;
	register long x2 asm("x2") = c;
	register long x3 asm("x3") = d;
	register long x4 asm("x4") = e;
	register long x5 asm("x5") = f;

	asm volatile("svc #0"
		     : "+r"(x0)
		     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
		     : "memory");
	return x0;
#endif
}

static inline long sys_read(int descriptor, void *to, size_t size)
{
	return system_call(SYS_READ, descriptor, (long)to, (long)size, 0, 0, 0);
}

static inline long sys_write(int descriptor, const void *from, size_t size)
{
	return system_call(SYS_WRITE, descriptor, (long)from, (long)size, 0, 0, 0);
}

/*
 * Opens for reading. A FIFO in the place of a file is opened as well, and is empty: nothing that
 * somebody else put there may make the client wait.
 */
static inline int sys_open(const char *path)
{
	return (int)system_call(SYS_OPENAT, AT_FDCWD, (long)path, O_RDONLY | O_NONBLOCK | O_CLOEXEC,
				0, 0, 0);
}

static inline void sys_close(int descriptor)
{
	system_call(SYS_CLOSE, descriptor, 0, 0, 0, 0, 0);
}

static inline int sys_unix_stream(void)
{
	return (int)system_call(SYS_SOCKET, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
}

/* Bounds how long connect() waits for room in the listener's queue; then it fails with EAGAIN. */
static inline long sys_set_send_timeout(int descriptor, const struct kernel_time *micros)
{
	return system_call(SYS_SETSOCKOPT, descriptor, SOL_SOCKET, SO_SNDTIMEO, (long)micros,
			   sizeof(*micros), 0);
}

static inline long sys_connect(int descriptor, const struct sockaddr_un *address)
{
	return system_call(SYS_CONNECT, descriptor, (long)address, sizeof(*address), 0, 0, 0);
}

static inline long sys_send(int descriptor, const struct message *message)
{
	return system_call(SYS_SENDMSG, descriptor, (long)message, MSG_DONTWAIT | MSG_NOSIGNAL, 0,
			   0, 0);
}

static inline long sys_receive(int descriptor, void *to, size_t size)
{
	return system_call(SYS_RECVFROM, descriptor, (long)to, (long)size, MSG_DONTWAIT, 0, 0);
}

static inline long sys_poll(struct pollfd *one, const struct kernel_time *nanos)
{
	return system_call(SYS_PPOLL, (long)one, 1, (long)nanos, 0, 0, 0);
}

static inline void sys_monotonic_clock(struct kernel_time *nanos)
{
	system_call(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)nanos, 0, 0, 0, 0);
}

static inline _Noreturn void sys_exit(int status)
{
	for (;;)
		system_call(SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

#endif
