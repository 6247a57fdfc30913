// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: cgroup_skb/egress, from kernel 4.10 (socket storage 5.2), attached at the root of cgroup2.
 * The hooks before it judge where a socket says it sends to; this one looks where the packet goes.
 * Refused is what an enrolled pod sends by a routing header or a source route, whose first hop no
 * other hook sees, and what is addressed to the pod itself and would leave it nevertheless, for
 * ancillary data or options of the socket name another interface; in a strict mesh also echo
 * requests that carry more than a ping does, and transports that no socket may be made for; and
 * what is not TCP and goes to isolated ranges, to which a socket may have been connected before;
 * what is not TCP and comes from an address of another pod, by which its receiver would take it for
 * that one's; and datagrams that sendmsg() would refuse, or that go into the mesh from an address
 * that is not the pod's; fragments that a socket makes itself are such of no port. Those that
 * UDPRoutes grant are counted.
 * Runs for every packet of every socket of the node, so the questions that cost nothing come
 * first.
 * Not asked: what the pod forwards, which belongs to no socket.
 * Pass: the packet goes on. Refuse: it is dropped, and a datagram's sender told EPERM.
 */
#include "datagram.bpf.h"
#include "outbound.bpf.h"
#include "packet.bpf.h"

/* IPv4 options that are looked at; more cost the verifier too much, and nobody sends as many. */
#define MAX_OPTIONS 6

/* Extension headers that the kernel puts before the transport's (RFC 8200 4.1). */
#define NEXT_HOP_OPTIONS 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_DESTINATION_OPTIONS 60
/* Options, options for the hops, route: a fourth comes only from a raw socket. */
#define MAX_EXTENSION_HEADERS 4
#define EXTENSION_UNIT_BYTES 8

/* Options of an IPv4 header, or extension headers that may hold a route or hide a datagram. */
enum packet_shape { SHAPE_PLAIN, SHAPE_OPTIONS, SHAPE_EXTENDED };

/* What is shorter than its header is plain: made by a raw socket, and nobody forwards it. */
static __always_inline enum packet_shape shape_of(const struct __sk_buff *skb)
{
	const void *data = (const void *)(long)skb->data;
	const void *end = (const void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = data;

		if (data + sizeof(*ip) <= end && ip->ihl > sizeof(*ip) / 4)
			return SHAPE_OPTIONS;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = data;

		if (data + sizeof(*ip) <= end &&
		    (ip->nexthdr == NEXT_HOP_OPTIONS || ip->nexthdr == NEXT_ROUTING ||
		     ip->nexthdr == NEXT_FRAGMENT || ip->nexthdr == NEXT_DESTINATION_OPTIONS))
			return SHAPE_EXTENDED;
	}
	return SHAPE_PLAIN;
}

/* What cannot be followed to its end is taken for a route. */
static __always_inline int has_routing_header(const struct __sk_buff *skb, __u8 next)
{
	__u32 offset = sizeof(struct ipv6hdr);
	__u8 header[2]; /* next header, length beyond the first unit */
	int i;

	for (i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		if (next == NEXT_ROUTING)
			return 1;
		if (next != NEXT_HOP_OPTIONS && next != NEXT_DESTINATION_OPTIONS)
			return 0;
		if (bpf_skb_load_bytes(skb, offset, header, sizeof(header)))
			return 1;
		next = header[0];
		offset += (header[1] + 1) * EXTENSION_UNIT_BYTES;
	}
	return 1;
}

/* The same of options (RFC 791 3.1). */
static __always_inline int has_source_route(const struct __sk_buff *skb)
{
	__u32 offset = sizeof(struct iphdr);
	__u32 header_bytes;
	__u8 option[2]; /* kind, length */
	int i;

	if (bpf_skb_load_bytes(skb, 0, option, 1))
		return 1;
	header_bytes = (option[0] & 0xf) * 4;
	for (i = 0; i < MAX_OPTIONS; i++) {
		if (offset >= header_bytes)
			return 0;
		if (bpf_skb_load_bytes(skb, offset, option, 1))
			return 1;
		if (option[0] == IPOPT_END)
			return 0;
		if (option[0] == IPOPT_LSRR || option[0] == IPOPT_SSRR)
			return 1;
		if (option[0] == IPOPT_NOOP) {
			offset++;
			continue;
		}
		if (bpf_skb_load_bytes(skb, offset, option, sizeof(option)) || option[1] < 2)
			return 1;
		offset += option[1];
	}
	return 1;
}

static __always_inline int is_own(const struct flow *flow)
{
	struct pod_address_key own = { .netns_cookie = flow->netns_cookie };

	copy_address(own.address_be, flow->destination_be);
	return bpf_map_lookup_elem(&pod_addresses, &own) != 0;
}

#define IPPROTO_ICMP 1
#define IPPROTO_ICMPV6 58
#define IPPROTO_DCCP 33
#define IPPROTO_L2TP 115
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136
#define UDP_DESTINATION_OFFSET 2
#define ICMP_HEADER_BYTES 8
#define ICMP_ECHO_REQUEST 8
#define ICMP_EXTENDED_ECHO_REQUEST 42 /* RFC 8335 */
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_EXTENDED_ECHO_REQUEST 160

