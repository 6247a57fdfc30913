package io.sluice.linux.netns;

import java.nio.file.Path;

/** Network namespaces on this node. The caller owns, and closes, the handles it gets. */
public interface NetworkNamespaces {
  /** What is done inside a namespace, and may fail in one way. */
  @FunctionalInterface
  interface Body<T, E extends Exception> {
    T call() throws E;
  }

  /**
   * Opens the namespace behind a path such as {@code /run/netns/<name>} or {@code
   * /proc/<pid>/ns/net}. Whatever the path leads to, it is not waited for.
   *
   * @throws io.sluice.linux.LinuxException ENOENT if it has gone, EINVAL if the file is no network
   *     namespace
   */
  NetnsHandle open(Path path);

  /** Whether the path leads to that namespace now; looks at the file and does not open it. */
  boolean leadsTo(Path path, NetnsHandle netns);

  /**
   * Whether that namespace is mounted at the very path, so that the path leads there until the
   * {@linkplain MountTable table of mounts} has changed, or a folder on the way has. False where
   * the kernel does not tell (before Linux 5.8).
   */
  boolean isMountedAt(Path path, NetnsHandle netns);

  /**
   * Whether its owner is the user namespace of this process, as of all that the node and its
   * runtime make for pods in that. What a container without further rights makes has an owner of
   * its own, see user_namespaces(7).
   */
  boolean isMadeByNode(NetnsHandle netns);

  /**
   * The namespace behind a descriptor that another process passed; the handle owns it then.
   *
   * @param subject names it in messages, such as the path that the sender opened
   * @throws io.sluice.linux.LinuxException EINVAL if it is no network namespace; it is closed then
   */
  NetnsHandle adopt(int fd, String subject);

  /** The namespace of the calling thread. */
  NetnsHandle current();

  /**
   * Runs {@code body} with the calling platform thread inside {@code ns}, and then puts the thread
   * back where it was, whatever {@code body} did. The body must not start threads (they inherit the
   * namespace), resolve names, or wait.
   *
   * @throws IllegalStateException on a virtual thread, whose carrier would stay behind in {@code
   *     ns}
   * @throws io.sluice.linux.LinuxException if the namespace cannot be entered
   * @throws NamespaceLostError if the thread could not be put back: it must end
   */
  <T, E extends Exception> T callIn(NetnsHandle ns, Body<T, E> body) throws E;
}
