/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every map, key, value and constant that the programs and the node daemon share.
 * The Java layouts mirror the structs; a test compares the two through the object's BTF.
 *
 * Addresses are 16 bytes in network byte order, IPv4 as v4-mapped IPv6 (RFC 4291 2.5.5.2), so
 * that a key does not depend on the family the application happened to use. Members that end in
 * _be are in network byte order, all others in host byte order.
 */
#ifndef SLUICE_MAPS_H
#define SLUICE_MAPS_H

#include <linux/types.h>

/* Layouts changed incompatibly get a new number; pins of another number are never reused. */
#define SLUICE_SCHEMA_VERSION 6

#define SLUICE_DNS_PORT 53

/* Longest payload of a plain echo request. */
#define SLUICE_PING_BYTES 64

/*
 * Redirected IPv4 connections go to 127.64.0.0/10, one of 2^22 addresses chosen by a hash of the
 * destination: a single address would cap a pod at its ephemeral port range for all destinations
 * together. Their port is that of our listener, so that no application can have it.
 */
#define SLUICE_LOOPBACK_NET 0x7f400000u
#define SLUICE_LOOPBACK_MASK 0xffc00000u

/*
 * Those of IPv6 likewise to 100:0:0:1::/64 (RFC 9780), by a hash of 64 bits, in pods where a route
 * makes that loopback; these are its first two words. In others they go to ::1.
 */
#define SLUICE_LOOPBACK6_NET 0x01000000u
#define SLUICE_LOOPBACK6_SUBNET 0x00000001u

#define SLUICE_MAX_PODS 512

/*
 * Connections that are being opened. A pod may have as many as there is room left for the others:
 * one alone half of the map, and n that take all they get leave 1/(n + 1) of it to the next. So
 * however many misbehave, each pod has room for 65536 / (512 + 1) = 127, and a burst of thousands
 * meets no limit.
 */
#define SLUICE_MAX_CONNECTIONS 65536

/* Each pod's share of the rules; judged in user space, before anything is written. */
#define SLUICE_MAX_ADDRESSES_OF_POD 32
#define SLUICE_MAX_RANGE_RULES_OF_POD 256
#define SLUICE_MAX_PORT_RULES_OF_POD 128
#define SLUICE_MAX_PROBE_PORTS_OF_POD 32
#define SLUICE_MAX_INTERFACE_RULES_OF_POD 16

/* The same for all pods, and in the rules of each. */
#define SLUICE_MAX_ISOLATED_RANGES 512

#define SLUICE_MAX_ALL_RANGES_OF_POD (SLUICE_MAX_RANGE_RULES_OF_POD + SLUICE_MAX_ISOLATED_RANGES)

/* No pod makes more: some 40 pairs of outcome and reason exist, each in two families. */
#define SLUICE_MAX_COUNTERS_OF_POD 128

#define SLUICE_MAX_POD_ADDRESSES (SLUICE_MAX_PODS * SLUICE_MAX_ADDRESSES_OF_POD)
#define SLUICE_MAX_RANGE_RULES (SLUICE_MAX_PODS * SLUICE_MAX_ALL_RANGES_OF_POD)
#define SLUICE_MAX_PORT_RULES (SLUICE_MAX_PODS * SLUICE_MAX_PORT_RULES_OF_POD)
#define SLUICE_MAX_PROBE_PORTS (SLUICE_MAX_PODS * SLUICE_MAX_PROBE_PORTS_OF_POD)
#define SLUICE_MAX_INTERFACE_RULES (SLUICE_MAX_PODS * SLUICE_MAX_INTERFACE_RULES_OF_POD)
#define SLUICE_MAX_COUNTERS (SLUICE_MAX_PODS * SLUICE_MAX_COUNTERS_OF_POD)
#define SLUICE_MAX_PROXY_CGROUPS 8
#define SLUICE_EVENT_BYTES (256 * 1024)

/*
 * What the kernel leads from pod to pod of the node by itself. Grants are shared out in user space;
 * connections that are open have room as those have that are being opened.
 */
#define SLUICE_MAX_GRANTS 16384
#define SLUICE_MAX_GRANT_ENDPOINTS 16
#define SLUICE_MAX_FAST_CONNECTIONS 32768
#define SLUICE_MAX_FAST_COUNTERS 16384
#define SLUICE_RECORD_BYTES (256 * 1024)