/* Whether it goes where neither the operator nor the family of the address makes an exception. */
static __always_inline int is_of_the_mesh(const struct __sk_buff *skb, const struct flow *flow,
					  const struct pod *pod)
{
	struct interface_rule_key key = {
		.netns_cookie = flow->netns_cookie,
		.ifindex = CONTEXT_WORD(skb->ifindex),
	};

	return !is_link_local(flow->destination_be) &&
	       !bpf_map_lookup_elem(&interface_rules, &key) &&
	       decide_range(find_range_rules(flow), pod).outcome == OUTCOME_REDIRECTED;
}

/* Of the transports that need no raw socket, those beside TCP and UDP. */
static __always_inline int is_other_transport(const struct flow *flow)
{
	return flow->protocol == IPPROTO_UDPLITE || flow->protocol == IPPROTO_SCTP ||
	       flow->protocol == IPPROTO_DCCP || flow->protocol == IPPROTO_L2TP;
}

/* Of ICMP, what a socket for pings can make. Raw sockets put other headers before it. */
enum echo { ECHO_NONE, ECHO_PLAIN, ECHO_OTHER };

static __always_inline enum echo echo_of(const struct __sk_buff *skb, const struct flow *flow)
{
	int ipv4 = flow->protocol == IPPROTO_ICMP && is_mapped(flow->destination_be);
	int ipv6 = flow->protocol == IPPROTO_ICMPV6 && !is_mapped(flow->destination_be);
	__u32 offset = sizeof(struct ipv6hdr);
	__u8 type;

	if (!ipv4 && !ipv6)
		return ECHO_NONE;
	if (ipv4) {
		if (bpf_skb_load_bytes(skb, 0, &type, sizeof(type)))
			return ECHO_NONE;
		offset = (type & 0xf) * 4; /* IHL: with options */
	}
	if (bpf_skb_load_bytes(skb, offset, &type, sizeof(type)))
		return ECHO_NONE;
	if (type == (ipv4 ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST))
		return skb->len <= offset + ICMP_HEADER_BYTES + SLUICE_PING_BYTES ? ECHO_PLAIN :
										    ECHO_OTHER;
	return type == (ipv4 ? ICMP_EXTENDED_ECHO_REQUEST : ICMPV6_EXTENDED_ECHO_REQUEST) ?
		       ECHO_OTHER :
		       ECHO_NONE;
}

static __always_inline int is_refused_ping(enum echo echo, const struct pod *pod)
{
	if (pod->flags & (POD_PERMISSIVE | POD_PING_ALLOWED))
		return 0;
	return echo == ECHO_OTHER || (echo == ECHO_PLAIN && (pod->flags & POD_PING_REFUSED));
}

/*
 * Whether it is no TCP, which the proxy refuses, and goes to an isolated range, unless that or its
 * port is excluded. Asked of packets too, since sockets that are connected run no other hook when
 * they send.
 */
static __always_inline int is_isolated_datagram(const struct __sk_buff *skb,
						const struct flow *flow, const struct pod *pod,
						enum echo echo)
{
	struct port_rule_key port = {
		.netns_cookie = flow->netns_cookie,
		.direction = DIRECTION_OUTBOUND,
	};
	__u32 offset = sizeof(struct ipv6hdr);
	__u32 rules;
	__u8 first;

	if (!(pod->flags & POD_HAS_ISOLATED) ||
	    (flow->protocol != IPPROTO_UDP && !is_other_transport(flow) && echo == ECHO_NONE))
		return 0;
	rules = find_range_rules(flow);
	if (!(rules & RULE_ISOLATED))
		return 0;
	if (flow->protocol == IPPROTO_UDP) {
		if (is_mapped(flow->destination_be)) {
			if (bpf_skb_load_bytes(skb, 0, &first, sizeof(first)))
				return 1;
			offset = (first & 0xf) * 4; /* IHL: with options */
		}
		if (bpf_skb_load_bytes(skb, offset + UDP_DESTINATION_OFFSET, &port.port_be,
				       sizeof(port.port_be)))
			return 1;
		if (bpf_map_lookup_elem(&port_rules, &port))
			return 0;
	}
	return !is_link_local(flow->destination_be) &&
	       decide_range(rules, pod).outcome == OUTCOME_REDIRECTED &&
	       decide_interface(flow, pod, CONTEXT_WORD(skb->ifindex)).outcome !=
		       OUTCOME_PASSTHROUGH;
}

/* Whether the pod sends from an address of its own. */
static __always_inline int has_own_source(const struct flow *flow)
{
	struct pod_address_key own = { .netns_cookie = flow->netns_cookie };

	copy_address(own.address_be, flow->source_be);
	return bpf_map_lookup_elem(&pod_addresses, &own) != 0;
}

/* Not of a pod that is found by its processes before the registry names an address. */
static __always_inline int has_known_address(const struct pod *pod)
{
	return !is_unspecified(pod->address4_be) || !is_unspecified(pod->address6_be);
}

