// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/getpeername6, from kernel 5.8, attached at the root of cgroup2. Runs for
 * getpeername() and accept() on AF_INET6 sockets. A redirected socket names its original
 * destination, an accepted one the true client. Cannot refuse.
 */
#include "names.bpf.h"

SEC("cgroup/getpeername6")
int sluice_getpeername6(struct bpf_sock_addr *ctx)
{
	const struct socket_state *state = disguised(ctx->sk);

	if (state) {
		ctx->user_ip6[0] = state->peer_be[0];
		ctx->user_ip6[1] = state->peer_be[1];
		ctx->user_ip6[2] = state->peer_be[2];
		ctx->user_ip6[3] = state->peer_be[3];
		ctx->user_port = state->peer_port_be;
	}
	return NAME_ANSWERED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
