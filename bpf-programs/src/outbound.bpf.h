/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What an enrolled pod's outgoing traffic gets, decided where it starts: connect and sendmsg. */
#ifndef SLUICE_OUTBOUND_BPF_H
#define SLUICE_OUTBOUND_BPF_H

#include "datagram.bpf.h"
#include "verdict.bpf.h"

#define SOCK_STREAM 1
#define IFINDEX_LOOPBACK 1

/* Return values of sock_addr programs: refused calls fail with EPERM. */
enum sock_addr_answer { ANSWER_REFUSE = 0, ANSWER_PROCEED = 1 };

/* True while a daemon runs: its listening socket leaves the map in the moment it dies. */
static __always_inline int is_daemon_alive(void)
{
	struct bpf_sock *listener;
	__u32 zero = 0;

	listener = bpf_map_lookup_elem(&liveness, &zero);
	if (!listener)
		return 0;
	bpf_sk_release(listener);
	return 1;
}

static __always_inline int is_dns_port(const struct flow *flow)
{
	return flow->destination_port_be == bpf_htons(SLUICE_DNS_PORT);
}

/* All that the pod's lists say of the destination: bits of enum rule_action. */
static __always_inline __u32 find_range_rules(const struct flow *flow)
{
	struct range_rule_key key = { .prefix_length = 64 + 128 };
	const __u32 *rules;

	key.netns_cookie[0] = (__u32)flow->netns_cookie;
	key.netns_cookie[1] = (__u32)(flow->netns_cookie >> 32);
	copy_address(key.address_be, flow->destination_be);
	rules = bpf_map_lookup_elem(&range_rules, &key);
	return rules ? *rules : 0;
}

/* Whether it asks one of the pod's resolvers for a name. */
static __always_inline int asks_resolver(const struct flow *flow)
{
	return is_dns_port(flow) && (find_range_rules(flow) & RULE_RESOLVER);
}

static __always_inline struct decision decide_range(__u32 rules, const struct pod *pod)
{
	if (rules & RULE_EXCLUDE)
		return decided(OUTCOME_PASSTHROUGH, REASON_EXCLUDED_RANGE);
	if ((pod->flags & POD_HAS_INCLUSIONS) && !(rules & RULE_INCLUDE))
		return decided(OUTCOME_PASSTHROUGH, REASON_NOT_INCLUDED);
	return decided(OUTCOME_REDIRECTED, REASON_MESH_TRAFFIC);
}

static __always_inline struct decision decide_interface(const struct flow *flow,
							const struct pod *pod, __u32 ifindex)
{
	struct interface_rule_key key = { .netns_cookie = flow->netns_cookie, .ifindex = ifindex };

	if (bpf_map_lookup_elem(&interface_rules, &key))
		return decided(OUTCOME_PASSTHROUGH, REASON_EXCLUDED_INTERFACE);
	if (ifindex == 0 || ifindex == IFINDEX_LOOPBACK || ifindex == pod->primary_ifindex)
		return decided(OUTCOME_REDIRECTED, REASON_MESH_TRAFFIC);
	if (pod->flags & POD_PERMISSIVE)
		return decided(OUTCOME_PASSTHROUGH, REASON_OTHER_INTERFACE);
	return decided(OUTCOME_REFUSED, REASON_OTHER_INTERFACE);
}

/* What cannot be redirected: let through by name, or refused. */
static __always_inline struct decision decide_unredirectable(const struct flow *flow,
							     const struct pod *pod, __u32 rules)
{
	if (flow->protocol == IPPROTO_UDP) {
		int dns = is_dns_port(flow);

		if (rules & RULE_ISOLATED)
			return decided(OUTCOME_REFUSED, REASON_DATAGRAM_ISOLATED);
		if (dns && (rules & RULE_RESOLVER))
			return decided(OUTCOME_PASSTHROUGH, REASON_DNS);
		if (pod->flags & POD_PERMISSIVE)
			return decided(OUTCOME_PASSTHROUGH, REASON_DATAGRAM_PERMISSIVE);
		return decided(OUTCOME_REFUSED, dns ? REASON_DNS_REFUSED : REASON_DATAGRAM_REFUSED);
	}
	if (pod->flags & POD_PERMISSIVE)
		return decided(OUTCOME_PASSTHROUGH, REASON_PROTOCOL_PERMISSIVE);
	return decided(OUTCOME_REFUSED, REASON_PROTOCOL_REFUSED);
}

