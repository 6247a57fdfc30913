package io.sluice.proxy;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The sockets of pods, as the interception mechanism in use makes and explains them. */
public interface PodSockets {
  /**
   * What the kernel knows about a connection that a listener of {@code pod} just accepted. Called
   * on an event loop: must not block. Does not take ownership of {@code fd}. A thrown exception
   * resets the connection.
   */
  AcceptedFacts accepted(NamespacedName pod, Direction direction, int fd);

  /**
   * Whether this process opened the connection itself, only to see that it arrives at this
   * listener. It is closed at once then, and is no traffic: nothing is decided, recorded or
   * counted. Called on an event loop for every connection: must not block. Does not take ownership
   * of {@code fd}.
   *
   * @param peer the other end as this one sees it
   */
  default boolean isPathCheck(
      NamespacedName pod, Direction direction, int fd, InetSocketAddress peer) {
    return false;
  }

  /**
   * The source of a connection that an inbound listener of {@code pod} accepted, as its opener
   * knows it, where redirecting it has changed the source port; empty where it changes none or
   * nobody knows. Does not block; may complete on any thread, exceptionally too.
   *
   * @param local the accepted socket's own end
   * @param peer its other end, as it sees it
   */
  default CompletableFuture<Optional<InetSocketAddress>> untranslatedSource(
      NamespacedName pod, InetSocketAddress local, InetSocketAddress peer) {
    return CompletableFuture.completedFuture(Optional.empty());
  }

  /**
   * An application that a socket leads to.
   *
   * @param pod whose it is
   * @param client address that it is to see as its peer, where the mechanism can show it there
   */
  record Application(NamespacedName pod, InetSocketAddress client) {}

  /**
   * Makes a TCP socket inside a pod's network namespace: non-blocking, close-on-exec, not
   * connected. The proxy owns the descriptor from the completion on, also when it completes after
   * the connection it was for has gone. May complete on any thread, exceptionally too.
   *
   * @param inside pod in whose namespace it is made
   * @param destination address that it is to be connected to
   * @param application where it leads to one: of that very pod, or of another one where {@link
   *     #canLeadPast} says so
   */
  CompletableFuture<Integer> open(
      NamespacedName inside, InetAddress destination, Optional<Application> application);

  /**
   * Whether a socket made inside {@code caller} can be led past the inbound listener of {@code
   * callee}, another pod of this node, and whether that listener would have taken what is sent to
   * {@code destination} at all. Does not block.
   */
  boolean canLeadPast(NamespacedName caller, NamespacedName callee, InetSocketAddress destination);
}
