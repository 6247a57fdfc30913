// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hook: sock_ops, from kernel 4.13 (sk 5.3; uses the netns cookie from 5.15), attached at the root of cgroup2.
 * Carries what the connecting side knows to the accepting side: written when the SYN is about to
 * leave, taken over when the accepted socket is established, removed when the connecting socket
 * closes. Of what grants lead past the proxy it follows both ends, and counts.
 * The return value says nothing; no reply is set, other programs may have set theirs.
 */
#include "verdict.bpf.h"

#define HANDLED 1

/* Whether programs of this type may ask for the namespace's cookie (5.15); set before loading. */
const volatile __u32 has_netns_cookie = 1;

/* remote_port is in network byte order in the upper half of 32 bits, local_port in host order. */
static __always_inline __u16 remote_port_be(const struct bpf_sock_ops *ops)
{
	return bpf_htons((__u16)bpf_ntohl(ops->remote_port));
}

static __always_inline void remote_address(__u32 address[4], struct bpf_sock_ops *ops)
{
	if (ops->family == AF_INET) {
		map_ipv4(address, CONTEXT_WORD(ops->remote_ip4));
		return;
	}
	address[0] = CONTEXT_WORD(ops->remote_ip6[0]);
	address[1] = CONTEXT_WORD(ops->remote_ip6[1]);
	address[2] = CONTEXT_WORD(ops->remote_ip6[2]);
	address[3] = CONTEXT_WORD(ops->remote_ip6[3]);
}

static __always_inline void local_address(__u32 address[4], struct bpf_sock_ops *ops)
{
	if (ops->family == AF_INET) {
		map_ipv4(address, CONTEXT_WORD(ops->local_ip4));
		return;
	}
	address[0] = CONTEXT_WORD(ops->local_ip6[0]);
	address[1] = CONTEXT_WORD(ops->local_ip6[1]);
	address[2] = CONTEXT_WORD(ops->local_ip6[2]);
	address[3] = CONTEXT_WORD(ops->local_ip6[3]);
}

/* Key as seen from the connecting side. */
static __always_inline void key_of_connector(struct connection_key *key, struct bpf_sock_ops *ops,
					     __u64 netns_cookie)
{
	key->netns_cookie = netns_cookie;
	local_address(key->source_be, ops);
	remote_address(key->destination_be, ops);
	key->source_port_be = bpf_htons((__u16)ops->local_port);
	key->destination_port_be = remote_port_be(ops);
	key->pad = 0;
}

/* The same key as seen from the accepting side. */
static __always_inline void key_of_acceptor(struct connection_key *key, struct bpf_sock_ops *ops,
					    __u64 netns_cookie)
{
	key->netns_cookie = netns_cookie;
	remote_address(key->source_be, ops);
	local_address(key->destination_be, ops);
	key->source_port_be = remote_port_be(ops);
	key->destination_port_be = bpf_htons((__u16)ops->local_port);
	key->pad = 0;
}

static __always_inline void fill_flow(struct flow *flow, const struct connection_key *key,
				      __u8 direction)
{
	flow->netns_cookie = key->netns_cookie;
	copy_address(flow->source_be, key->source_be);
	copy_address(flow->destination_be, key->destination_be);
	flow->source_port_be = key->source_port_be;
	flow->destination_port_be = key->destination_port_be;
	flow->protocol = IPPROTO_TCP;
	flow->direction = direction;
}

/* Takes an entry out of its pod's count; one of an earlier enrolment is in none. */
static __always_inline void discount(__u64 netns_cookie, __u32 enrolment)
{
	struct pod_key pod = { .netns_cookie = netns_cookie };
	struct pod_connections *own = bpf_map_lookup_elem(&pod_connections, &pod);
	__u32 index = ALL_OPENING;
	__u32 *all = bpf_map_lookup_elem(&all_connections, &index);

	if (own && own->enrolment == enrolment)
		__sync_fetch_and_add(&own->opening, -1);
	if (all)
		__sync_fetch_and_add(all, -1);
}

