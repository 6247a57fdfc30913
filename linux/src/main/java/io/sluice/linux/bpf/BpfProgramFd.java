package io.sluice.linux.bpf;

import io.sluice.linux.bpf.BpfInfo.BpfProgramInfo;
import io.sluice.linux.syscall.Descriptor;
import java.nio.file.Path;

/** A descriptor of a loaded program. */
public class BpfProgramFd implements AutoCloseable {
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

  /** Id, name and kind, read now. */
  public BpfProgramInfo info() {
    return BpfInfo.ofProgram(fd(), subject());
  }

  /** The number, for calls that take one; still owned by this object. */
  public int fd() {
    return descriptor.fd();
  }

  String subject() {
    return descriptor.subject();
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