/*
 * Datagrams that UDPRoutes grant: addresses of the mesh, each pod's share of the rules, and how many
 * peers one socket may have asked before it forgets the first; an answer is let in for so long.
 */
#define SLUICE_MAX_DATAGRAM_PEERS 16384
#define SLUICE_MAX_DATAGRAM_RULES_OF_POD 128
#define SLUICE_MAX_DATAGRAM_RULES (SLUICE_MAX_PODS * SLUICE_MAX_DATAGRAM_RULES_OF_POD)
#define SLUICE_DATAGRAM_PEERS_OF_SOCKET 8
#define SLUICE_DATAGRAM_ANSWER_NANOS 120000000000ull

/* Mirrored by io.sluice.mesh.decision.Direction. */
enum sluice_direction {
	DIRECTION_OUTBOUND = 0,
	DIRECTION_INBOUND = 1,
};

/* Mirrored by io.sluice.mesh.decision.Outcome. */
enum sluice_outcome {
	OUTCOME_REFUSED = 0,
	OUTCOME_REDIRECTED = 1,
	OUTCOME_PASSTHROUGH = 2,
};

/* Mirrored by io.sluice.mesh.decision.Reason, codes below 64. */
enum sluice_reason {
	REASON_MESH_TRAFFIC = 1,
	REASON_LOOPBACK = 2,
	REASON_SELF = 3,
	REASON_EXCLUDED_PORT = 4,
	REASON_EXCLUDED_RANGE = 5,
	REASON_NOT_INCLUDED = 6,
	REASON_EXCLUDED_INTERFACE = 7,
	REASON_LINK_LOCAL = 8,
	REASON_PROXY_SOCKET = 9,
	REASON_DNS = 10,
	REASON_DATAGRAM_PERMISSIVE = 11,
	REASON_DATAGRAM_REFUSED = 12,
	REASON_PROTOCOL_PERMISSIVE = 13,
	REASON_PROTOCOL_REFUSED = 14,
	REASON_RAW_SOCKET = 15,
	REASON_PROXY_UNAVAILABLE = 16,
	REASON_FAIL_OPEN = 17,
	REASON_CONNECTION_MAP_FULL = 18,
	REASON_OTHER_INTERFACE = 19,
	REASON_LEAVING = 20,
	REASON_ROUTING_HEADER = 21,
	REASON_STRAYED = 22,
	REASON_FORWARDED = 23,
	REASON_DNS_REFUSED = 25,
	REASON_METADATA_REFUSED = 26,
	REASON_PING_REFUSED = 27,
	REASON_POD_QUOTA = 29,
	REASON_NODE_PROBE = 30,
	REASON_DATAGRAM_ISOLATED = 31,
	REASON_FAST_PATH = 32,
	REASON_DATAGRAM_GRANTED = 33,
};

/* Slots of a pod's listener map: direction * 2 + (IPv6 ? 1 : 0). */
enum sluice_slot {
	SLOT_OUTBOUND_V4 = 0,
	SLOT_OUTBOUND_V6 = 1,
	SLOT_INBOUND_V4 = 2,
	SLOT_INBOUND_V6 = 3,
	SLOT_COUNT = 4,
};

/* Bits of struct pod.flags. */
enum pod_flag {
	POD_PERMISSIVE = 1 << 0, /* datagrams and other protocols are left alone */
	POD_FAIL_OPEN = 1 << 1, /* leave traffic alone while the daemon is not running */
	POD_HAS_INCLUSIONS = 1 << 2, /* only included ranges are redirected */
	POD_LEAVING = 1 << 3, /* leave new traffic alone */
	POD_PING_REFUSED = 1 << 4, /* no echo request may be sent */
	POD_PING_ALLOWED = 1 << 5, /* any echo request may be sent */
	POD_HAS_ISOLATED = 1 << 6, /* ranges of its rules are isolated */
	POD_SPREAD_IPV6 = 1 << 7, /* SLUICE_LOOPBACK6_NET is loopback inside */
};

/* Bits of struct config.flags. */
enum config_flag {
	CONFIG_VERBOSE_EVENTS = 1 << 0, /* an event for every verdict, not only for refusals */
};

/* Key of maps that are indexed by pod: the cookie of its network namespace. */
struct pod_key {
	__u64 netns_cookie;
};
_Static_assert(sizeof(struct pod_key) == 8, "mirrored by PodKey");

