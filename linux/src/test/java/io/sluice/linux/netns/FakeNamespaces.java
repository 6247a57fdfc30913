package io.sluice.linux.netns;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.FileCalls.FileIdentity;
import java.nio.file.Path;

/**
 * One namespace, the one that the tests run in, which is entered by doing nothing: for tests
 * without privileges.
 *
 * @param isEntered false where entering it is refused, as to a process that may not
 */
public record FakeNamespaces(boolean isEntered) implements NetworkNamespaces {
  /** Of its file; no other namespace is compared with it. */
  private static final FileIdentity IDENTITY = new FileIdentity(4, 4_026_531_840L);

  /** The cookie that sockets of this process have. */
  public static long cookie() {
    int socket = Sockets.tcpSocket(Sockets.Family.IPV4);
    try {
      return Sockets.netnsCookie(socket);
    } finally {
      Sockets.close(socket);
    }
  }

  @Override
  public NetnsHandle open(Path path) {
    return current();
  }

  @Override
  public boolean leadsTo(Path path, NetnsHandle netns) {
    return true;
  }

  @Override
  public boolean isMountedAt(Path path, NetnsHandle netns) {
    return false;
  }

  @Override
  public boolean isMadeByNode(NetnsHandle netns) {
    return true;
  }

  @Override
  public NetnsHandle adopt(int fd, String subject) {
    return new NetnsHandle(new Descriptor(fd, subject), IDENTITY, _ -> cookie());
  }

  @Override
  public NetnsHandle current() {
    return adopt(FileCalls.open("/proc/self/ns/net", FileCalls.O_RDONLY), "the tests' namespace");
  }

  @Override
  public <T, E extends Exception> T callIn(NetnsHandle ns, Body<T, E> body) throws E {
    if (!isEntered) {
      throw new LinuxException("setns", Errno.EPERM, ns.toString(), "");
    }
    return body.call();
  }
}
