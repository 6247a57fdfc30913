package io.sluice.linux.bpf;

/**
 * What the kernel knows about a link.
 *
 * @param type {@code enum bpf_link_type}: 3 for cgroups, 5 for network namespaces
 * @param programId the program it runs now
 * @param attachType see {@link AttachType}
 * @param cgroupId id of the cgroup; 0 for other types, or when the cgroup has gone
 * @param netnsInode inode of the namespace; 0 for other types, or when the namespace has gone
 */
public record BpfLinkInfo(
    int id, int type, int programId, int attachType, long cgroupId, long netnsInode) {}