/* Key of maps that are indexed by address alone. */
struct address_key {
	__u32 address_be[4];
};
_Static_assert(sizeof(struct address_key) == 16, "mirrored by AddressKey");

struct pod {
	__u32 address4_be[4]; /* primary IPv4 address, mapped; all zero when it has none */
	__u32 address6_be[4]; /* primary IPv6 address; all zero when it has none */
	__u32 flags; /* enum pod_flag */
	__u32 primary_ifindex; /* interface that carries the primary address */
	__u16 outbound_port4_be; /* of our listener; where redirected connections go */
	__u16 outbound_port6_be;
};
_Static_assert(sizeof(struct pod) == 44, "mirrored by PodValue");

/* Name of a pod for tools that read the pins without the daemon. NUL-padded. */
struct pod_name {
	char namespace_name[64];
	char name[256];
};
_Static_assert(sizeof(struct pod_name) == 320, "mirrored by PodNameValue");

struct pod_address_key {
	__u64 netns_cookie;
	__u32 address_be[4];
};
_Static_assert(sizeof(struct pod_address_key) == 24, "mirrored by PodAddressKey");

/* Value of pod_addresses. */
enum pod_address_kind {
	POD_ADDRESS_MESH = 1,
	POD_ADDRESS_EXCLUDED = 2, /* belongs to an excluded interface */
};

/* Prefix length counts from the first bit of netns_cookie: 64 + length of the range (mapped). */
struct range_rule_key {
	__u32 prefix_length;
	__u32 netns_cookie[2]; /* low word, high word */
	__u32 address_be[4];
};
_Static_assert(sizeof(struct range_rule_key) == 28, "mirrored by RangeRuleKey");

/* Bits of the values of range_rules, port_rules, probe_ports and interface_rules. */
enum rule_action {
	RULE_EXCLUDE = 1 << 0,
	RULE_INCLUDE = 1 << 1,
	RULE_RESOLVER = 1 << 2, /* name servers of the pod: port 53 is open */
	RULE_METADATA = 1 << 3, /* a metadata service that the pod may not call */
	RULE_PROBE = 1 << 4, /* sockets of the node itself may call this port */
	RULE_ISOLATED = 1 << 5, /* nothing goes there */
};

struct port_rule_key {
	__u64 netns_cookie;
	__u16 port_be;
	__u8 direction; /* enum sluice_direction */
	__u8 pad[5];
};
_Static_assert(sizeof(struct port_rule_key) == 16, "mirrored by PortRuleKey");

struct interface_rule_key {
	__u64 netns_cookie;
	__u32 ifindex;
	__u32 pad;
};
_Static_assert(sizeof(struct interface_rule_key) == 16, "mirrored by InterfaceRuleKey");

/*
 * A TCP connection between its SYN and its establishment, by the tuple on the wire inside one
 * network namespace. Never seen by an application; removed when the accepting side has taken it
 * over or the connecting socket has gone.
 */
struct connection_key {
	__u64 netns_cookie;
	__u32 source_be[4];
	__u32 destination_be[4];
	__u16 source_port_be;
	__u16 destination_port_be;
	__u32 pad;
};
_Static_assert(sizeof(struct connection_key) == 48, "mirrored by ConnectionKey");

enum connection_kind {
	CONNECTION_REDIRECTED = 1, /* address: original destination */
	CONNECTION_PROXY_INBOUND = 2, /* address: true client that the application shall see */
	CONNECTION_NODE_ORIGIN = 3, /* opened by a socket of the node itself */
	CONNECTION_PATH_CHECK = 4, /* the daemon's own; address: original destination */
	CONNECTION_LED_PAST = 5, /* from the proxy past the listener; address: true client */
	CONNECTION_FAST = 6, /* from another pod, by a grant; address: original destination */
	CONNECTION_REVOKED = 7, /* the same, whose grant has gone since it was chosen: refused */
};

struct connection {
	__u32 address_be[4];
	__u16 port_be;
	__u8 kind; /* enum connection_kind */
	__u8 arrived; /* of a fast one: the steering of the pod called has let it pass */
	__u32 enrolment; /* whose count it is in; struct pod_connections */
};
_Static_assert(sizeof(struct connection) == 24, "mirrored by ConnectionValue");

/* How many entries of connections are one pod's. Entries outlive the enrolment they began in. */
struct pod_connections {
	__u32 opening;
	__u32 enrolment; /* chosen anew each time the pod is enrolled */
	__u32 fast; /* entries of fast_connections that it has opened */
	__u32 pad;
};
_Static_assert(sizeof(struct pod_connections) == 16, "mirrored by PodConnectionsValue");

