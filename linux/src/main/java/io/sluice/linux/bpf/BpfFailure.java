package io.sluice.linux.bpf;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.memory.ProcessMemory;
import java.util.OptionalLong;

/** Makes exceptions for BPF calls, with the hints that every such call shares. */
final class BpfFailure {
  static final String FEATURE_HINT =
      "this kernel lacks the feature, see `sluice node capabilities`";

  private static final int LIBBPF_LIBELF = 4000;
  private static final int LIBBPF_FORMAT = 4001;
  private static final int LIBBPF_ENDIAN = 4003;

  private BpfFailure() {}

  static LinuxException of(String operation, int rc, String subject, String hint) {
    Errno errno = errno(-rc);
    String shared =
        switch (errno) {
          case EPERM -> notPermitted(ProcessMemory.lockedLimitBytes());
          case EACCES -> "a security module refuses bpf(2): check SELinux and AppArmor";
          case ENOMEM -> "raise the memory limit of the daemon: BPF maps count against it";
          case EMFILE -> "raise the limit of open files";
          default -> "";
        };
    String both = hint.isEmpty() || shared.isEmpty() ? hint + shared : hint + "; " + shared;
    return new LinuxException(operation, errno, subject, both);
  }

  /** libbpf lifts the limit before the first map, where the kernel counts and it may. */
  static String notPermitted(OptionalLong lockedBytes) {
    String always = "needs CAP_BPF and CAP_NET_ADMIN (CAP_SYS_ADMIN before Linux 5.8)";
    return lockedBytes.isEmpty()
        ? always
        : always
            + ", and before Linux 5.11 CAP_SYS_RESOURCE: maps count against the limit of locked"
            + " memory, here "
            + lockedBytes.getAsLong()
            + " bytes; add the capability to the daemon's container, or raise the limit in the"
            + " container runtime";
  }

  /** libbpf has numbers of its own above 4000, see {@code enum libbpf_errno}. */
  private static Errno errno(int number) {
    return switch (number) {
      case LIBBPF_LIBELF, LIBBPF_FORMAT, LIBBPF_ENDIAN -> Errno.ENOEXEC;
      default -> number > LIBBPF_LIBELF ? Errno.EINVAL : Errno.of(number);
    };
  }

  /** Returns {@code rc}, if it is no error. */
  static int check(String operation, int rc, String subject, String hint) {
    if (rc < 0) {
      throw of(operation, rc, subject, hint);
    }
    return rc;
  }
}
