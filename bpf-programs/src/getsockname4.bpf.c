// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/getsockname4, from kernel 5.8, attached at the root of cgroup2. Runs for
 * getsockname() on AF_INET sockets. A redirected socket that sits on loopback names the pod's
 * address, since programs publish what they read here. Cannot refuse.
 */
#include "names.bpf.h"

SEC("cgroup/getsockname4")
int sluice_getsockname4(struct bpf_sock_addr *ctx)
{
	const __u32 *address = own_address(ctx->sk);
	__u32 present[4];

	map_ipv4(present, ctx->user_ip4);
	if (address && is_mapped(address) && is_loopback(present))
		ctx->user_ip4 = address[3];
	return NAME_ANSWERED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
