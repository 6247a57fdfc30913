package io.sluice.proxy;

import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel knows about an accepted connection.
 *
 * @param originalDestinationOrNull address before redirection; null when the mesh did not redirect
 *     the connection
 * @param rightNamespace whether the socket belongs to the network namespace of the pod whose
 *     listener accepted it
 */
public record AcceptedFacts(
    @Nullable InetSocketAddress originalDestinationOrNull, boolean rightNamespace) {

  /** Address before redirection, when the mesh redirected the connection. */
  public Optional<InetSocketAddress> originalDestination() {
    return Optional.ofNullable(originalDestinationOrNull);
  }
}
