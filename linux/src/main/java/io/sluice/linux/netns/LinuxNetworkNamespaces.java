package io.sluice.linux.netns;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.FileCalls.FileIdentity;
import io.sluice.linux.syscall.SystemCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Network namespaces by setns(2). Stateless, safe for use by several threads. */
public final class LinuxNetworkNamespaces implements NetworkNamespaces {
  private static final String OWN_PATH = "/proc/thread-self/ns/net";
  private static final MemorySegment OWN_PATH_MEMORY = Arena.global().allocateFrom(OWN_PATH);
  private static final String OWN_USER_PATH = "/proc/thread-self/ns/user";
  private static final String NO_NAMESPACE = "this file is no network namespace";
  private static final String OWN_DESCRIPTORS = "/proc/self/fd/";

  /** {@code NSFS_MAGIC} of linux/magic.h: where the files of all namespaces are. */
  private static final long NSFS_MAGIC = 0x6e73_6673;

  /**
   * Looks before it opens: to open a FIFO is to wait for its writer, and to open a device may start
   * it. Links are followed, since {@code /proc/<pid>/ns/net} is one; what they lead to is looked at
   * once and opened by that very look, so nobody can put another file into its place.
   */
  @Override
  public NetnsHandle open(Path path) {
    try (Descriptor place = openDescriptor(path.toString(), FileCalls.O_PATH)) {
      String same = OWN_DESCRIPTORS + place.fd();
      long magic = SystemCalls.fileSystemMagic(same);
      if (magic != NSFS_MAGIC) {
        throw failure(
            "statfs",
            magic < 0 ? (int) magic : -Errno.EINVAL.number(),
            path.toString(),
            NO_NAMESPACE);
      }
      int fd = FileCalls.open(same, FileCalls.O_RDONLY | FileCalls.O_NONBLOCK);
      if (fd < 0) {
        throw failure("open", fd, path.toString(), NO_NAMESPACE);
      }
      return owned(new Descriptor(fd, path.toString()));
    }
  }

