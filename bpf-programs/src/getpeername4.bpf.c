// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/getpeername4, from kernel 5.8, attached at the root of cgroup2. Runs for
 * getpeername() and accept() on AF_INET sockets. A redirected socket names its original
 * destination, an accepted one the true client. Cannot refuse.
 */
#include "names.bpf.h"

SEC("cgroup/getpeername4")
int sluice_getpeername4(struct bpf_sock_addr *ctx)
{
	const struct socket_state *state = disguised(ctx->sk);

	if (state && is_mapped(state->peer_be)) {
		ctx->user_ip4 = state->peer_be[3];
		ctx->user_port = state->peer_port_be;
	}
	return NAME_ANSWERED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
