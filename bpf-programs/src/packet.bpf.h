/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose a packet is and what its header says, for the hooks that see packets. */
#ifndef SLUICE_PACKET_BPF_H
#define SLUICE_PACKET_BPF_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "verdict.bpf.h"

enum skb_answer { PACKET_REFUSE = 0, PACKET_PASS = 1 };

/* Whether programs of this type may ask for the namespace's cookie; set before loading. */
const volatile __u32 has_netns_cookie = 1;

/* Source, destination and protocol; false for what has no whole header of IP. */
static __always_inline int fill_flow(struct flow *flow, const struct __sk_buff *skb)
{
	const void *data = (const void *)(long)skb->data;
	const void *end = (const void *)(long)skb->data_end;

	/* IPv6 first: once the verifier has gone on with any address, it knows a mapped one already. */
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = data;

		if (data + sizeof(*ip) > end)
			return 0;
		copy_address(flow->source_be, ip->saddr.in6_u.u6_addr32);
		copy_address(flow->destination_be, ip->daddr.in6_u.u6_addr32);
		flow->protocol = ip->nexthdr;
		return 1;
	}
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = data;

		if (data + sizeof(*ip) > end)
			return 0;
		map_ipv4(flow->source_be, ip->saddr);
		map_ipv4(flow->destination_be, ip->daddr);
		flow->protocol = ip->protocol;
		return 1;
	}
	return 0;
}

/* The namespace of the packet's socket; 0 when that is not known to be a pod's. */
static __always_inline __u64 pod_of_socket(struct __sk_buff *skb)
{
	const struct pod_key *pod;
	struct bpf_sock *sk;

	if (has_netns_cookie)
		return bpf_get_netns_cookie(skb);
	sk = skb->sk;
	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	pod = bpf_sk_storage_get(&socket_pods, sk, 0, 0);
	return pod ? pod->netns_cookie : 0;
}

#endif