  @Override
  public boolean leadsTo(Path path, NetnsHandle netns) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment statx = FileCalls.identityMemory(arena);
      return FileCalls.identify(arena.allocateFrom(path.toString()), statx) >= 0
          && netns.hasIdentity(FileCalls.identity(statx));
    }
  }

  @Override
  public boolean isMountedAt(Path path, NetnsHandle netns) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment statx = FileCalls.identityMemory(arena);
      return FileCalls.identifyUnfollowed(arena.allocateFrom(path.toString()), statx) >= 0
          && FileCalls.isMountRoot(statx)
          && netns.hasIdentity(FileCalls.identity(statx));
    }
  }

  @Override
  public boolean isMadeByNode(NetnsHandle netns) {
    int fd = SystemCalls.owningUserNamespace(netns.fd());
    if (fd == -Errno.EPERM.number()) {
      return false;
    }
    if (fd < 0) {
      throw failure("ioctl(NS_GET_USERNS)", fd, netns.toString(), "needs Linux 4.9 or newer");
    }
    try (var owner = new Descriptor(fd, netns.toString());
        var own = openDescriptor(OWN_USER_PATH, FileCalls.O_PATH)) {
      return identityOf(owner).equals(identityOf(own));
    }
  }

  @Override
  public NetnsHandle adopt(int fd, String subject) {
    return owned(new Descriptor(fd, subject));
  }

  private NetnsHandle owned(Descriptor descriptor) {
    try {
      checkKind(descriptor);
      return new NetnsHandle(descriptor, identityOf(descriptor), this::readCookie);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  @Override
  public NetnsHandle current() {
    var descriptor = openDescriptor(OWN_PATH, FileCalls.O_RDONLY);
    return new NetnsHandle(descriptor, identityOf(descriptor), this::readCookie);
  }

  @Override
  public <T, E extends Exception> T callIn(NetnsHandle ns, Body<T, E> body) throws E {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException(
          "a virtual thread would leave its carrier in " + ns + ": use a NetnsThread");
    }
    try (var home = openDescriptor(OWN_PATH, FileCalls.O_RDONLY);
        var arena = Arena.ofConfined()) {
      // All memory and classes for the way back exist before the thread leaves.
      MemorySegment statx = FileCalls.identityMemory(arena);
      FileIdentity homeIdentity = identityOf(home);
      int entered = SystemCalls.setns(ns.fd(), SystemCalls.CLONE_NEWNET);
      if (entered < 0) {
        throw failure("setns", entered, ns.toString(), "needs CAP_SYS_ADMIN on the node");
      }
      Throwable thrown = null;
      try {
        return body.call();
      } catch (Throwable e) {
        thrown = e;
        throw e;
      } finally {
        restore(home, homeIdentity, statx, thrown);
      }
    }
  }

  private static void restore(
      Descriptor home, FileIdentity homeIdentity, MemorySegment statx, @Nullable Throwable thrown) {
    int restored = SystemCalls.setns(home.fd(), SystemCalls.CLONE_NEWNET);
    int identified = restored < 0 ? restored : FileCalls.identify(OWN_PATH_MEMORY, statx);
    if (identified < 0 || !FileCalls.identity(statx).equals(homeIdentity)) {
      var lost =
          new NamespaceLostError(
              "thread "
                  + Thread.currentThread().getName()
                  + " cannot return to net:["
                  + homeIdentity.inode()
                  + "]: "
                  + (identified < 0 ? Errno.of(-identified) : "it is still elsewhere"));
      if (thrown != null) {
        lost.addSuppressed(thrown);
      }
      throw lost;
    }
  }

  private long readCookie(NetnsHandle ns) {
    if (!Thread.currentThread().isVirtual()) {
      return cookieInside(ns);
    }
    var cookie = new CompletableFuture<Long>();
    Thread.ofPlatform()
        .daemon()
        .name("netns-cookie")
        .start(() -> {
          try {
            cookie.complete(cookieInside(ns));
          } catch (RuntimeException | Error e) {
            cookie.completeExceptionally(e);
          }
        });
    try {
      return cookie.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof LinuxException refused) {
        throw refused;
      }
      throw e;
    }
  }

  private long cookieInside(NetnsHandle ns) {
    return callIn(
        ns,
        () -> {
          try {
            return cookieOfNewSocket();
          } catch (LinuxException e) {
            if (e.errno() == Errno.ENOENT) {
              return cookieOfNewSocket(); // an old kernel: sockets remember it from now on
            }
            throw e;
          }
        });
  }

  private static long cookieOfNewSocket() {
    int fd = Sockets.tcpSocket(Sockets.Family.IPV4);
    try {
      return Sockets.netnsCookie(fd);
    } finally {
      Sockets.close(fd);
    }
  }

  private static Descriptor openDescriptor(String path, int flags) {
    int fd = FileCalls.open(path, flags);
    if (fd < 0) {
      throw failure(
          "open", fd, path, "the namespace has gone, or /proc or /run/netns is not mounted");
    }
    return new Descriptor(fd, path);
  }

  /**
   * An ordinary file would be refused only by setns, when it is too late to say which path it was.
   */
  private static void checkKind(Descriptor descriptor) {
    int kind = SystemCalls.namespaceKind(descriptor.fd());
    if (kind != SystemCalls.CLONE_NEWNET) {
      throw failure(
          "ioctl(NS_GET_NSTYPE)", -Errno.EINVAL.number(), descriptor.subject(), NO_NAMESPACE);
    }
  }

  private static FileIdentity identityOf(Descriptor descriptor) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment statx = FileCalls.identityMemory(arena);
      int rc = FileCalls.identify(descriptor.fd(), statx);
      if (rc < 0) {
        throw failure("statx", rc, descriptor.subject(), "needs Linux 4.11 or newer");
      }
      return FileCalls.identity(statx);
    }
  }

  private static LinuxException failure(String operation, int rc, String subject, String hint) {
    return new LinuxException(operation, Errno.of(-rc), subject, hint);
  }
}
