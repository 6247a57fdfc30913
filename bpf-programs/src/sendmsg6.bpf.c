// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/sendmsg6, from kernel 4.18, attached at the root of cgroup2.
 * Runs for datagrams with a genuine IPv6 address on AF_INET6 sockets.
 * A connected socket that names no address runs no hook: its verdict fell at connect().
 * Proceed: the datagram is sent unchanged. Refuse: the call fails with EPERM.
 */
#include "outbound.bpf.h"

SEC("cgroup/sendmsg6")
int sluice_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct flow flow;

	fill_flow6(&flow, ctx);
	return on_sendmsg(ctx, &flow);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
