/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Datagrams between pods of the mesh, as UDPRoutes grant them. Who sends is known by its namespace,
 * who calls by its address: no pod of the node may send from an address that is another's.
 */
#ifndef SLUICE_DATAGRAM_BPF_H
#define SLUICE_DATAGRAM_BPF_H

#include "verdict.bpf.h"

/* Whose the address is; null for one that is not of the mesh. */
static __always_inline const struct datagram_peer *peer_at(const __u32 address_be[4])
{
	struct address_key key;

	copy_address(key.address_be, address_be);
	return bpf_map_lookup_elem(&datagram_peers, &key);
}

/* Link-local of IPv6: every interface has such an address, and nothing tells whose it is. */
static __always_inline int is_on_the_wire(const __u32 address_be[4])
{
	return !is_mapped(address_be) && is_link_local(address_be);
}

/*
 * What grants it, the port's own rule before that for every port; null where nothing does, and for
 * nobody of the mesh.
 */
static __always_inline struct datagram_counts *
find_grant(__u64 netns_cookie, __u8 direction, const struct datagram_peer *peer, __u16 port_be)
{
	struct datagram_rule_key key = {
		.netns_cookie = netns_cookie,
		.port_be = port_be,
		.direction = direction,
	};
	struct datagram_counts *counts;

	if (!peer)
		return 0;
	copy_address(key.peer_digest, peer->digest);
	if (is_unspecified(key.peer_digest))
		return 0; /* several claim the address */
	counts = bpf_map_lookup_elem(&datagram_rules, &key);
	if (counts || !port_be)
		return counts;
	key.port_be = 0;
	return bpf_map_lookup_elem(&datagram_rules, &key);
}

/* Where the headers of IP end and what they carry begins; what has gone by a rule is counted. */
struct datagram {
	__u16 source_port_be;
	__u16 destination_port_be;
	__u32 count; /* of those that the kernel sends or takes as one */
	__u32 bytes; /* of payload */
	__u8 is_fragment; /* of IPv6; the kernel makes its own behind the hook for what is sent */
};

#define UDP_HEADER_BYTES 8
#define IPV4_FRAGMENT_WORD 6
#define IPV4_OFFSET_MASK 0x1fff
#define IPV6_HEADER_BYTES 40
#define IPPROTO_HOP_OPTIONS 0
#define IPPROTO_FRAGMENT 44
#define IPPROTO_DESTINATION_OPTIONS 60
/* Before a datagram's own header; more come from no socket that needs no capability. */
#define MAX_HEADERS_BEFORE 3

/* False for what is no whole datagram: what of one comes later is for nobody to judge. */
static __always_inline int read_datagram(struct datagram *datagram, const struct __sk_buff *skb,
					 int ipv4)
{
	__u32 offset = IPV6_HEADER_BYTES;
	__u16 ports[2];
	__u16 fragment_be;
	__u8 header[2];
	__u32 segments;
	int i;

	if (ipv4) {
		if (bpf_skb_load_bytes(skb, 0, header, 1) ||
		    bpf_skb_load_bytes(skb, IPV4_FRAGMENT_WORD, &fragment_be,
				       sizeof(fragment_be)) ||
		    (fragment_be & bpf_htons(IPV4_OFFSET_MASK)))
			return 0;
		offset = (header[0] & 0xf) * 4; /* IHL: with options */
	} else {
		if (bpf_skb_load_bytes(skb, 6, header, 1))
			return 0;
		for (i = 0; i < MAX_HEADERS_BEFORE; i++) {
			if (header[0] != IPPROTO_HOP_OPTIONS &&
			    header[0] != IPPROTO_DESTINATION_OPTIONS)
				break;
			if (bpf_skb_load_bytes(skb, offset, header, sizeof(header)))
				return 0;
			offset += (header[1] + 1) * 8;
		}
		if (header[0] != IPPROTO_UDP) {
			datagram->is_fragment = header[0] == IPPROTO_FRAGMENT;
			return 0;
		}
	}
	if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)))
		return 0;
	datagram->source_port_be = ports[0];
	datagram->destination_port_be = ports[1];
	segments = skb->gso_segs;
	datagram->count = segments > 1 ? segments : 1;
	offset += UDP_HEADER_BYTES;
	datagram->bytes = skb->len > offset ? skb->len - offset : 0;
	return 1;
}

static __always_inline void count_granted(struct datagram_counts *counts,
					  const struct datagram *datagram)
{
	__sync_fetch_and_add(&counts->datagrams, datagram->count);
	__sync_fetch_and_add(&counts->bytes, datagram->bytes);
}

static __always_inline void count_answer(struct datagram_counts *counts,
					 const struct datagram *datagram)
{
	__sync_fetch_and_add(&counts->answers, datagram->count);
	__sync_fetch_and_add(&counts->answer_bytes, datagram->bytes);
}

/* Remembers whom the socket asks, so that it may be answered; forgets the one before all others. */
static __always_inline void remember_asked(struct bpf_sock *sk, const __u32 address_be[4],
					   __u16 port_be)
{
	struct datagram_socket *known;
	struct datagram_asked *slot;
	__u32 i;

	known = bpf_sk_storage_get(&datagram_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!known)
		return; /* the answer is dropped rather than somebody else's let in */
	for (i = 0; i < SLUICE_DATAGRAM_PEERS_OF_SOCKET; i++) {
		slot = &known->asked[i];
		if (slot->port_be == port_be && is_same_address(slot->address_be, address_be)) {
			slot->at_nanos = bpf_ktime_get_ns();
			return;
		}
	}
	i = known->next;
	if (i >= SLUICE_DATAGRAM_PEERS_OF_SOCKET)
		i = 0;
	known->next = i + 1;
	slot = &known->asked[i];
	slot->at_nanos = 0; /* nobody's while it is written */
	copy_address(slot->address_be, address_be);
	slot->port_be = port_be;
	slot->at_nanos = bpf_ktime_get_ns();
}

static __always_inline int has_asked(struct bpf_sock *sk, const __u32 address_be[4], __u16 port_be)
{
	struct datagram_socket *known;
	struct datagram_asked *slot;
	__u32 i;

	known = bpf_sk_storage_get(&datagram_sockets, sk, 0, 0);
	if (!known)
		return 0;
	for (i = 0; i < SLUICE_DATAGRAM_PEERS_OF_SOCKET; i++) {
		slot = &known->asked[i];
		if (slot->at_nanos && slot->port_be == port_be &&
		    is_same_address(slot->address_be, address_be))
			return bpf_ktime_get_ns() - slot->at_nanos < SLUICE_DATAGRAM_ANSWER_NANOS;
	}
	return 0;
}

#endif
