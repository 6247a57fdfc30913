package io.sluice.linux.capability;

/** Capabilities that Sluice may need, numbered as in linux/capability.h. */
public enum Capability {
  CAP_CHOWN(0),
  CAP_DAC_OVERRIDE(1),
  CAP_DAC_READ_SEARCH(2),
  CAP_KILL(5),
  CAP_NET_BIND_SERVICE(10),
  CAP_NET_ADMIN(12),
  CAP_NET_RAW(13),
  CAP_IPC_LOCK(14),
  CAP_SYS_CHROOT(18),
  CAP_SYS_PTRACE(19),
  CAP_SYS_ADMIN(21),
  CAP_SYS_RESOURCE(24),
  CAP_PERFMON(38),
  /** Linux 5.8; before it, CAP_SYS_ADMIN. */
  CAP_BPF(39);

  private final int number;

  Capability(int number) {
    this.number = number;
  }

  /** The bit in a capability mask. */
  public int number() {
    return number;
  }
}
