// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup_skb/ingress, from kernel 4.10 (socket storage 5.2), attached at the root of cgroup2.
 * Runs for every packet that reaches a socket, fragments put together; all but datagrams pass.
 * A pod of a strict mesh takes datagrams of another pod of the mesh where a UDPRoute grants the port,
 * or as the answer to what the very socket has sent there of late, if it may send there still; from
 * a link-local address of IPv6, which may be another pod's of the wire, answers alone.
 * What comes from elsewhere passes, as does what is excluded.
 * Pass: the socket gets it. Refuse: it is dropped, and nobody is told.
 */
#include "datagram.bpf.h"
#include "outbound.bpf.h"
#include "packet.bpf.h"

#define STATE_CONNECTED 1 /* TCP_ESTABLISHED, of a datagram's socket too */

/* Whose the socket is; where that cannot be asked nor was written down, whose the address is. */
static __always_inline __u64 receiving_pod(struct __sk_buff *skb, const struct flow *flow)
{
	const struct pod_key *pod;
	struct address_key address;
	__u64 cookie = pod_of_socket(skb);

	if (has_netns_cookie || cookie)
		return cookie;
	copy_address(address.address_be, flow->destination_be);
	pod = bpf_map_lookup_elem(&pod_by_address, &address);
	return pod ? pod->netns_cookie : 0;
}

/*
 * Whether the pod would take it from anybody: its own, or at an excluded address or port, or a
 * question for names, which pods of the mesh may ask it without a grant.
 */
static __always_inline int is_exempt(const struct flow *flow)
{
	struct pod_address_key own = { .netns_cookie = flow->netns_cookie };
	struct port_rule_key port = {
		.netns_cookie = flow->netns_cookie,
		.port_be = flow->destination_port_be,
		.direction = DIRECTION_INBOUND,
	};
	const __u32 *kind;

	copy_address(own.address_be, flow->source_be);
	if (bpf_map_lookup_elem(&pod_addresses, &own))
		return 1;
	copy_address(own.address_be, flow->destination_be);
	kind = bpf_map_lookup_elem(&pod_addresses, &own);
	return (kind && *kind == POD_ADDRESS_EXCLUDED) || bpf_map_lookup_elem(&port_rules, &port) ||
	       asks_resolver(flow);
}

static __always_inline int is_on_excluded(const struct __sk_buff *skb, const struct flow *flow)
{
	struct interface_rule_key key = {
		.netns_cookie = flow->netns_cookie,
		.ifindex = skb->ifindex,
	};

	return bpf_map_lookup_elem(&interface_rules, &key) != 0;
}

/* Whether the pod may send there now what the datagram came from. */
static __always_inline int may_ask(const struct flow *flow, const struct pod *pod,
				   const struct datagram_counts *grant)
{
	struct flow question = {
		.netns_cookie = flow->netns_cookie,
		.destination_port_be = flow->source_port_be,
		.protocol = IPPROTO_UDP,
		.direction = DIRECTION_OUTBOUND,
	};

	if (grant)
		return 1;
	copy_address(question.destination_be, flow->source_be);
	return decide_outbound(&question, pod, 0).outcome == OUTCOME_PASSTHROUGH;
}

static __always_inline int is_answer(struct __sk_buff *skb, const struct flow *flow)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	if (sk->state == STATE_CONNECTED)
		return 1; /* the kernel gives it nothing of anybody else */
	return has_asked(sk, flow->source_be, flow->source_port_be);
}

static __always_inline int is_datagram(struct __sk_buff *skb, const struct flow *flow)
{
	struct bpf_sock *sk;

	if (flow->protocol == IPPROTO_UDP)
		return 1;
	if (is_mapped(flow->destination_be))
		return 0;
	sk = skb->sk; /* behind extension headers */
	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	return sk && sk->protocol == IPPROTO_UDP;
}

SEC("cgroup_skb/ingress")
int sluice_skb_ingress(struct __sk_buff *skb)
{
	const struct datagram_peer *peer;
	struct datagram datagram = {};
	struct datagram_counts *grant;
	struct pod_key key = {};
	struct flow flow = {};
	const struct pod *pod;

	if (skb->ifindex == IFINDEX_LOOPBACK || !fill_flow(&flow, skb) || !is_datagram(skb, &flow))
		return PACKET_PASS;
	peer = peer_at(flow.source_be);
	if (!peer && !is_on_the_wire(flow.source_be))
		return PACKET_PASS; /* from outside the mesh */
	key.netns_cookie = receiving_pod(skb, &flow);
	pod = bpf_map_lookup_elem(&pods, &key);
	if (!pod || (pod->flags & (POD_PERMISSIVE | POD_LEAVING)))
		return PACKET_PASS;
	flow.netns_cookie = key.netns_cookie;
	flow.protocol = IPPROTO_UDP;
	flow.direction = DIRECTION_INBOUND;
	if (!read_datagram(&datagram, skb, is_mapped(flow.destination_be)))
		goto refused;
	flow.source_port_be = datagram.source_port_be;
	flow.destination_port_be = datagram.destination_port_be;
	if (is_exempt(&flow) || (!peer && is_on_excluded(skb, &flow)))
		return PACKET_PASS;
	grant = find_grant(key.netns_cookie, DIRECTION_INBOUND, peer, flow.destination_port_be);
	if (grant) {
		count_granted(grant, &datagram);
		return PACKET_PASS;
	}
	grant = find_grant(key.netns_cookie, DIRECTION_OUTBOUND, peer, flow.source_port_be);
	if (is_answer(skb, &flow) && may_ask(&flow, pod, grant)) {
		if (grant)
			count_answer(grant, &datagram);
		return PACKET_PASS;
	}
refused:
	settle(&flow, OUTCOME_REFUSED, REASON_DATAGRAM_REFUSED);
	return PACKET_REFUSE;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