/* Removes an entry that was looked up. Of several that try, one succeeds and counts. */
static __always_inline void forget(const struct connection_key *key,
				   const struct connection *connection)
{
	__u32 enrolment = connection->enrolment;

	if (!bpf_map_delete_elem(&connections, key))
		discount(key->netns_cookie, enrolment);
}

/* Writes an entry and counts it; returns 0, or the reason why there is none. */
static __always_inline int note(const struct connection_key *key, struct connection *value)
{
	struct pod_key pod = { .netns_cookie = key->netns_cookie };
	struct pod_connections *own = bpf_map_lookup_elem(&pod_connections, &pod);
	__u32 index = ALL_OPENING;
	__u32 *all = bpf_map_lookup_elem(&all_connections, &index);
	const struct connection *stale;

	if (!own || !all)
		return REASON_PROXY_UNAVAILABLE; /* it was released meanwhile */
	/* The daemon's look must not fail for what the pod does: it is not the path's fault. */
	if (value->kind != CONNECTION_PATH_CHECK && !has_room(own, all))
		return REASON_POD_QUOTA;
	value->enrolment = own->enrolment;
	__sync_fetch_and_add(&own->opening, 1);
	__sync_fetch_and_add(all, 1);
	if (!bpf_map_update_elem(&connections, key, value, BPF_NOEXIST))
		return 0;
	stale = bpf_map_lookup_elem(&connections, key);
	if (stale) {
		forget(key, stale);
		if (!bpf_map_update_elem(&connections, key, value, BPF_NOEXIST))
			return 0;
	}
	discount(key->netns_cookie, value->enrolment);
	return REASON_CONNECTION_MAP_FULL;
}

static __always_inline struct fast_counts *counts_of(const struct connection_key *key,
						     const struct fast_connection *fast)
{
	const struct fast_counts none = {};
	struct fast_counter_key counter = {
		.caller_cookie = fast->caller_cookie,
		.netns_cookie = key->netns_cookie,
		.called_port_be = fast->called_port_be,
	};
	struct fast_counts *counts;

	copy_address(counter.called_be, fast->called_be);
	counts = bpf_map_lookup_elem(&fast_counters, &counter);
	if (counts)
		return counts;
	bpf_map_update_elem(&fast_counters, &counter, &none, BPF_NOEXIST);
	counts = bpf_map_lookup_elem(&fast_counters, &counter);
	if (!counts)
		count_loss(LOSS_COUNTER);
	return counts;
}

static __always_inline void report_fast(const struct connection_key *key,
					const struct fast_connection *fast)
{
	struct fast_record *record = bpf_ringbuf_reserve(&fast_records, sizeof(*record), 0);

	if (!record) {
		count_loss(LOSS_EVENT);
		return;
	}
	record->caller_cookie = fast->caller_cookie;
	record->netns_cookie = key->netns_cookie;
	record->opened_nanos = fast->opened_nanos;
	record->closed_nanos = bpf_ktime_get_ns();
	record->sent = fast->sent;
	record->received = fast->received;
	copy_address(record->source_be, key->source_be);
	copy_address(record->destination_be, key->destination_be);
	copy_address(record->called_be, fast->called_be);
	record->source_port_be = key->source_port_be;
	record->destination_port_be = key->destination_port_be;
	record->called_port_be = fast->called_port_be;
	record->reset_by = (__u8)fast->reset_by;
	record->pad = 0;
	bpf_ringbuf_submit(record, 0);
}

static __always_inline void discount_fast(const struct fast_connection *fast)
{
	struct pod_key pod = { .netns_cookie = fast->caller_cookie };
	struct pod_connections *own = bpf_map_lookup_elem(&pod_connections, &pod);
	__u32 index = ALL_FAST;
	__u32 *all = bpf_map_lookup_elem(&all_connections, &index);

	if (own && own->enrolment == fast->enrolment)
		__sync_fetch_and_add(&own->fast, -1);
	if (all)
		__sync_fetch_and_add(all, -1);
}

/*
 * Both ends have closed. Of several that find so, one counts: what is no entry any more is in the
 * counters, and never in both.
 */
