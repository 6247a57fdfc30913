// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/getsockopt, from kernel 5.3, attached at the root of cgroup2. Answers
 * SO_ORIGINAL_DST (SOL_IP) and IP6T_SO_ORIGINAL_DST (SOL_IPV6) on sockets that a mesh listener
 * accepted, in the form that conntrack would, so that any proxy can ask the usual question.
 * What connection tracking has answered for an inbound one stays.
 * Everything else keeps the kernel's answer.
 */
#include "verdict.bpf.h"

#define SOL_IP 0
#define SOL_IPV6 41
#define ORIGINAL_DST 80

enum getsockopt_answer { KEEP_ANSWER = 1 };

struct ipv4_answer {
	__u16 family;
	__u16 port_be;
	__u32 address_be;
	__u8 zero[8];
};

struct ipv6_answer {
	__u16 family;
	__u16 port_be;
	__u32 flow_info;
	__u32 address_be[4];
	__u32 scope;
};

static __always_inline int answer_ipv4(struct bpf_sockopt *ctx, __u32 address_be, __u16 port_be)
{
	struct ipv4_answer *answer = ctx->optval;

	if ((void *)(answer + 1) > ctx->optval_end)
		return KEEP_ANSWER;
	__builtin_memset(answer, 0, sizeof(*answer));
	answer->family = AF_INET;
	answer->port_be = port_be;
	answer->address_be = address_be;
	ctx->optlen = sizeof(*answer);
	ctx->retval = 0;
	return KEEP_ANSWER;
}

static __always_inline int answer_ipv6(struct bpf_sockopt *ctx, const __u32 address_be[4],
				       __u16 port_be)
{
	struct ipv6_answer *answer = ctx->optval;

	if ((void *)(answer + 1) > ctx->optval_end)
		return KEEP_ANSWER;
	answer->family = AF_INET6;
	answer->port_be = port_be;
	answer->flow_info = 0;
	copy_address(answer->address_be, address_be);
	answer->scope = 0;
	ctx->optlen = sizeof(*answer);
	ctx->retval = 0;
	return KEEP_ANSWER;
}

SEC("cgroup/getsockopt")
int sluice_getsockopt(struct bpf_sockopt *ctx)
{
	struct socket_state *state;
	struct bpf_sock *sk;

	if (ctx->optname != ORIGINAL_DST || (ctx->level != SOL_IP && ctx->level != SOL_IPV6))
		return KEEP_ANSWER;
	sk = ctx->sk;
	if (!sk)
		return KEEP_ANSWER;
	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!state)
		return KEEP_ANSWER;
	if (state->role == SOCKET_INBOUND_ACCEPTED) {
		/*
		 * Steered without translation: its own address is the original destination. Rules
		 * may have translated it before; then connection tracking has answered.
		 */
		__u32 local[4];

		if (!CONTEXT_WORD(ctx->retval))
			return KEEP_ANSWER;
		/* Lest the compiler keeps the address of the field, which the verifier refuses. */
		barrier_var(ctx);
		if (ctx->level == SOL_IP)
			return answer_ipv4(ctx, sk->src_ip4, bpf_htons(sk->src_port));
		local[0] = sk->src_ip6[0];
		local[1] = sk->src_ip6[1];
		local[2] = sk->src_ip6[2];
		local[3] = sk->src_ip6[3];
		return answer_ipv6(ctx, local, bpf_htons(sk->src_port));
	}
	if (state->role != SOCKET_OUTBOUND_ACCEPTED)
		return KEEP_ANSWER;
	if (ctx->level == SOL_IPV6)
		return answer_ipv6(ctx, state->peer_be, state->peer_port_be);
	if (is_mapped(state->peer_be))
		return answer_ipv4(ctx, state->peer_be[3], state->peer_port_be);
	return KEEP_ANSWER;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
