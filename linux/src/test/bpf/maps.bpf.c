/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Maps of every type the linux module reads, and one small program per kind of link. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u64 first;
	__u64 second;
};

struct prefix {
	__u32 length;
	__u8 addr_be[4];
};

struct event {
	__u64 netns_cookie;
	__u32 port_be;
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct pair);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct pair);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} per_netns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} blind_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

const volatile __u32 refused_port_be = 0;
const volatile __u8 one_byte = 0;
const volatile __u16 two_bytes = 0;
const volatile __u64 eight_bytes = 0;

/* cgroup/connect4 (4.17): reports every connect; 1 allows, 0 refuses. */
SEC("cgroup/connect4")
int report_connect(struct bpf_sock_addr *ctx)
{
	__u32 zero = 0;
	__u64 cookie = bpf_get_netns_cookie(ctx), one = 1;
	struct pair *count = bpf_map_lookup_elem(&counters, &zero);
	__u64 *netns = bpf_map_lookup_elem(&per_netns, &cookie);
	struct event *event;

	if (count) {
		count->first++;
		count->second += 10;
	}
	if (netns)
		(*netns)++;
	else
		bpf_map_update_elem(&per_netns, &cookie, &one, BPF_ANY);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->netns_cookie = cookie;
		event->port_be = ctx->user_port;
		event->number = 7;
		bpf_ringbuf_submit(event, 0);
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event)
		bpf_ringbuf_discard(event, 0);
	return refused_port_be && ctx->user_port == refused_port_be ? 0 : 1;
}

/* cgroup/connect4 (4.17): refuses every connect. */
SEC("cgroup/connect4")
int refuse_connect(struct bpf_sock_addr *ctx)
{
	return 0;
}

/* sk_lookup (5.9): every connection goes to slot 0, or is dropped when that is empty. */
SEC("sk_lookup")
int steer(struct bpf_sk_lookup *ctx)
{
	__u32 zero = 0;
	struct bpf_sock *listener = bpf_map_lookup_elem(&slots, &zero);
	long failed;

	if (!listener)
		return SK_DROP;
	failed = bpf_sk_assign(ctx, listener, BPF_SK_LOOKUP_F_NO_REUSEPORT);
	bpf_sk_release(listener);
	return failed ? SK_DROP : SK_PASS;
}

/* sk_msg (4.17): lets every message go its way. */
SEC("sk_msg")
int watch_messages(struct sk_msg_md *ctx)
{
	return SK_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