static __always_inline void finish_fast(const struct connection_key *key,
					const struct fast_connection *open)
{
	struct fast_connection fast = *open;
	struct fast_counts *counts;

	if (bpf_map_delete_elem(&fast_connections, key))
		return;
	discount_fast(&fast);
	if (!fast.opened_nanos)
		return; /* nobody has answered */
	counts = counts_of(key, &fast);
	if (counts) {
		if (fast.reset_by == FAST_END_CALLER)
			__sync_fetch_and_add(&counts->reset_by_caller, 1);
		else if (fast.reset_by == FAST_END_CALLED)
			__sync_fetch_and_add(&counts->reset_by_called, 1);
		else
			__sync_fetch_and_add(&counts->closed, 1);
		__sync_fetch_and_add(&counts->sent, fast.sent);
		__sync_fetch_and_add(&counts->received, fast.received);
	}
	report_fast(key, &fast);
}

/* Whether what connect() has read holds still. */
static __always_inline int is_granted(const struct socket_state *state,
				      const struct connection_key *key)
{
	struct grant_key wanted = {
		.netns_cookie = state->caller_cookie,
		.destination_port_be = state->peer_port_be,
	};
	const struct grant *grant;
	__u32 i;

	copy_address(wanted.destination_be, state->peer_be);
	grant = bpf_map_lookup_elem(&fast_path, &wanted);
	if (!grant)
		return 0;
	for (i = 0; i < SLUICE_MAX_GRANT_ENDPOINTS; i++) {
		const struct grant_endpoint *one = &grant->endpoints[i];

		if (i < grant->count && one->netns_cookie == key->netns_cookie &&
		    one->port_be == key->destination_port_be &&
		    is_same_address(one->address_be, key->destination_be))
			return 1;
	}
	return 0;
}

/* Calls this program again for each round trip, and when the socket closes. */
static __always_inline void follow_fast(struct bpf_sock_ops *ops)
{
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG |
					       BPF_SOCK_OPS_RTT_CB_FLAG);
}

/*
 * A connect() that a grant leads. First it is written down and then the grant is looked at once
 * more, while the daemon takes the grant away first and then looks at what is written down: none
 * slips through between, though long may pass after connect() (TCP Fast Open).
 */
static __always_inline void begin_fast(struct bpf_sock_ops *ops, const struct socket_state *state)
{
	struct pod_key caller = { .netns_cookie = state->caller_cookie };
	struct pod_connections *own = bpf_map_lookup_elem(&pod_connections, &caller);
	__u32 index = ALL_FAST;
	__u32 *all = bpf_map_lookup_elem(&all_connections, &index);
	struct fast_connection fast = {};
	struct connection value = {};
	struct connection_key key;

	key_of_connector(&key, ops, state->netns_cookie);
	fast.caller_cookie = state->caller_cookie;
	copy_address(fast.called_be, state->peer_be);
	fast.called_port_be = state->peer_port_be;
	copy_address(value.address_be, state->peer_be);
	value.port_be = state->peer_port_be;
	value.kind = CONNECTION_REVOKED;
	if (own && all) {
		const struct fast_connection *stale = bpf_map_lookup_elem(&fast_connections, &key);

		if (stale)
			finish_fast(&key, stale); /* whose ends the kernel has not told of */
		fast.enrolment = own->enrolment;
		__sync_fetch_and_add(&own->fast, 1);
		__sync_fetch_and_add(all, 1);
		/* Many may have passed connect() before: with itself counted it still has its share. */
		if (own->fast + *all > SLUICE_MAX_FAST_CONNECTIONS ||
		    bpf_map_update_elem(&fast_connections, &key, &fast, BPF_NOEXIST))
			discount_fast(&fast);
		else if (is_granted(state, &key))
			value.kind = CONNECTION_FAST;
	}
	if (note(&key, &value)) {
		const struct fast_connection *written =
			bpf_map_lookup_elem(&fast_connections, &key);

		/* The pod called takes it for a stranger's, and its listener refuses it. */
		if (written)
			finish_fast(&key, written);
	}
	follow_fast(ops);
}

