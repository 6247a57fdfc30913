// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: sk_lookup, from kernel 5.9, one instance per pod, attached to its network namespace:
 * this program type cannot ask for the namespace's cookie, so the instance's own map holds it.
 * Runs for packets that belong to no connected socket yet.
 * Pass: the kernel's own lookup goes on, or the assigned listener takes the packet.
 * Drop: the client is reset at once.
 *
 * Decides by addresses, never by the interface: a pod's connection to its own address arrives
 * with the index of eth0, so an interface test would steer the proxy's own connections back to
 * the proxy for ever.
 */
#include "verdict.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pod_self);
} pod_self SEC(".maps");

/* Listeners of this pod by enum sluice_slot; an empty one means: fail closed. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, SLOT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

/*
 * To the listener, or past it what the daemon leads so: one hop for a call within the node.
 * Without a listener that is refused like any other, or passes where the pod fails open. The
 * daemon's own look at the path is for the listener alone, and is not counted; what the listener
 * takes is counted when it is accepted.
 */
static __always_inline struct decision steer(struct bpf_sk_lookup *ctx, const struct flow *flow,
					     const struct pod *pod, __u8 kind)
{
	__u32 slot = flow->direction * 2 + !is_mapped(flow->destination_be);
	__u8 reason = kind == CONNECTION_PATH_CHECK ? UNCOUNTED : REASON_PROXY_UNAVAILABLE;
	struct bpf_sock *listener = bpf_map_lookup_elem(&listeners, &slot);
	long error = 0;

	if (!listener) {
		if (reason != UNCOUNTED && pod && (pod->flags & POD_FAIL_OPEN) &&
		    flow->direction == DIRECTION_INBOUND)
			return decided(OUTCOME_PASSTHROUGH, REASON_FAIL_OPEN);
		return decided(OUTCOME_REFUSED, reason);
	}
	/* Without the flag a reuseport group that joined the listener could take the packet. */
	if (kind != CONNECTION_LED_PAST)
		error = bpf_sk_assign(ctx, listener, BPF_SK_LOOKUP_F_NO_REUSEPORT);
	bpf_sk_release(listener);
	return error ? decided(OUTCOME_REFUSED, reason) : decided(OUTCOME_REDIRECTED, UNCOUNTED);
}

/*
 * A packet for the pod's own loopback: ours only if the connect hook sent it here. What has our
 * port without that is refused; nobody knows where it was going. So is all else for the range of
 * IPv6: unlike 127.0.0.0/8 and ::1 the kernel takes it from outside too.
 */
static __always_inline struct decision decide_loopback(const struct flow *flow,
						       const struct pod *pod, __u8 kind)
{
	__u16 port_be = pod ? pod->outbound_port6_be : 0;

	if (is_mapped(flow->destination_be)) {
		if ((flow->destination_be[3] & bpf_htonl(SLUICE_LOOPBACK_MASK)) !=
		    bpf_htonl(SLUICE_LOOPBACK_NET))
			return PASSED; /* the application's own */
		port_be = pod ? pod->outbound_port4_be : 0;
	}
	if (kind == CONNECTION_PATH_CHECK || kind == CONNECTION_REDIRECTED)
		return decided(OUTCOME_REDIRECTED, UNCOUNTED);
	if (is_spread6(flow->destination_be) || flow->destination_port_be == port_be)
		return decided(OUTCOME_REFUSED, UNCOUNTED);
	return PASSED;
}

/* Whether the connection never left the pod, whichever of the pod's addresses it comes from. */
static __always_inline int is_from_pod_itself(const struct flow *flow)
{
	struct pod_address_key source = { .netns_cookie = flow->netns_cookie };

	if (is_same_address(flow->source_be, flow->destination_be))
		return 1;
	copy_address(source.address_be, flow->source_be);
	return bpf_map_lookup_elem(&pod_addresses, &source) != 0;
}

/*
 * A declared probe port, called by a socket of the node itself: its connect hook has written the
 * very tuple down, so an address that somebody forges, or that traffic from elsewhere was
 * translated to, proves nothing. The application answers, or is not there: what the kubelet asks.
 */
static __always_inline int is_probe(const struct port_rule_key *port,
				    const struct connection_key *key)
{
	return bpf_map_lookup_elem(&probe_ports, port) &&
	       bpf_map_lookup_elem(&node_connections, key);
}