/*
 * The order of the questions is part of the contract between the mechanisms: what never leaves
 * the pod first, then what nobody may call, what the operator excluded, what cannot be redirected.
 */
static __always_inline struct decision decide_outbound(const struct flow *flow,
						       const struct pod *pod, __u32 bound_ifindex)
{
	struct pod_address_key own = { .netns_cookie = flow->netns_cookie };
	struct port_rule_key port = {
		.netns_cookie = flow->netns_cookie,
		.port_be = flow->destination_port_be,
		.direction = DIRECTION_OUTBOUND,
	};
	struct decision d;
	__u32 rules;

	if (pod->flags & POD_LEAVING)
		return decided(OUTCOME_PASSTHROUGH, REASON_LEAVING);
	if (is_loopback(flow->destination_be) || is_unspecified(flow->destination_be) ||
	    (is_mapped(flow->destination_be) && flow->destination_be[3] == 0))
		return decided(OUTCOME_PASSTHROUGH, REASON_LOOPBACK);
	copy_address(own.address_be, flow->destination_be);
	if (bpf_map_lookup_elem(&pod_addresses, &own))
		return decided(OUTCOME_PASSTHROUGH, REASON_SELF);
	rules = find_range_rules(flow);
	if ((rules & RULE_METADATA) && !(is_dns_port(flow) && (rules & RULE_RESOLVER)))
		return decided(OUTCOME_REFUSED, REASON_METADATA_REFUSED);
	if (is_link_local(flow->destination_be))
		return decided(OUTCOME_PASSTHROUGH, REASON_LINK_LOCAL);
	d = decide_interface(flow, pod, bound_ifindex);
	if (d.outcome != OUTCOME_REDIRECTED)
		return d;
	if (bpf_map_lookup_elem(&port_rules, &port))
		return decided(OUTCOME_PASSTHROUGH, REASON_EXCLUDED_PORT);
	d = decide_range(rules, pod);
	if (d.outcome != OUTCOME_REDIRECTED)
		return d;
	if (flow->protocol != IPPROTO_TCP)
		return decide_unredirectable(flow, pod, rules);
	if ((pod->flags & POD_FAIL_OPEN) && !(rules & RULE_ISOLATED) && !is_daemon_alive())
		return decided(OUTCOME_PASSTHROUGH, REASON_FAIL_OPEN);
	return decided(OUTCOME_REDIRECTED, REASON_MESH_TRAFFIC);
}

/*
 * A datagram that is refused else: let through where a UDPRoute grants it, or grants what it
 * answers. The port that an answer comes from is the one called.
 */
static __always_inline struct decision decide_granted(const struct flow *flow, struct bpf_sock *sk,
						      struct decision d)
{
	const struct datagram_peer *peer;
	__u16 own_port_be;

	if (flow->protocol != IPPROTO_UDP ||
	    (d.reason != REASON_DATAGRAM_REFUSED && d.reason != REASON_DNS_REFUSED))
		return d;
	peer = peer_at(flow->destination_be);
	if (!peer)
		return d;
	own_port_be = sk ? bpf_htons((__u16)sk->src_port) : 0;
	if (find_grant(flow->netns_cookie, DIRECTION_OUTBOUND, peer, flow->destination_port_be) ||
	    (own_port_be && find_grant(flow->netns_cookie, DIRECTION_INBOUND, peer, own_port_be)))
		return decided(OUTCOME_PASSTHROUGH, REASON_DATAGRAM_GRANTED);
	return d;
}

static __always_inline int is_proxy_process(void)
{
	__u64 cgroup = bpf_get_current_cgroup_id();

	return bpf_map_lookup_elem(&proxy_cgroups, &cgroup) != 0;
}