/* Of all_connections. */
enum all_index {
	ALL_OPENING = 0,
	ALL_FAST = 1,
	ALL_COUNT = 2,
};

/* Which pod may call what without the proxy; see fast_path. */
struct grant_key {
	__u64 netns_cookie; /* of the pod that calls */
	__u32 destination_be[4]; /* of a service or a pod */
	__u16 destination_port_be;
	__u8 pad[6];
};
_Static_assert(sizeof(struct grant_key) == 32, "mirrored by GrantKey");

struct grant_endpoint {
	__u64 netns_cookie; /* of the pod called */
	__u32 address_be[4];
	__u16 port_be;
	__u8 pad[6];
};
_Static_assert(sizeof(struct grant_endpoint) == 32, "part of GrantValue");

struct grant {
	__u32 count; /* of endpoints that are there */
	__u32 pad;
	struct grant_endpoint endpoints[SLUICE_MAX_GRANT_ENDPOINTS];
};
_Static_assert(sizeof(struct grant) == 8 + 32 * SLUICE_MAX_GRANT_ENDPOINTS,
	       "mirrored by GrantValue");

/* One that a grant has led past the proxy, by its tuple in the pod called, until both ends close. */
struct fast_connection {
	__u64 caller_cookie;
	__u64 opened_nanos; /* bpf_ktime_get_ns(); 0 until it is established */
	__u64 sent; /* by the caller, and acknowledged */
	__u64 received; /* by the caller: sent by the pod called, and acknowledged */
	__u32 called_be[4]; /* what the application called */
	__u32 enrolment; /* whose count it is in; struct pod_connections */
	__u32 accepted; /* the pod called has it too */
	__u32 ended; /* how many ends have closed */
	__u32 reset_by; /* enum fast_end; 0 where neither end has reset it */
	__u16 called_port_be;
	__u8 pad[6];
};
_Static_assert(sizeof(struct fast_connection) == 72, "mirrored by FastConnectionValue");

enum fast_end {
	FAST_END_CALLER = 1,
	FAST_END_CALLED = 2,
};

/* Of fast_counters and fast_told. */
struct fast_counter_key {
	__u64 caller_cookie;
	__u64 netns_cookie; /* of the pod called */
	__u32 called_be[4];
	__u16 called_port_be;
	__u8 pad[6];
};
_Static_assert(sizeof(struct fast_counter_key) == 40, "mirrored by FastCounterKey");

struct fast_counts {
	__u64 opened;
	__u64 closed; /* in peace */
	__u64 reset_by_caller;
	__u64 reset_by_called;
	__u64 sent; /* by the caller; of those that are closed */
	__u64 received; /* by the caller */
};
_Static_assert(sizeof(struct fast_counts) == 48, "mirrored by FastCountsValue");

/* Tells of one that is over. */
struct fast_record {
	__u64 caller_cookie;
	__u64 netns_cookie; /* of the pod called */
	__u64 opened_nanos;
	__u64 closed_nanos;
	__u64 sent;
	__u64 received;
	__u32 source_be[4];
	__u32 destination_be[4]; /* the endpoint */
	__u32 called_be[4];
	__u16 source_port_be;
	__u16 destination_port_be;
	__u16 called_port_be;
	__u8 reset_by; /* enum fast_end */
	__u8 pad;
};
_Static_assert(sizeof(struct fast_record) == 104, "mirrored by FastRecordValue");

/*
 * Whose an address of the mesh is: a digest of identity and application, so that it is the same for
 * every daemon, before a restart and after it. All zero for what several claim: granted nothing.
 */
struct datagram_peer {
	__u32 digest[4];
};
_Static_assert(sizeof(struct datagram_peer) == 16, "mirrored by DatagramPeerValue");

/* Outbound: the pod may send to the peer's port. Inbound: the peer may send to the pod's port. */
struct datagram_rule_key {
	__u64 netns_cookie;
	__u32 peer_digest[4];
	__u16 port_be; /* 0: every port */
	__u8 direction; /* enum sluice_direction */
	__u8 pad[5];
};
_Static_assert(sizeof(struct datagram_rule_key) == 32, "mirrored by DatagramRuleKey");

