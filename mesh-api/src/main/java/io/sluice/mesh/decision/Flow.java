package io.sluice.mesh.decision;

import io.sluice.mesh.NamespacedName;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One connection as policy sees it: who, from where, to which address of a workload or of the
 * outside world (a service's virtual address has already become an endpoint).
 *
 * @param sourceOrNull the workload that opened it, proven by the listener that accepted it or by a
 *     certificate, never by an address; null when nothing proves it
 * @param sourceAddress true client address
 * @param destination address and port of the upstream
 * @param nodeOrigin whether a socket of this very node opened it
 */
public record Flow(
    @Nullable NamespacedName sourceOrNull,
    InetSocketAddress sourceAddress,
    InetSocketAddress destination,
    boolean nodeOrigin) {

  /** The workload that opened it, when that is proven. */
  public Optional<NamespacedName> source() {
    return Optional.ofNullable(sourceOrNull);
  }
}