/*
 * The SYN of a fast one was answered. By another than the pod called, where its steering has not
 * seen it: the address is somebody else's by now. That one shall have no byte, so the socket is
 * bound to where nothing leads.
 */
static __always_inline void established_fast(struct bpf_sock_ops *ops,
					     const struct socket_state *state)
{
	const struct connection *connection;
	struct fast_connection *fast;
	struct fast_counts *counts;
	struct connection_key key;

	key_of_connector(&key, ops, state->netns_cookie);
	fast = bpf_map_lookup_elem(&fast_connections, &key);
	connection = bpf_map_lookup_elem(&connections, &key);
	/* Who takes data with the SYN has accepted it already, and the tuple has been forgotten. */
	if (!(fast && fast->accepted) && !(connection && connection->arrived)) {
		char loopback[3] = "lo";
		struct flow flow;

		bpf_setsockopt(ops, SOL_SOCKET, SO_BINDTODEVICE, loopback, sizeof(loopback));
		fill_flow(&flow, &key, DIRECTION_OUTBOUND);
		flow.netns_cookie = state->caller_cookie;
		settle(&flow, OUTCOME_REFUSED, REASON_FAST_PATH);
		return;
	}
	if (!fast)
		return;
	fast->opened_nanos = bpf_ktime_get_ns();
	counts = counts_of(&key, fast);
	if (counts)
		__sync_fetch_and_add(&counts->opened, 1);
}

static __always_inline int is_fast(const struct socket_state *state)
{
	return state && (state->role == SOCKET_FAST || state->role == SOCKET_FAST_ACCEPTED);
}

/* Of the two ends of a fast one. */
static __always_inline int is_connector(const struct socket_state *state)
{
	return state->role == SOCKET_FAST;
}

static __always_inline void key_of_fast(struct connection_key *key, struct bpf_sock_ops *ops,
					const struct socket_state *state)
{
	if (is_connector(state))
		key_of_connector(key, ops, state->netns_cookie);
	else
		key_of_acceptor(key, ops, state->netns_cookie);
}

/* What this end has sent and the other has acknowledged: SYN and FIN count in the kernel. */
static __always_inline __u64 payload_of(struct bpf_sock_ops *ops, const struct socket_state *state)
{
	__u64 acked = ops->bytes_acked;
	__u64 beside = is_connector(state) + (state->flags & SOCKET_FIN_ACKED ? 1 : 0);

	return acked > beside ? acked - beside : 0;
}

static __always_inline void count_payload(struct bpf_sock_ops *ops,
					  const struct socket_state *state,
					  struct fast_connection *fast)
{
	if (is_connector(state))
		fast->sent = payload_of(ops, state);
	else
		fast->received = payload_of(ops, state);
}

/* Of a connection that stays open long: once in the time of a way there and back. */
static __always_inline void measure_fast(struct bpf_sock_ops *ops, const struct socket_state *state)
{
	struct fast_connection *fast;
	struct connection_key key;

	if (ops->state != BPF_TCP_ESTABLISHED && ops->state != BPF_TCP_CLOSE_WAIT)
		return; /* a FIN may be in it */
	key_of_fast(&key, ops, state);
	fast = bpf_map_lookup_elem(&fast_connections, &key);
	if (fast)
		count_payload(ops, state, fast);
}

static __always_inline void close_fast(struct bpf_sock_ops *ops, struct socket_state *state,
				       __u32 from)
{
	struct fast_connection *fast;
	struct connection_key key;

	/* Else FIN_WAIT2 has told. A reset meanwhile leaves something unacknowledged. */
	if ((from == BPF_TCP_LAST_ACK || from == BPF_TCP_CLOSING) && ops->snd_una == ops->snd_nxt)
		state->flags |= SOCKET_FIN_ACKED;
	key_of_fast(&key, ops, state);
	fast = bpf_map_lookup_elem(&fast_connections, &key);
	if (!fast)
		return;
	count_payload(ops, state, fast);
	if (!fast->ended && (from == BPF_TCP_ESTABLISHED || from == BPF_TCP_CLOSE_WAIT))
		fast->reset_by = is_connector(state) ? FAST_END_CALLER : FAST_END_CALLED;
	/* Who adds last sees both, whatever else is seen in which order. */
	__sync_fetch_and_add(&fast->ended, 1);
	if (fast->ended >= 2 || (is_connector(state) && !fast->accepted))
		finish_fast(&key, fast);
}

