package io.sluice.linux.bpf;

import io.sluice.linux.bpf.BpfInfo.BpfLinkInfo;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.syscall.BpfCalls;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * An attachment of a program to a cgroup or a network namespace. It ends when the last descriptor
 * and the pin have gone, so pin it if it is to outlive the daemon. A link does not keep its
 * namespace alive.
 */
public class BpfLink implements AutoCloseable {
  private static final int LINK_DETACH = 34;
  private static final String ATTACH_HINT =
      "EPERM with all capabilities: a program attached without the multi flag owns this hook;"
          + " EEXIST or E2BIG: another program is attached there; EINVAL: "
          + BpfFailure.FEATURE_HINT;

  private final Descriptor descriptor;

  BpfLink(int fd, String subject) {
    descriptor = new Descriptor(fd, subject);
  }

  /**
   * Attaches to a cgroup (v2) directory, beside the programs that are there. Linux 5.7.
   *
   * @param attachType see {@link AttachType}
   */
  public static BpfLink attachCgroup(BpfProgramFd program, Path cgroup, int attachType) {
    int directory = FileCalls.open(cgroup.toString(), FileCalls.O_RDONLY);
    BpfFailure.check("open", directory, cgroup.toString(), "the cgroup has gone");
    try {
      return attach(program, directory, attachType, cgroup.toString());
    } finally {
      FileCalls.close(directory);
    }
  }

  /**
   * Attaches to a network namespace. Linux 5.8 (flow dissector), 5.9 (sk_lookup).
   *
   * @param attachType see {@link AttachType}
   */
  public static BpfLink attachNetns(BpfProgramFd program, NetnsHandle ns, int attachType) {
    return attach(program, ns.fd(), attachType, ns.toString());
  }

  /** Opens a pinned link. @throws io.sluice.linux.LinuxException ENOENT when nothing is there */
  public static BpfLink openPinned(Path path) {
    return new BpfLink(Pins.open(path), "link " + path.getFileName());
  }

  /** Swaps the program in one step, so that no connection meets the hook without one. */
  public void update(BpfProgramFd program) {
    Libbpf.require();
    BpfFailure.check(
        "bpf(LINK_UPDATE)",
        Libbpf.bpf_link_update(fd(), program.fd(), null),
        descriptor.subject() + " to " + program.subject(),
        "ENOLINK or ENOENT: its target has gone; EPERM: another program runs than expected;"
            + " EINVAL: the program is of another type");
  }

  /** Pins the link below a bpffs, where the attachment outlives this process. */
  public void pin(Path path) {
    Pins.pin(fd(), path, descriptor.subject());
  }

  /** What it is attached to, read now. */
  public BpfLinkInfo info() {
    return BpfInfo.ofLink(fd(), descriptor.subject());
  }

  /** Ends the attachment now, although descriptors and pins remain (Linux 5.9). */
  public void detach() {
    try (var arena = Arena.ofConfined()) {
      var attr = arena.allocate(8, 8);
      attr.set(ValueLayout.JAVA_INT, 0, fd());
      BpfFailure.check(
          "bpf(LINK_DETACH)",
          BpfCalls.bpf(LINK_DETACH, attr, 4),
          descriptor.subject(),
          "remove the pin instead");
    }
  }

  /** The number; still owned by this object. */
  public int fd() {
    return descriptor.fd();
  }

  /** Closes the descriptor; a pinned link stays attached. */
  @Override
  public void close() {
    descriptor.close();
  }

  private static BpfLink attach(BpfProgramFd program, int target, int attachType, String where) {
    Libbpf.require();
    String subject = program.subject() + " to " + where + ", type " + attachType;
    int fd = Libbpf.bpf_link_create(program.fd(), target, attachType, null);
    return new BpfLink(
        BpfFailure.check("bpf(LINK_CREATE)", fd, subject, ATTACH_HINT), "link of " + subject);
  }
}