static __always_inline struct decision decide_inbound(const struct flow *flow,
						      const struct connection_key *key,
						      struct connection *connection,
						      const struct pod *pod, __u8 kind)
{
	struct pod_address_key own = { .netns_cookie = flow->netns_cookie };
	struct port_rule_key port = {
		.netns_cookie = flow->netns_cookie,
		.port_be = flow->destination_port_be,
		.direction = DIRECTION_INBOUND,
	};
	const __u32 *address;

	if (kind == CONNECTION_PROXY_INBOUND)
		return PASSED; /* the proxy's, to the application */
	if (kind == CONNECTION_PATH_CHECK)
		return decided(OUTCOME_REDIRECTED, UNCOUNTED);
	if (connection && kind == CONNECTION_FAST)
		connection->arrived = 1; /* by whichever way, and with or without a daemon */
	if (pod && (pod->flags & POD_LEAVING))
		return decided(OUTCOME_PASSTHROUGH, REASON_LEAVING);
	copy_address(own.address_be, flow->destination_be);
	address = bpf_map_lookup_elem(&pod_addresses, &own);
	if (address && *address == POD_ADDRESS_EXCLUDED)
		return decided(OUTCOME_PASSTHROUGH, REASON_EXCLUDED_INTERFACE);
	if (bpf_map_lookup_elem(&port_rules, &port))
		return decided(OUTCOME_PASSTHROUGH, REASON_EXCLUDED_PORT);
	if (is_probe(&port, key))
		return decided(OUTCOME_PASSTHROUGH, REASON_NODE_PROBE);
	if (kind == CONNECTION_REVOKED)
		return decided(OUTCOME_REFUSED, REASON_FAST_PATH);
	if (kind == CONNECTION_FAST)
		return PASSED;
	return decided(OUTCOME_REDIRECTED, UNCOUNTED);
}

SEC("sk_lookup")
int sluice_sk_lookup(struct bpf_sk_lookup *ctx)
{
	struct connection *connection;
	const struct pod_self *self;
	struct connection_key key = {};
	const struct pod *pod;
	struct flow flow = {};
	struct decision d;
	__u32 zero = 0;
	__u8 kind = 0;

	if (ctx->protocol != IPPROTO_TCP)
		return SK_PASS; /* datagrams: replies to the pod's own questions come this way */
	self = bpf_map_lookup_elem(&pod_self, &zero);
	if (!self)
		return SK_DROP;
	flow.netns_cookie = self->netns_cookie;
	flow.protocol = IPPROTO_TCP;
	/* IPv6 first, as in packet.bpf.h. */
	if (ctx->family != AF_INET) {
		flow.source_be[0] = CONTEXT_WORD(ctx->remote_ip6[0]);
		flow.source_be[1] = CONTEXT_WORD(ctx->remote_ip6[1]);
		flow.source_be[2] = CONTEXT_WORD(ctx->remote_ip6[2]);
		flow.source_be[3] = CONTEXT_WORD(ctx->remote_ip6[3]);
		flow.destination_be[0] = CONTEXT_WORD(ctx->local_ip6[0]);
		flow.destination_be[1] = CONTEXT_WORD(ctx->local_ip6[1]);
		flow.destination_be[2] = CONTEXT_WORD(ctx->local_ip6[2]);
		flow.destination_be[3] = CONTEXT_WORD(ctx->local_ip6[3]);
	} else {
		map_ipv4(flow.source_be, CONTEXT_WORD(ctx->remote_ip4));
		map_ipv4(flow.destination_be, CONTEXT_WORD(ctx->local_ip4));
	}
	flow.source_port_be = ctx->remote_port;
	flow.destination_port_be = bpf_htons((__u16)ctx->local_port);
	flow.direction = is_loopback(flow.destination_be) ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
	if (flow.direction == DIRECTION_INBOUND && is_from_pod_itself(&flow))
		return SK_PASS; /* the pod talking to itself, or the proxy to the application */
	key.netns_cookie = flow.netns_cookie;
	copy_address(key.source_be, flow.source_be);
	copy_address(key.destination_be, flow.destination_be);
	key.source_port_be = flow.source_port_be;
	key.destination_port_be = flow.destination_port_be;
	connection = bpf_map_lookup_elem(&connections, &key);
	if (connection)
		kind = connection->kind;
	pod = bpf_map_lookup_elem(&pods, &flow.netns_cookie);
	if (flow.direction == DIRECTION_OUTBOUND)
		d = decide_loopback(&flow, pod, kind);
	else
		d = decide_inbound(&flow, &key, connection, pod, kind);
	if (d.outcome == OUTCOME_REDIRECTED)
		d = steer(ctx, &flow, pod, kind);
	if (d.reason != UNCOUNTED)
		settle(&flow, d.outcome, d.reason);
	return d.outcome == OUTCOME_REFUSED ? SK_DROP : SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