static __always_inline void on_connect(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct connection value = {};
	struct socket_state *state;
	struct connection_key key;
	int reason;

	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!state)
		return;
	if (state->role == SOCKET_FAST) {
		begin_fast(ops, state);
		return;
	}
	if (state->role == SOCKET_REDIRECTED)
		value.kind = CONNECTION_REDIRECTED;
	else if (state->role == SOCKET_PROXY && (state->flags & SOCKET_PRESENTS_CLIENT))
		value.kind = state->flags & SOCKET_LED_PAST ? CONNECTION_LED_PAST :
							      CONNECTION_PROXY_INBOUND;
	else if (state->role == SOCKET_NODE)
		value.kind = CONNECTION_NODE_ORIGIN;
	else if (state->role == SOCKET_PATH_CHECK)
		value.kind = CONNECTION_PATH_CHECK;
	else
		return;
	key_of_connector(&key, ops, state->netns_cookie);
	copy_address(value.address_be, state->peer_be);
	value.port_be = state->peer_port_be;
	if (state->role == SOCKET_NODE)
		reason = bpf_map_update_elem(&node_connections, &key, &value, BPF_ANY) ?
				 REASON_CONNECTION_MAP_FULL :
				 0;
	else
		reason = note(&key, &value);
	if (reason) {
		if (state->role == SOCKET_REDIRECTED) {
			struct flow flow;

			/* Without an entry the SYN is refused by sk_lookup: never a wrong peer. */
			fill_flow(&flow, &key, DIRECTION_OUTBOUND);
			copy_address(flow.destination_be, state->peer_be);
			flow.destination_port_be = state->peer_port_be;
			settle(&flow, OUTCOME_REFUSED, reason);
		}
		return;
	}
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

/* A connection that our listener accepted: the listener's state was cloned to it. */
static __always_inline void adopt_accepted(struct bpf_sock_ops *ops, struct socket_state *state)
{
	const struct connection *connection;
	struct connection_key key;
	struct flow flow;

	key_of_acceptor(&key, ops, state->netns_cookie);
	connection = bpf_map_lookup_elem(&connections, &key);
	if (state->direction == DIRECTION_OUTBOUND) {
		if (!connection || (connection->kind != CONNECTION_REDIRECTED &&
				    connection->kind != CONNECTION_PATH_CHECK))
			return; /* stays a listener's clone: the proxy refuses it */
		copy_address(state->peer_be, connection->address_be);
		state->peer_port_be = connection->port_be;
		state->role = SOCKET_OUTBOUND_ACCEPTED;
		forget(&key, connection);
		return;
	}
	if (is_loopback(key.destination_be))
		return; /* someone in the pod called the listener's own port: not steered */
	state->role = SOCKET_INBOUND_ACCEPTED;
	if (connection && connection->kind == CONNECTION_PATH_CHECK) {
		forget(&key, connection);
		return; /* no traffic: not counted */
	}
	if (bpf_map_lookup_elem(&node_connections, &key))
		bpf_map_delete_elem(&node_connections, &key); /* not to a port of a probe */
	fill_flow(&flow, &key, DIRECTION_INBOUND);
	settle(&flow, OUTCOME_REDIRECTED, REASON_MESH_TRAFFIC);
}

/*
 * The pod whose application accepts. Older kernels do not tell the namespace here: there the pod
 * is the one that has the address, which fails to name the client where two pods share one.
 */
static __always_inline __u64 accepting_pod(struct bpf_sock_ops *ops)
{
	const struct pod_key *pod;
	struct address_key own;

	if (has_netns_cookie)
		return bpf_get_netns_cookie(ops);
	local_address(own.address_be, ops);
	pod = bpf_map_lookup_elem(&pod_by_address, &own);
	return pod ? pod->netns_cookie : 0;
}

