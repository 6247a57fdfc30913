/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What an application sees as the addresses of a socket that the mesh has redirected. */
#ifndef SLUICE_NAMES_BPF_H
#define SLUICE_NAMES_BPF_H

#include "verdict.bpf.h"

/* These hooks cannot refuse: the kernel takes only this value. */
#define NAME_ANSWERED 1

/* State of a socket whose peer is not the one on the wire, or null. */
static __always_inline struct socket_state *disguised(struct bpf_sock *sk)
{
	struct socket_state *state;

	if (!sk)
		return 0;
	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!state || (state->role != SOCKET_REDIRECTED && state->role != SOCKET_ACCEPTED &&
		       state->role != SOCKET_FAST))
		return 0;
	return state;
}

/* The pod's own address for a redirected socket, in the family of its destination, or null. */
static __always_inline const __u32 *own_address(struct bpf_sock *sk)
{
	const struct socket_state *state = disguised(sk);
	const __u32 *address;
	const struct pod *pod;
	struct pod_key key;

	if (!state || state->role != SOCKET_REDIRECTED)
		return 0;
	key.netns_cookie = state->netns_cookie;
	pod = bpf_map_lookup_elem(&pods, &key);
	if (!pod)
		return 0;
	address = is_mapped(state->peer_be) ? pod->address4_be : pod->address6_be;
	return is_unspecified(address) ? 0 : address;
}

#endif
