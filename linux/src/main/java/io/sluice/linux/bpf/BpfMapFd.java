package io.sluice.linux.bpf;

import io.sluice.linux.bpf.BpfInfo.BpfMapInfo;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import java.nio.file.Path;

/**
 * A descriptor of a BPF map. The map lives while a descriptor, a pin, or a program refers to it.
 */
public class BpfMapFd implements AutoCloseable {
  private final Descriptor descriptor;
  private final BpfMapInfo info;

  /** Takes ownership of {@code fd}, and closes it when it is no map. */
  BpfMapFd(int fd, String subject) {
    descriptor = new Descriptor(fd, subject);
    try {
      info = BpfInfo.ofMap(fd, subject);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  /** Of a map that is not the kernel's: for tests. */
  BpfMapFd(Descriptor descriptor, BpfMapInfo info) {
    this.descriptor = descriptor;
    this.info = info;
  }

  /**
   * Opens a pinned map. @throws io.sluice.linux.LinuxException ENOENT when nothing is pinned there
   */
  public static BpfMapFd openPinned(Path path) {
    return new BpfMapFd(Pins.open(path), "map " + path.getFileName());
  }

  /** Pins the map below a bpffs, where it outlives this process. @throws LinuxException EEXIST */
  public void pin(Path path) {
    Pins.pin(fd(), path, descriptor.subject());
  }

  /** Sizes and limits, as read when this descriptor was opened. */
  public BpfMapInfo info() {
    return info;
  }

  /** The number, for calls that take one; still owned by this object. */
  public int fd() {
    return descriptor.fd();
  }

  /** A second descriptor of the same map, closed on its own. */
  public BpfMapFd duplicate() {
    int copy = FileCalls.duplicate(fd());
    return new BpfMapFd(
        BpfFailure.check("fcntl(F_DUPFD_CLOEXEC)", copy, descriptor.subject(), ""),
        descriptor.subject());
  }

  /** Calls on its entries. */
  MapOperations operations() {
    return new MapOperations(this);
  }

  /** The map's name, for messages. */
  String subject() {
    return descriptor.subject();
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