/* The other end of a fast one, which sees its caller as it is. */
static __always_inline void accept_fast(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					const struct connection_key *key)
{
	struct fast_connection *fast = bpf_map_lookup_elem(&fast_connections, key);
	struct socket_state *state;
	struct flow flow;

	fill_flow(&flow, key, DIRECTION_INBOUND);
	settle(&flow, OUTCOME_PASSTHROUGH, REASON_FAST_PATH);
	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!fast || !state)
		return; /* without a state this end's bytes are not known, nor when it closes */
	state->netns_cookie = key->netns_cookie;
	state->role = SOCKET_FAST_ACCEPTED;
	fast->accepted = 1;
	follow_fast(ops);
}

/* A connection that an application accepted: it may come from the proxy, on behalf of a client. */
static __always_inline void disguise_accepted(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct pod_key pod = { .netns_cookie = accepting_pod(ops) };
	const struct connection *connection;
	struct connection_key key;
	struct socket_state *state;

	if (!bpf_map_lookup_elem(&pods, &pod))
		return;
	key_of_acceptor(&key, ops, pod.netns_cookie);
	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection) {
		/* A probe has been let through, or the port is excluded: nobody will ask. */
		if (bpf_map_lookup_elem(&node_connections, &key))
			bpf_map_delete_elem(&node_connections, &key);
		return;
	}
	if (connection->kind == CONNECTION_LED_PAST) {
		struct flow flow;

		/* It has met no listener: counted here. */
		fill_flow(&flow, &key, DIRECTION_INBOUND);
		settle(&flow, OUTCOME_REDIRECTED, REASON_MESH_TRAFFIC);
	} else if (connection->kind == CONNECTION_FAST) {
		accept_fast(ops, sk, &key);
		forget(&key, connection);
		return;
	} else if (connection->kind != CONNECTION_PROXY_INBOUND) {
		return;
	}
	state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (state) {
		state->netns_cookie = pod.netns_cookie;
		state->role = SOCKET_ACCEPTED;
		copy_address(state->peer_be, connection->address_be);
		state->peer_port_be = connection->port_be;
	}
	forget(&key, connection);
}

static __always_inline void on_close(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	const struct connection *connection;
	struct connection_key key;

	if (!state)
		return;
	if (is_fast(state))
		close_fast(ops, state, ops->args[0]);
	if (state->role == SOCKET_FAST_ACCEPTED)
		return;
	key_of_connector(&key, ops, state->netns_cookie);
	if (state->role == SOCKET_NODE) {
		bpf_map_delete_elem(&node_connections, &key);
		return;
	}
	connection = bpf_map_lookup_elem(&connections, &key);
	if (connection)
		forget(&key, connection);
}

SEC("sockops")
int sluice_sock_ops(struct bpf_sock_ops *ops)
{
	struct socket_state *state;
	struct bpf_sock *sk = ops->sk;

	if (!sk)
		return HANDLED;
	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		on_connect(ops, sk);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		state = bpf_sk_storage_get(&sockets, sk, 0, 0);
		if (state && state->role == SOCKET_FAST)
			established_fast(ops, state);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		state = bpf_sk_storage_get(&sockets, sk, 0, 0);
		if (is_fast(state))
			measure_fast(ops, state);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		state = bpf_sk_storage_get(&sockets, sk, 0, 0);
		if (state && state->role == SOCKET_LISTENER)
			adopt_accepted(ops, state);
		else if (!state)
			disguise_accepted(ops, sk);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ops->args[1] == BPF_TCP_CLOSE) {
			on_close(ops, sk);
		} else if (ops->args[1] == BPF_TCP_FIN_WAIT2) {
			state = bpf_sk_storage_get(&sockets, sk, 0, 0);
			if (is_fast(state))
				state->flags |= SOCKET_FIN_ACKED;
		}
		break;
	}
	return HANDLED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
