// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/connect4, from kernel 4.17 (netns cookie 5.7), attached at the root of cgroup2.
 * Runs for connect() and for sendto(MSG_FASTOPEN) on AF_INET sockets, TCP and UDP alike.
 * Proceed: the call goes on, to our listener or a pod of this node when rewritten.
 * Refuse: the call fails with EPERM.
 */
#include "marks.bpf.h"
#include "outbound.bpf.h"

SEC("cgroup/connect4")
int sluice_connect4(struct bpf_sock_addr *ctx)
{
	struct flow flow;
	struct way way;
	int answer;

	fill_flow4(&flow, ctx);
	if (!mark_connecting(ctx, &flow))
		return ANSWER_REFUSE;
	answer = on_connect(ctx, &flow, &way);
	if (way.kind != WAY_AS_CALLED) {
		ctx->user_ip4 =
			way.kind == WAY_ENDPOINT ? way.address_be[3] : bpf_htonl(spread(&flow));
		ctx->user_port = way.port_be;
	}
	return answer;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
