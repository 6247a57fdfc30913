/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counting and reporting verdicts, and address handling shared by all hooks. */
#ifndef SLUICE_VERDICT_BPF_H
#define SLUICE_VERDICT_BPF_H

#include <bpf/bpf_endian.h>

#include "maps.bpf.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define SOL_SOCKET 1
#define SO_BINDTODEVICE 25

#define MAPPED_PREFIX_BE bpf_htonl(0x0000ffff)

/*
 * Reads a context member where two branches read different ones: without the barrier the compiler
 * merges the loads into one through a computed pointer, which the verifier refuses.
 */
#define CONTEXT_WORD(member)                                     \
	({                                                       \
		__u32 word = *(volatile const __u32 *)&(member); \
		asm volatile("" ::: "memory");                   \
		word;                                            \
	})

/* One flow as the hooks see it; addresses in the common form. */
struct flow {
	__u64 netns_cookie;
	__u32 source_be[4];
	__u32 destination_be[4];
	__u16 source_port_be;
	__u16 destination_port_be;
	__u8 protocol;
	__u8 direction;
};

/*
 * What becomes of a flow. Where a program has many reasons it settles the decision in one place, at
 * its end: each place more is the whole of settle() again, as code and as paths for the verifier.
 */
struct decision {
	__u8 outcome;
	__u8 reason;
};

static __always_inline struct decision decided(__u8 outcome, __u8 reason)
{
	struct decision d = { .outcome = outcome, .reason = reason };

	return d;
}

/* Reason of what is neither counted nor told. */
#define UNCOUNTED 0
#define PASSED decided(OUTCOME_PASSTHROUGH, UNCOUNTED)

static __always_inline void copy_address(__u32 to[4], const __u32 from[4])
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

static __always_inline void map_ipv4(__u32 to[4], __u32 address_be)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = MAPPED_PREFIX_BE;
	to[3] = address_be;
}

/* Addresses are compared at once: a branch for each word would be a path more for the verifier. */
static __always_inline int is_mapped(const __u32 a[4])
{
	return !(a[0] | a[1] | (a[2] ^ MAPPED_PREFIX_BE));
}

static __always_inline int is_same_address(const __u32 a[4], const __u32 b[4])
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

static __always_inline int is_unspecified(const __u32 a[4])
{
	return !(a[0] | a[1] | a[2] | a[3]);
}

/* Of the range for redirected IPv6 connections: nothing that leaves the pod bears it. */
static __always_inline int is_spread6(const __u32 a[4])
{
	return !((a[0] ^ bpf_htonl(SLUICE_LOOPBACK6_NET)) |
		 (a[1] ^ bpf_htonl(SLUICE_LOOPBACK6_SUBNET)));
}

static __always_inline int is_loopback(const __u32 a[4])
{
	if (is_mapped(a))
		return (a[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
	return is_spread6(a) || !(a[0] | a[1] | a[2] | (a[3] ^ bpf_htonl(1)));
}

/* 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291 2.5.6). */
static __always_inline int is_link_local(const __u32 a[4])
{
	if (is_mapped(a))
		return (a[3] & bpf_htonl(0xffff0000)) == bpf_htonl(0xa9fe0000);
	return (a[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

static __always_inline void count_loss(__u32 index)
{
	__u64 *lost = bpf_map_lookup_elem(&losses, &index);

	if (lost)
		__sync_fetch_and_add(lost, 1);
}

static __always_inline void report(const struct flow *flow, __u8 outcome, __u8 reason)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_loss(LOSS_EVENT);
		return;
	}
	event->monotonic_nanos = bpf_ktime_get_ns();
	event->netns_cookie = flow->netns_cookie;
	copy_address(event->source_be, flow->source_be);
	copy_address(event->destination_be, flow->destination_be);
	event->source_port_be = flow->source_port_be;
	event->destination_port_be = flow->destination_port_be;
	event->protocol = flow->protocol;
	event->direction = flow->direction;
	event->outcome = outcome;
	event->reason = reason;
	bpf_ringbuf_submit(event, 0);
}

/* Counts a verdict; refusals are events as well, everything is when the operator asked for it. */
static __always_inline void settle(const struct flow *flow, __u8 outcome, __u8 reason)
{
	struct counter_key key = {
		.netns_cookie = flow->netns_cookie,
		.direction = flow->direction,
		.family = is_mapped(flow->destination_be) ? 4 : 6,
		.outcome = outcome,
		.reason = reason,
	};
	__u64 *count = bpf_map_lookup_elem(&verdict_counters, &key);
	const struct config *settings;
	__u32 zero = 0;

	if (count) {
		/* Atomic though per CPU: a hook may be preempted by another one on its CPU. */
		__sync_fetch_and_add(count, 1);
	} else {
		__u64 one = 1;

		if (bpf_map_update_elem(&verdict_counters, &key, &one, BPF_NOEXIST)) {
			count = bpf_map_lookup_elem(&verdict_counters, &key);
			if (count)
				__sync_fetch_and_add(count, 1);
			else
				count_loss(LOSS_COUNTER);
		}
	}
	settings = bpf_map_lookup_elem(&config, &zero);
	if (outcome == OUTCOME_REFUSED || (settings && (settings->flags & CONFIG_VERBOSE_EVENTS)))
		report(flow, outcome, reason);
}

/* Whether the pod may open one more connection and leave as much room to others as it has taken. */
static __always_inline int has_room(const struct pod_connections *own, const __u32 *all)
{
	return own->opening + *all < SLUICE_MAX_CONNECTIONS;
}

/* The same of connections that grants lead, and that are open. */
static __always_inline int has_fast_room(const struct pod_connections *own, const __u32 *all)
{
	return own->fast + *all < SLUICE_MAX_FAST_CONNECTIONS;
}

#endif
