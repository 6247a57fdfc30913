/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A program that the verifier refuses: it uses a map value without checking the lookup. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

/* cgroup/connect4 (4.17): a correct neighbour. */
SEC("cgroup/connect4")
int correct(struct bpf_sock_addr *ctx)
{
	return 1;
}

/* cgroup/connect4 (4.17): never loads. */
SEC("cgroup/connect4")
int unchecked_lookup(struct bpf_sock_addr *ctx)
{
	__u32 zero = 0;
	__u64 *number = bpf_map_lookup_elem(&numbers, &zero);

	return *number == 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