/* What has gone by a rule; bytes of payload. */
struct datagram_counts {
	__u64 datagrams; /* in the rule's direction */
	__u64 bytes;
	__u64 answers; /* the other way */
	__u64 answer_bytes;
};
_Static_assert(sizeof(struct datagram_counts) == 32, "mirrored by DatagramCountsValue");

/* Whom a socket has sent to of late; lives and dies with it (BPF_MAP_TYPE_SK_STORAGE). */
struct datagram_asked {
	__u64 at_nanos; /* bpf_ktime_get_ns() */
	__u32 address_be[4];
	__u16 port_be;
	__u8 pad[6];
};

struct datagram_socket {
	__u32 next; /* the one to be forgotten */
	__u32 pad;
	struct datagram_asked asked[SLUICE_DATAGRAM_PEERS_OF_SOCKET];
};

/* What is known of one socket; lives and dies with it (BPF_MAP_TYPE_SK_STORAGE). */
enum socket_role {
	SOCKET_REDIRECTED = 1, /* application's connecting socket; peer: original destination */
	SOCKET_ACCEPTED = 2, /* application's accepted socket; peer: true client */
	SOCKET_PROXY = 3, /* proxy's connecting socket; peer: true client, if inbound */
	SOCKET_LISTENER = 4, /* proxy's listener; cloned to what it accepts */
	SOCKET_OUTBOUND_ACCEPTED = 5, /* accepted by the proxy; peer: original destination */
	SOCKET_INBOUND_ACCEPTED = 6, /* accepted by the proxy */
	SOCKET_NODE = 7, /* socket of the node itself, connecting to an enrolled pod */
	SOCKET_PATH_CHECK = 8, /* the daemon's, connecting only to see where it arrives */
	SOCKET_FAST = 9, /* application's, led by a grant; peer: original destination */
	SOCKET_FAST_ACCEPTED = 10, /* the other end of that; it has its true peer */
};

enum socket_flag {
	SOCKET_PRESENTS_CLIENT = 1 << 0, /* proxy socket that shows peer to the application */
	SOCKET_LED_PAST = 1 << 1, /* the same, made inside another pod than the application's */
	SOCKET_FIN_ACKED = 1 << 2, /* of a fast one: what it has sent is acknowledged to the end */
};

struct socket_state {
	__u64 netns_cookie; /* the socket's pod; of one led past or fast, that of the pod called */
	__u32 peer_be[4];
	__u16 peer_port_be;
	__u8 role; /* enum socket_role */
	__u8 flags; /* enum socket_flag */
	__u8 direction; /* enum sluice_direction, of a listener and of what it accepts */
	__u8 pad[3];
	__u64 caller_cookie; /* the pod of a fast one that connects */
};
_Static_assert(sizeof(struct socket_state) == 40, "mirrored by SocketStateValue");

struct counter_key {
	__u64 netns_cookie;
	__u8 direction; /* enum sluice_direction */
	__u8 family; /* 4 or 6 */
	__u8 outcome; /* enum sluice_outcome */
	__u8 reason; /* enum sluice_reason */
	__u32 pad;
};
_Static_assert(sizeof(struct counter_key) == 16, "mirrored by CounterKey");

struct event {
	__u64 monotonic_nanos; /* bpf_ktime_get_ns() */
	__u64 netns_cookie;
	__u32 source_be[4]; /* all zero when not known yet */
	__u32 destination_be[4];
	__u16 source_port_be;
	__u16 destination_port_be;
	__u8 protocol; /* IANA number */
	__u8 direction;
	__u8 outcome;
	__u8 reason;
};
_Static_assert(sizeof(struct event) == 56, "mirrored by EventValue");

struct config {
	__u64 host_netns_cookie;
	__u32 flags; /* enum config_flag */
	__u32 pad;
};
_Static_assert(sizeof(struct config) == 16, "mirrored by ConfigValue");

/* Says whose pins these are. NUL-padded. */
struct installation {
	__u32 schema_version;
	__u32 pad;
	char boot_id[40]; /* /proc/sys/kernel/random/boot_id */
	char node_name[256];
};
_Static_assert(sizeof(struct installation) == 304, "mirrored by InstallationValue");

/* The one entry of a pod's own map: tells its sk_lookup program whom it serves. */
struct pod_self {
	__u64 netns_cookie;
};
_Static_assert(sizeof(struct pod_self) == 8, "mirrored by PodSelfValue");

#endif
