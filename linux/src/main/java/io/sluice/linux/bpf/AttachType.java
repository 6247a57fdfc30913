package io.sluice.linux.bpf;

/** Places to attach a program, numbered as {@code enum bpf_attach_type} in linux/bpf.h. */
public enum AttachType {
  CGROUP_INET_INGRESS(0),
  CGROUP_INET_EGRESS(1),
  CGROUP_INET_SOCK_CREATE(2),
  CGROUP_SOCK_OPS(3),
  SK_SKB_STREAM_PARSER(4),
  SK_SKB_STREAM_VERDICT(5),
  SK_MSG_VERDICT(7),
  CGROUP_INET4_BIND(8),
  CGROUP_INET6_BIND(9),
  CGROUP_INET4_CONNECT(10),
  CGROUP_INET6_CONNECT(11),
  CGROUP_INET4_POST_BIND(12),
  CGROUP_INET6_POST_BIND(13),
  CGROUP_UDP4_SENDMSG(14),
  CGROUP_UDP6_SENDMSG(15),
  CGROUP_UDP4_RECVMSG(19),
  CGROUP_UDP6_RECVMSG(20),
  CGROUP_GETSOCKOPT(21),
  CGROUP_SETSOCKOPT(22),
  CGROUP_INET4_GETPEERNAME(29),
  CGROUP_INET6_GETPEERNAME(30),
  CGROUP_INET4_GETSOCKNAME(31),
  CGROUP_INET6_GETSOCKNAME(32),
  CGROUP_INET_SOCK_RELEASE(34),
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
