package io.sluice.linux.netns;

import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls.FileIdentity;
import java.util.function.ToLongFunction;

/**
 * An open network namespace. While it is open, the namespace lives on even when its pod has gone,
 * so close it as soon as the listeners inside exist. Safe for use by several threads.
 */
public final class NetnsHandle implements AutoCloseable {
  private final Descriptor descriptor;
  private final FileIdentity identity;
  private final ToLongFunction<NetnsHandle> cookieReader;
  private volatile long cookie;

  NetnsHandle(
      Descriptor descriptor, FileIdentity identity, ToLongFunction<NetnsHandle> cookieReader) {
    this.descriptor = descriptor;
    this.identity = identity;
    this.cookieReader = cookieReader;
  }

  /** Inode of the namespace file: the number in {@code net:[4026531840]}. */
  public long inode() {
    return identity.inode();
  }

  /**
   * The cookie by which BPF programs know this namespace. The first call opens a socket inside;
   * later calls return the same number.
   *
   * @throws io.sluice.linux.LinuxException ENOPROTOOPT before Linux 5.14, which has no
   *     SO_NETNS_COOKIE
   */
  public long cookie() {
    if (cookie == 0) {
      cookie = cookieReader.applyAsLong(this);
    }
    return cookie;
  }

  /** Whether both are the same namespace, through whichever path they were opened. */
  public boolean isSameAs(NetnsHandle other) {
    return hasIdentity(other.identity);
  }

  boolean hasIdentity(FileIdentity other) {
    return identity.equals(other);
  }

  /** The descriptor, for calls that take a namespace; owned by this handle. */
  public int fd() {
    return descriptor.fd();
  }

  @Override
  public void close() {
    descriptor.close();
  }

  @Override
  public String toString() {
    return descriptor.subject() + " net:[" + inode() + "]";
  }
}