/*
 * Remembers the proxy's own connection, unless the daemon has already said more about it. False
 * where it shall show its client to the application and the pod has no room for that: without an
 * entry the application would take the pod itself for the client. One led past counts for the
 * application's pod.
 */
static __always_inline int mark_proxy_socket(struct bpf_sock *sk, __u64 netns_cookie)
{
	const struct pod_connections *own;
	struct socket_state *state;
	struct pod_key pod = {};
	__u32 zero = 0;
	const __u32 *all;

	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return 1; /* only the loop guard for pods with several addresses is lost */
	state->role = SOCKET_PROXY;
	if (!(state->flags & SOCKET_LED_PAST))
		state->netns_cookie = netns_cookie;
	if (!(state->flags & SOCKET_PRESENTS_CLIENT))
		return 1;
	pod.netns_cookie = state->netns_cookie;
	own = bpf_map_lookup_elem(&pod_connections, &pod);
	if (!own && (state->flags & SOCKET_LED_PAST))
		return 1; /* that pod is being released: nothing steers there */
	all = bpf_map_lookup_elem(&all_connections, &zero);
	return own && all && has_room(own, all);
}

/*
 * The daemon's look whether redirection works: goes the way of the application's connections, but
 * past the exclusions and the counters. Asked of exempt processes only, and only the daemon can
 * give a socket this role, so that an application has nothing to gain by it.
 */
static __always_inline int is_path_check(const struct flow *flow, struct bpf_sock *sk)
{
	struct socket_state *state;

	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!state || state->role != SOCKET_PATH_CHECK)
		return 0;
	state->netns_cookie = flow->netns_cookie;
	copy_address(state->peer_be, flow->destination_be);
	state->peer_port_be = flow->destination_port_be;
	return 1;
}

/* A connection of the node itself to an enrolled pod: remember it, so that it can be proven. */
static __always_inline void mark_node_socket(struct bpf_sock *sk, const struct flow *flow)
{
	const struct pod_key *pod;
	const struct config *settings;
	struct socket_state *state;
	struct address_key address;
	__u32 zero = 0;

	settings = bpf_map_lookup_elem(&config, &zero);
	if (!settings || settings->host_netns_cookie != flow->netns_cookie)
		return;
	copy_address(address.address_be, flow->destination_be);
	pod = bpf_map_lookup_elem(&pod_by_address, &address);
	if (!pod)
		return;
	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return; /* the pod takes it for a stranger: refused rather than let in */
	if (state->role == SOCKET_PATH_CHECK && is_proxy_process())
		return; /* the daemon has named the pod itself */
	state->netns_cookie = pod->netns_cookie;
	state->role = SOCKET_NODE;
}

/* Where a connect() goes, by way of the address that its caller writes. */
enum way_kind {
	WAY_AS_CALLED,
	WAY_LISTENER, /* of the pod, at the port */
	WAY_ENDPOINT, /* at address and port */
};

struct way {
	enum way_kind kind;
	__u32 address_be[4];
	__u16 port_be;
	__u8 is_spread6; /* the pod has the range for IPv6 */
};

/* Whether a source address was chosen that may not lead to another pod. */
static __always_inline int is_bound_elsewhere(struct bpf_sock *sk, const struct pod *pod)
{
	__u32 source[4];

	if (sk->family == AF_INET) {
		__u32 own = sk->src_ip4;

		return own && own != pod->address4_be[3];
	}
	source[0] = sk->src_ip6[0];
	source[1] = sk->src_ip6[1];
	source[2] = sk->src_ip6[2];
	source[3] = sk->src_ip6[3];
	return !is_unspecified(source) && !(is_mapped(source) && !source[3]) &&
	       !is_same_address(source, pod->address4_be) &&
	       !is_same_address(source, pod->address6_be);
}

/*
 * Leads a redirected connect() to a pod of this node without the proxy, where a grant says so.
 * False: it goes to the proxy, which knows what is to be done. A socket that is bound to an
 * interface does, for it may mean one that leads elsewhere.
 */
