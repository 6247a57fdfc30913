// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/getsockname6, from kernel 5.8, attached at the root of cgroup2. Runs for
 * getsockname() on AF_INET6 sockets. A redirected socket that sits on loopback names the pod's
 * address, since programs publish what they read here. Cannot refuse.
 */
#include "names.bpf.h"

SEC("cgroup/getsockname6")
int sluice_getsockname6(struct bpf_sock_addr *ctx)
{
	const __u32 *address = own_address(ctx->sk);
	__u32 present[4];

	present[0] = ctx->user_ip6[0];
	present[1] = ctx->user_ip6[1];
	present[2] = ctx->user_ip6[2];
	present[3] = ctx->user_ip6[3];
	if (address && is_loopback(present)) {
		ctx->user_ip6[0] = address[0];
		ctx->user_ip6[1] = address[1];
		ctx->user_ip6[2] = address[2];
		ctx->user_ip6[3] = address[3];
	}
	return NAME_ANSWERED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