/*
 * Decides a datagram as if it were sent anew, for its socket may have been connected before, or write
 * headers itself, and then no other hook has been asked. Counts what a UDPRoute grants, and remembers
 * whom the socket asks.
 */
static __always_inline struct decision decide_datagram(struct __sk_buff *skb, struct flow *flow,
						       const struct pod *pod, int from_own)
{
	const struct datagram_peer *peer = peer_at(flow->destination_be);
	struct datagram_counts *counts;
	struct datagram datagram = {};
	struct bpf_sock *sk = skb->sk;
	struct decision d = PASSED;
	int whole;

	sk = sk ? bpf_sk_fullsock(sk) : 0;
	whole = read_datagram(&datagram, skb, is_mapped(flow->destination_be));
	if (!whole && flow->protocol != IPPROTO_UDP && !datagram.is_fragment)
		return PASSED; /* other than UDP, behind extension headers */
	flow->protocol = IPPROTO_UDP;
	flow->source_port_be = datagram.source_port_be;
	flow->destination_port_be = datagram.destination_port_be;
	/* Who gets it could not know whose it is. */
	if (peer && !from_own && has_known_address(pod) && !asks_resolver(flow))
		return decided(OUTCOME_REFUSED, REASON_FORWARDED);
	if (peer && whole) {
		counts = find_grant(flow->netns_cookie, DIRECTION_OUTBOUND, peer,
				    flow->destination_port_be);
		if (counts) {
			count_granted(counts, &datagram);
			goto asked;
		}
		counts = find_grant(flow->netns_cookie, DIRECTION_INBOUND, peer,
				    flow->source_port_be);
		if (counts) {
			count_answer(counts, &datagram);
			return PASSED;
		}
	}
	d = decide_outbound(flow, pod, sk ? sk->bound_dev_if : 0);
	if (d.outcome == OUTCOME_REFUSED)
		return d;
asked:
	if (sk && (peer || is_on_the_wire(flow->destination_be)))
		remember_asked(sk, flow->destination_be, flow->destination_port_be);
	return d;
}

static __always_inline struct decision decide_packet(struct __sk_buff *skb, struct flow *flow,
						     const struct pod *pod, enum packet_shape shape)
{
	__u32 ifindex = CONTEXT_WORD(skb->ifindex);
	enum echo echo;
	int from_own;

	if ((shape == SHAPE_OPTIONS && has_source_route(skb)) ||
	    (shape == SHAPE_EXTENDED && has_routing_header(skb, flow->protocol)))
		return decided(OUTCOME_REFUSED, REASON_ROUTING_HEADER);
	if (ifindex != IFINDEX_LOOPBACK && (is_loopback(flow->destination_be) || is_own(flow)))
		return decided(OUTCOME_REFUSED, REASON_STRAYED);
	/* Only addresses of the mesh: another cluster's node on this machine may have the same. */
	from_own = flow->protocol == IPPROTO_TCP || has_own_source(flow);
	if (!from_own && peer_at(flow->source_be))
		return decided(OUTCOME_REFUSED, REASON_FORWARDED);
	/* A socket from before the enrolment sends it, which the kernel cannot end. */
	if (!(pod->flags & POD_PERMISSIVE) && is_other_transport(flow) &&
	    is_of_the_mesh(skb, flow, pod))
		return decided(OUTCOME_REFUSED, REASON_PROTOCOL_REFUSED);
	echo = echo_of(skb, flow);
	if (is_isolated_datagram(skb, flow, pod, echo))
		return decided(OUTCOME_REFUSED, REASON_DATAGRAM_ISOLATED);
	if (is_refused_ping(echo, pod) && is_of_the_mesh(skb, flow, pod))
		return decided(OUTCOME_REFUSED, REASON_PING_REFUSED);
	if (!(pod->flags & POD_PERMISSIVE) &&
	    (flow->protocol == IPPROTO_UDP || shape == SHAPE_EXTENDED))
		return decide_datagram(skb, flow, pod, from_own);
	return PASSED;
}

SEC("cgroup_skb/egress")
int sluice_skb_egress(struct __sk_buff *skb)
{
	enum packet_shape shape = shape_of(skb);
	struct pod_key key = {};
	struct flow flow = {};
	const struct pod *pod;
	struct decision d;

	if (CONTEXT_WORD(skb->ifindex) == IFINDEX_LOOPBACK && shape == SHAPE_PLAIN)
		return PACKET_PASS;
	key.netns_cookie = pod_of_socket(skb);
	flow.netns_cookie = key.netns_cookie;
	pod = bpf_map_lookup_elem(&pods, &key);
	if (!pod || (pod->flags & POD_LEAVING) || !fill_flow(&flow, skb))
		return PACKET_PASS;
	d = decide_packet(skb, &flow, pod, shape);
	if (d.outcome != OUTCOME_REFUSED)
		return PACKET_PASS;
	/* All else was counted where the socket said where it sends. */
	settle(&flow, d.outcome, d.reason);
	return PACKET_REFUSE;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