static __always_inline int lead_fast(struct bpf_sock *sk, const struct flow *flow,
				     const struct pod *pod, struct way *way)
{
	struct grant_key key = {
		.netns_cookie = flow->netns_cookie,
		.destination_port_be = flow->destination_port_be,
	};
	struct pod_key caller = { .netns_cookie = flow->netns_cookie };
	struct pod_key called = {};
	const struct pod_connections *own;
	const struct pod *callee;
	const struct grant *grant;
	struct socket_state *state;
	__u32 index = ALL_OPENING;
	const __u32 *opening;
	const __u32 *fast;
	__u32 chosen;

	copy_address(key.destination_be, flow->destination_be);
	grant = bpf_map_lookup_elem(&fast_path, &key);
	if (!grant || !grant->count || sk->bound_dev_if || is_bound_elsewhere(sk, pod))
		return 0;
	chosen = bpf_get_prandom_u32() % grant->count;
	if (chosen >= SLUICE_MAX_GRANT_ENDPOINTS)
		return 0;
	called.netns_cookie = grant->endpoints[chosen].netns_cookie;
	callee = bpf_map_lookup_elem(&pods, &called);
	if (!callee || (callee->flags & POD_LEAVING))
		return 0;
	opening = bpf_map_lookup_elem(&all_connections, &index);
	index = ALL_FAST;
	fast = bpf_map_lookup_elem(&all_connections, &index);
	own = bpf_map_lookup_elem(&pod_connections, &caller);
	if (!own || !opening || !fast || !has_fast_room(own, fast))
		return 0;
	own = bpf_map_lookup_elem(&pod_connections, &called);
	if (!own || !has_room(own, opening))
		return 0;
	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return 0;
	state->netns_cookie = called.netns_cookie;
	state->caller_cookie = flow->netns_cookie;
	state->role = SOCKET_FAST;
	state->flags = 0;
	copy_address(state->peer_be, flow->destination_be);
	state->peer_port_be = flow->destination_port_be;
	way->kind = WAY_ENDPOINT;
	copy_address(way->address_be, grant->endpoints[chosen].address_be);
	way->port_be = grant->endpoints[chosen].port_be;
	return 1;
}

/*
 * Decides a connect() and remembers the original destination of a redirected one.
 * Returns the answer; *way is what the caller must rewrite the address to.
 */
static __always_inline int on_connect(struct bpf_sock_addr *ctx, struct flow *flow, struct way *way)
{
	struct pod_key key = { .netns_cookie = flow->netns_cookie };
	struct socket_state *state;
	struct bpf_sock *sk = ctx->sk;
	const struct pod *pod;
	struct decision d;
	__u32 bound_ifindex;

	__builtin_memset(way, 0, sizeof(*way));
	pod = bpf_map_lookup_elem(&pods, &key);
	if (!pod) {
		if (sk && flow->protocol == IPPROTO_TCP)
			mark_node_socket(sk, flow);
		return ANSWER_PROCEED; /* not in the mesh */
	}
	if (!sk)
		return ANSWER_REFUSE;
	way->port_be =
		is_mapped(flow->destination_be) ? pod->outbound_port4_be : pod->outbound_port6_be;
	way->is_spread6 = (pod->flags & POD_SPREAD_IPV6) != 0;
	if (is_proxy_process()) {
		if (flow->protocol == IPPROTO_TCP) {
			if (is_path_check(flow, sk)) {
				way->kind = WAY_LISTENER;
				return ANSWER_PROCEED;
			}
			if (!mark_proxy_socket(sk, flow->netns_cookie)) {
				settle(flow, OUTCOME_REFUSED, REASON_POD_QUOTA);
				return ANSWER_REFUSE;
			}
		}
		settle(flow, OUTCOME_PASSTHROUGH, REASON_PROXY_SOCKET);
		return ANSWER_PROCEED;
	}
	bound_ifindex = sk->bound_dev_if;
	d = decide_granted(flow, sk, decide_outbound(flow, pod, bound_ifindex));
	if (d.outcome == OUTCOME_REDIRECTED && lead_fast(sk, flow, pod, way)) {
		settle(flow, OUTCOME_PASSTHROUGH, REASON_FAST_PATH);
		return ANSWER_PROCEED;
	}
	if (d.outcome == OUTCOME_REDIRECTED) {
		state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (!state) {
			settle(flow, OUTCOME_REFUSED, REASON_CONNECTION_MAP_FULL);
			return ANSWER_REFUSE;
		}
		state->netns_cookie = flow->netns_cookie;
		state->caller_cookie = 0;
		state->role = SOCKET_REDIRECTED;
		state->flags = 0;
		copy_address(state->peer_be, flow->destination_be);
		state->peer_port_be = flow->destination_port_be;
		if (bound_ifindex) {
			char none[1] = { 0 };

			/* A socket bound to eth0 never reaches loopback: its SYN would vanish. */
			bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, none, sizeof(none));
		}
		way->kind = WAY_LISTENER;
	} else if (flow->protocol == IPPROTO_TCP) {
		/* An earlier, failed attempt of this socket may have been redirected. */
		bpf_sk_storage_delete(&sockets, sk);
	}
	settle(flow, d.outcome, d.reason);
	return d.outcome == OUTCOME_REFUSED ? ANSWER_REFUSE : ANSWER_PROCEED;
}

