package io.sluice.linux.bpf;

import io.sluice.linux.syscall.Descriptor;

/** A descriptor of a loaded program. */
public class BpfProgramFd implements AutoCloseable {
  private final Descriptor descriptor;

  /** Takes ownership of {@code fd}. */
  BpfProgramFd(int fd, String subject) {
    descriptor = new Descriptor(fd, subject);
  }

  /** The kernel's number of the program. */
  public int id() {
    return BpfInfo.idOfProgram(fd(), subject());
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
