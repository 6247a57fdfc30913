package io.sluice.linux.bpf;

/**
 * Places where Sluice attaches a program, numbered as {@code enum bpf_attach_type} in linux/bpf.h.
 */
public enum AttachType {
  CGROUP_INET_EGRESS(1),
  CGROUP_INET_SOCK_CREATE(2),
  CGROUP_SOCK_OPS(3),
  SK_MSG_VERDICT(7),
  CGROUP_INET4_CONNECT(10),
  CGROUP_INET6_CONNECT(11),
  CGROUP_UDP4_SENDMSG(14),
  CGROUP_UDP6_SENDMSG(15),
  CGROUP_GETSOCKOPT(21),
  CGROUP_INET4_GETPEERNAME(29),
  CGROUP_INET6_GETPEERNAME(30),
  SK_LOOKUP(36);

  private final int number;

  AttachType(int number) {
    this.number = number;
  }

  /** The kernel's number. */
  public int number() {
    return number;
  }
}