/* Decides one datagram of a socket that is not connected, or that names another destination. */
static __always_inline int on_sendmsg(struct bpf_sock_addr *ctx, struct flow *flow)
{
	struct pod_key key = { .netns_cookie = flow->netns_cookie };
	struct bpf_sock *sk = ctx->sk;
	const struct pod *pod;
	struct decision d;

	pod = bpf_map_lookup_elem(&pods, &key);
	if (!pod)
		return ANSWER_PROCEED;
	if (is_proxy_process()) {
		settle(flow, OUTCOME_PASSTHROUGH, REASON_PROXY_SOCKET);
		return ANSWER_PROCEED;
	}
	d = decide_granted(flow, sk, decide_outbound(flow, pod, sk ? sk->bound_dev_if : 0));
	settle(flow, d.outcome, d.reason);
	return d.outcome == OUTCOME_REFUSED ? ANSWER_REFUSE : ANSWER_PROCEED;
}

/* Spreads destinations over a loopback range; the constant is 2^32 divided by the golden ratio. */
static __always_inline __u32 spread_of(__u32 word, __u32 other)
{
	__u32 hash = word * 0x9e3779b1u;

	hash ^= (other + 0x7f4a7c15u) * 0x85ebca6bu;
	hash ^= hash >> 15;
	hash *= 0xc2b2ae35u;
	hash ^= hash >> 13;
	return hash;
}

static __always_inline __u32 spread(const struct flow *flow)
{
	__u32 hash = spread_of(flow->destination_be[3], flow->destination_port_be);

	return SLUICE_LOOPBACK_NET | (hash & ~SLUICE_LOOPBACK_MASK);
}

/* The last two words of an address of the range for IPv6: by each word of the destination. */
static __always_inline void spread6(const struct flow *flow, __u32 words[2])
{
	words[0] = spread_of(spread_of(flow->destination_be[0], flow->destination_be[1]),
			     flow->destination_be[2]);
	words[1] = spread_of(flow->destination_be[3], flow->destination_port_be);
}

static __always_inline void fill_flow4(struct flow *flow, struct bpf_sock_addr *ctx)
{
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->netns_cookie = bpf_get_netns_cookie(ctx);
	map_ipv4(flow->destination_be, ctx->user_ip4);
	flow->destination_port_be = ctx->user_port;
	flow->protocol = ctx->protocol;
	flow->direction = DIRECTION_OUTBOUND;
}

static __always_inline void fill_flow6(struct flow *flow, struct bpf_sock_addr *ctx)
{
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->netns_cookie = bpf_get_netns_cookie(ctx);
	flow->destination_be[0] = ctx->user_ip6[0];
	flow->destination_be[1] = ctx->user_ip6[1];
	flow->destination_be[2] = ctx->user_ip6[2];
	flow->destination_be[3] = ctx->user_ip6[3];
	flow->destination_port_be = ctx->user_port;
	flow->protocol = ctx->protocol;
	flow->direction = DIRECTION_OUTBOUND;
}

#endif
