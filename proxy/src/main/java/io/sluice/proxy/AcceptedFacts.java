package io.sluice.proxy;

import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel knows about an accepted connection.
 *
 * @param originalDestinationOrNull address before redirection; null when the mesh did not redirect
 *     the connection
 * @param nodeOrigin whether a socket of this very node, outside any pod, opened it
 * @param rightNamespace whether the socket belongs to the network namespace of the pod whose
 *     listener accepted it
 */
public record AcceptedFacts(
    @Nullable InetSocketAddress originalDestinationOrNull,
    boolean nodeOrigin,
    boolean rightNamespace) {

  /** Facts with an optional destination. */
  public AcceptedFacts(
      Optional<InetSocketAddress> originalDestination, boolean nodeOrigin, boolean rightNamespace) {
    this(originalDestination.orElse(null), nodeOrigin, rightNamespace);
  }

  /** Address before redirection, when the mesh redirected the connection. */
  public Optional<InetSocketAddress> originalDestination() {
    return Optional.ofNullable(originalDestinationOrNull);
  }
}
