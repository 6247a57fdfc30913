package io.sluice.interception;

import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Predicate;

/**
 * Listeners of pods that another daemon of this node handed over, and that nobody uses yet: their
 * queues hold connections that were never refused. Any thread.
 */
public final class InheritedListeners implements AutoCloseable {
  /** One listener, by what only its former owner knows of it. */
  private record Listener(long netnsCookie, Direction direction, int fd) {}

  private final List<Listener> waiting = new ArrayList<>(); // guarded by this
  private volatile boolean acceptedByNobody;

  /** Adds a listener, whose descriptor is this object's from now on. */
  public synchronized void add(long netnsCookie, Direction direction, int fd) {
    waiting.add(new Listener(netnsCookie, direction, fd));
  }

  /**
   * Tells that nobody accepts on them: the other daemon intercepts otherwise, or by another map
   * schema.
   */
  public void areAcceptedByNobody() {
    acceptedByNobody = true;
  }

  boolean isAcceptedByNobody() {
    return acceptedByNobody;
  }

  /** How many wait. */
  public synchronized int size() {
    return waiting.size();
  }

  /**
   * The listener of a pod that does the same as one that would be made; it is the caller's then.
   *
   * @param fits whether its local address is such a one
   */
  synchronized OptionalInt take(
      long netnsCookie, Direction direction, Predicate<InetSocketAddress> fits) {
    for (Iterator<Listener> all = waiting.iterator(); all.hasNext(); ) {
      Listener one = all.next();
      if (one.netnsCookie == netnsCookie
          && one.direction == direction
          && isOf(one.fd, netnsCookie)
          && fits.test(Sockets.localAddress(one.fd))) {
        all.remove();
        return OptionalInt.of(one.fd);
      }
    }
    return OptionalInt.empty();
  }

  /** Every listener of a pod, whatever it was made for; they are the caller's then. */
  synchronized List<ListenerFd> takeAll(long netnsCookie, int most) {
    List<ListenerFd> taken = new ArrayList<>();
    for (Iterator<Listener> all = waiting.iterator(); all.hasNext() && taken.size() < most; ) {
      Listener one = all.next();
      if (one.netnsCookie == netnsCookie && isOf(one.fd, netnsCookie)) {
        all.remove();
        taken.add(new ListenerFd(one.fd, one.direction));
      }
    }
    return taken;
  }

  /** Second descriptors of every listener of a pod; they are the caller's. */
  synchronized List<ListenerFd> duplicates(long netnsCookie, int most) {
    List<ListenerFd> made = new ArrayList<>();
    try {
      for (Listener one : waiting) {
        if (one.netnsCookie == netnsCookie && isOf(one.fd, netnsCookie) && made.size() < most) {
          made.add(new ListenerFd(Sockets.duplicate(one.fd), one.direction));
        }
      }
      return made;
    } catch (RuntimeException e) {
      PodListenerSockets.close(made);
      throw e;
    }
  }

  /** What was said of it counts only where the kernel cannot tell (before Linux 5.14). */
  private static boolean isOf(int fd, long netnsCookie) {
    return !Sockets.hasNetnsCookie(fd) || Sockets.netnsCookie(fd) == netnsCookie;
  }

  /** Closes what nobody took: it is of a pod that is not enrolled any more, or otherwise. */
  @Override
  public synchronized void close() {
    waiting.forEach(one -> Sockets.close(one.fd));
    waiting.clear();
  }
}
