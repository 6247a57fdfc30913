// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sends the word in the environment variable CANARY from its first instruction on: over UDP and TCP,
 * IPv4 and IPv6, a few times, to an address that is compiled in. No libc, so nothing runs before it.
 */
#include <linux/in.h>
#include <linux/in6.h>

#include "start.h"
#include "syscalls.h"

#define ROUNDS 3
#define NAME "CANARY="

static void say(int family, const void *address, size_t size, const char *word)
{
	const struct kernel_time patience = { .seconds = 0, .fraction = 100000 };
	struct iovec part = { .base = word, .length = strlen(word) };
	struct message datagram = { .name = (void *)address,
				    .name_length = (uint32_t)size,
				    .parts = &part,
				    .part_count = 1 };
	const struct message stream = { .parts = &part, .part_count = 1 };
	int udp = (int)system_call(SYS_SOCKET, family, 2, 0, 0, 0, 0);
	int tcp = (int)system_call(SYS_SOCKET, family, SOCK_STREAM, 0, 0, 0, 0);

	sys_send(udp, &datagram);
	sys_set_send_timeout(tcp, &patience);
	if (system_call(SYS_CONNECT, tcp, (long)address, (long)size, 0, 0, 0) == 0)
		sys_send(tcp, &stream);
	sys_close(udp);
	sys_close(tcp);
}

int client_main(char **environment)
{
	const uint8_t bytes6[16] = ADDRESS6;
	struct sockaddr_in to4 = { .sin_family = 2,
				   .sin_port = __builtin_bswap16(PORT),
				   .sin_addr.s_addr = __builtin_bswap32(ADDRESS4) };
	struct sockaddr_in6 to6 = { .sin6_family = 10, .sin6_port = __builtin_bswap16(PORT) };
	const char *word = "";
	int round;

	memcpy(&to6.sin6_addr, bytes6, sizeof(bytes6));
	for (; *environment; environment++)
		if (!memcmp(*environment, NAME, sizeof(NAME) - 1))
			word = *environment + sizeof(NAME) - 1;
	for (round = 0; round < ROUNDS; round++) {
		say(2, &to4, sizeof(to4), word);
		say(10, &to6, sizeof(to6), word);
	}
	return 0;
}
