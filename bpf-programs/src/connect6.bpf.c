// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/connect6, from kernel 4.17 (netns cookie 5.7), attached at the root of cgroup2.
 * Runs for connect() on AF_INET6 sockets, also to v4-mapped addresses. Those stay IPv4: the
 * rewrite to a mapped loopback address works where ::1 would not (IPv6 off on lo, or a mapped
 * source address).
 * Proceed: the call goes on, to our listener or a pod of this node when rewritten.
 * Refuse: the call fails with EPERM.
 */
#include "marks.bpf.h"
#include "outbound.bpf.h"

SEC("cgroup/connect6")
int sluice_connect6(struct bpf_sock_addr *ctx)
{
	struct flow flow;
	struct way way;
	__u32 words[2];
	int answer;

	fill_flow6(&flow, ctx);
	if (!mark_connecting(ctx, &flow))
		return ANSWER_REFUSE;
	answer = on_connect(ctx, &flow, &way);
	if (way.kind == WAY_AS_CALLED)
		return answer;
	if (way.kind == WAY_ENDPOINT) {
		ctx->user_ip6[0] = way.address_be[0];
		ctx->user_ip6[1] = way.address_be[1];
		ctx->user_ip6[2] = way.address_be[2];
		ctx->user_ip6[3] = way.address_be[3];
	} else if (is_mapped(flow.destination_be)) {
		ctx->user_ip6[3] = bpf_htonl(spread(&flow));
	} else if (way.is_spread6) {
		spread6(&flow, words);
		ctx->user_ip6[0] = bpf_htonl(SLUICE_LOOPBACK6_NET);
		ctx->user_ip6[1] = bpf_htonl(SLUICE_LOOPBACK6_SUBNET);
		ctx->user_ip6[2] = words[0];
		ctx->user_ip6[3] = words[1];
	} else {
		ctx->user_ip6[0] = 0;
		ctx->user_ip6[1] = 0;
		ctx->user_ip6[2] = 0;
		ctx->user_ip6[3] = bpf_htonl(1);
	}
	ctx->user_port = way.port_be;
	return answer;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
