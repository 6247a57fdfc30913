/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Writes down whose a socket is, for an egress hook that cannot ask. */
#ifndef SLUICE_MARKS_BPF_H
#define SLUICE_MARKS_BPF_H

#include "verdict.bpf.h"

/* Whether the egress hook needs to be told; set before loading. */
const volatile __u32 marks_sockets = 0;

/* False where a pod's socket finds no memory to be written down in. */
static __always_inline int mark_socket(struct bpf_sock *sk, __u64 netns_cookie)
{
	struct pod_key pod = { .netns_cookie = netns_cookie };
	struct pod_key *mark;

	if (!marks_sockets || !sk || !bpf_map_lookup_elem(&pods, &pod))
		return 1;
	mark = bpf_sk_storage_get(&socket_pods, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!mark)
		return 0;
	mark->netns_cookie = netns_cookie;
	return 1;
}

/*
 * The same of a socket that connects: those that the kernel makes for itself, such as the TCP
 * inside of SMC, and those from before the enrolment have passed no sock_create.
 */
static __always_inline int mark_connecting(struct bpf_sock_addr *ctx, const struct flow *flow)
{
	if (mark_socket(ctx->sk, flow->netns_cookie))
		return 1;
	settle(flow, OUTCOME_REFUSED, REASON_CONNECTION_MAP_FULL);
	return 0;
}

#endif
