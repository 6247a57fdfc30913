// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup/sock_create, from kernel 4.10 (netns cookie 5.7), attached at the root of cgroup2.
 * Gives protocols that no later hook sees a stated verdict when their socket is made: raw and
 * ICMP sockets are counted, SCTP, UDP-Lite and others refused unless the mesh is permissive.
 * On kernels whose egress hook cannot ask for the namespace, writes down whose the socket is.
 * Proceed: the socket is made. Refuse: socket() fails with EPERM.
 */
#include "marks.bpf.h"

#define SOCK_RAW 3
#define IPPROTO_ICMP 1
#define IPPROTO_ICMPV6 58
#define IPPROTO_MPTCP 262

enum sock_create_answer { SOCKET_REFUSE = 0, SOCKET_PROCEED = 1 };

SEC("cgroup/sock_create")
int sluice_sock_create(struct bpf_sock *sk)
{
	struct pod_key key = {};
	struct flow flow = {};
	const struct pod *pod;
	__u32 protocol = sk->protocol;
	__u32 type = sk->type;

	if (marks_sockets && !mark_socket(sk, bpf_get_netns_cookie(sk)))
		return SOCKET_REFUSE; /* out of memory */
	if (type != SOCK_RAW &&
	    (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_MPTCP))
		return SOCKET_PROCEED;
	key.netns_cookie = bpf_get_netns_cookie(sk);
	pod = bpf_map_lookup_elem(&pods, &key);
	if (!pod)
		return SOCKET_PROCEED;
	flow.netns_cookie = key.netns_cookie;
	flow.protocol = protocol;
	flow.direction = DIRECTION_OUTBOUND;
	if (sk->family == AF_INET)
		flow.destination_be[2] = MAPPED_PREFIX_BE;
	if (type == SOCK_RAW || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		settle(&flow, OUTCOME_PASSTHROUGH, REASON_RAW_SOCKET);
		return SOCKET_PROCEED;
	}
	if (pod->flags & (POD_PERMISSIVE | POD_LEAVING)) {
		settle(&flow, OUTCOME_PASSTHROUGH, REASON_PROTOCOL_PERMISSIVE);
		return SOCKET_PROCEED;
	}
	settle(&flow, OUTCOME_REFUSED, REASON_PROTOCOL_REFUSED);
	return SOCKET_REFUSE;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
