/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The shared maps. Every object that includes this gets the same pinned maps at load. */
#ifndef SLUICE_MAPS_BPF_H
#define SLUICE_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice_maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct installation);
} installation SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_PODS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pod_key);
	__type(value, struct pod);
} pods SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_PODS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pod_key);
	__type(value, struct pod_name);
} pod_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_POD_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pod_address_key);
	__type(value, __u32); /* enum pod_address_kind */
} pod_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, SLUICE_MAX_RANGE_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct range_rule_key);
	__type(value, __u32); /* enum rule_action */
} range_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_PORT_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct port_rule_key);
	__type(value, __u32); /* enum rule_action */
} port_rules SEC(".maps");

/* Inbound ports that sockets of the node itself may call. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_PROBE_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct port_rule_key);
	__type(value, __u32); /* enum rule_action */
} probe_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_INTERFACE_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct interface_rule_key);
	__type(value, __u32); /* enum rule_action */
} interface_rules SEC(".maps");

/* Addresses of this node's enrolled pods, to tell which connections of the node matter. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_POD_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct address_key);
	__type(value, struct pod_key);
} pod_by_address SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_CONNECTIONS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct connection_key);
	__type(value, struct connection);
} connections SEC(".maps");

/* Counted by the programs alone, at each entry that comes and goes: always exact. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_PODS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pod_key);
	__type(value, struct pod_connections);
} pod_connections SEC(".maps");

/* The same of all pods together, by enum all_index. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ALL_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} all_connections SEC(".maps");

/*
 * What pods may call on this node without the proxy: positive grants alone, that the daemon writes.
 * Whatever is not here goes to the proxy.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_GRANTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct grant_key);
	__type(value, struct grant);
} fast_path SEC(".maps");

/* Connections that grants have led, until both ends have closed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_FAST_CONNECTIONS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct connection_key);
	__type(value, struct fast_connection);
} fast_connections SEC(".maps");

/* What they were, since the node booted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_FAST_COUNTERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fast_counter_key);
	__type(value, struct fast_counts);
} fast_counters SEC(".maps");

/* How much of that, and of those that are open, daemons have told in their metrics. No program's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_FAST_COUNTERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fast_counter_key);
	__type(value, struct fast_counts);
} fast_told SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SLUICE_RECORD_BYTES);
} fast_records SEC(".maps");

/*
 * Connections that sockets of the node itself open to pods; apart, since no pod opens them. They
 * prove to sk_lookup who calls a port of a probe, and stay until accepted or closed.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_CONNECTIONS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct connection_key);
	__type(value, struct connection);
} node_connections SEC(".maps");

/* Cgroups whose sockets are the proxy's; two during a hand-over. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_PROXY_CGROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* cgroup id */
	__type(value, __u32); /* process id, for people */
} proxy_cgroups SEC(".maps");

/* Holds a listening socket of the daemon; the kernel empties it the moment the daemon dies. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} liveness SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

/* Whose a socket is, for a hook that cannot ask: filled before Linux 6.15 only. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct pod_key);
} socket_pods SEC(".maps");

/* Whose the addresses of the mesh are, wherever they run. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_DATAGRAM_PEERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct address_key);
	__type(value, struct datagram_peer);
} datagram_peers SEC(".maps");

/* What UDPRoutes grant this node's pods, with what has gone by it. Whatever is not here is not. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLUICE_MAX_DATAGRAM_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct datagram_rule_key);
	__type(value, struct datagram_counts);
} datagram_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct datagram_socket);
} datagram_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, SLUICE_MAX_COUNTERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct counter_key);
	__type(value, __u64);
} verdict_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SLUICE_EVENT_BYTES);
} events SEC(".maps");

/* Index 0: events that found the ring full; index 1: verdicts that found the counters full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

enum loss {
	LOSS_EVENT = 0,
	LOSS_COUNTER = 1,
};

#endif
