package io.sluice.linux.bpf;

import io.sluice.linux.bpf.BpfInfo.BpfProgramInfo;
import io.sluice.linux.syscall.BpfCalls;
import io.sluice.linux.syscall.Descriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** A descriptor of a loaded program. */
public class BpfProgramFd implements AutoCloseable {
  private static final int PROG_ATTACH = 8;
  private static final int PROG_DETACH = 9;

  private final Descriptor descriptor;

  /** Takes ownership of {@code fd}. */
  BpfProgramFd(int fd, String subject) {
    descriptor = new Descriptor(fd, subject);
  }

  /** Opens a pinned program. @throws io.sluice.linux.LinuxException ENOENT when none is there */
  public static BpfProgramFd openPinned(Path path) {
    return new BpfProgramFd(Pins.open(path), "program " + path.getFileName());
  }

  /** Pins the program below a bpffs. */
  public void pin(Path path) {
    Pins.pin(fd(), path, subject());
  }

  /** Id, name and counters, read now. */
  public BpfProgramInfo info() {
    return BpfInfo.ofProgram(fd(), subject());
  }

  /**
   * Attaches to a SOCKMAP or SOCKHASH ({@link AttachType#SK_MSG_VERDICT} and its like), where it
   * stays until the map goes: such maps take a link only since Linux 6.10.
   */
  public void attachToSocketMap(BpfMapFd map, AttachType type) {
    socketMap(PROG_ATTACH, map, type);
  }

  /**
   * Takes this program off a SOCKMAP or SOCKHASH. @throws LinuxException ENOENT if it is not there
   */
  public void detachFromSocketMap(BpfMapFd map, AttachType type) {
    socketMap(PROG_DETACH, map, type);
  }

  /** The number, for calls that take one; still owned by this object. */
  public int fd() {
    return descriptor.fd();
  }

  String subject() {
    return descriptor.subject();
  }

  private void socketMap(int command, BpfMapFd map, AttachType type) {
    try (var arena = Arena.ofConfined()) {
      var attr = arena.allocate(16, Integer.BYTES);
      attr.set(ValueLayout.JAVA_INT, 0, map.fd());
      attr.set(ValueLayout.JAVA_INT, 4, fd());
      attr.set(ValueLayout.JAVA_INT, 8, type.number());
      BpfFailure.check(
          command == PROG_ATTACH ? "bpf(PROG_ATTACH)" : "bpf(PROG_DETACH)",
          BpfCalls.bpf(command, attr, 16),
          subject() + " to " + map.subject() + ", " + type,
          "EBUSY: a link holds the map; EINVAL: the program is of another type");
    }
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
