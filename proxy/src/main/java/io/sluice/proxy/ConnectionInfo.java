package io.sluice.proxy;

import io.sluice.mesh.Decider;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Direction;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One accepted connection, as far as it is known: of the same {@code id}, a later one says more,
 * such as the upstream.
 *
 * @param id unique within this process and growing with time; of what the kernel leads it falls,
 *     and counts of the same pods and address have one in common
 * @param reporter which end observed it
 * @param direction of the listener that accepted it
 * @param pod the pod whose listener accepted it
 * @param sourceOrNull the workload that opened it, when that is known
 * @param sourceIdentityOrNull identity of who opened it, when that is proven
 * @param destinationIdentityOrNull identity of who is called: proven by a certificate with mutual
 *     TLS, by the listener or the address without; null outside the mesh
 * @param mutualTls whether the two nodes proved the identities to each other by certificates
 * @param client true client address
 * @param originalDestinationOrNull address the client called; null when that is unknown
 * @param upstreamOrNull endpoint that was chosen last; null when none was
 * @param serviceOrNull service that the client called, when it called one
 * @param routeOrNull what led it to that service or answers in its place: the rule of a route, or
 *     the TrafficSplit; null when none did
 * @param serverNameOrNull host that the client's TLS names, where that is read here
 * @param revision of the snapshot that decided
 */
public record ConnectionInfo(
    long id,
    Reporter reporter,
    Direction direction,
    NamespacedName pod,
    @Nullable NamespacedName sourceOrNull,
    @Nullable SpiffeId sourceIdentityOrNull,
    @Nullable SpiffeId destinationIdentityOrNull,
    boolean mutualTls,
    InetSocketAddress client,
    @Nullable InetSocketAddress originalDestinationOrNull,
    @Nullable InetSocketAddress upstreamOrNull,
    @Nullable NamespacedName serviceOrNull,
    @Nullable Decider routeOrNull,
    @Nullable String serverNameOrNull,
    long revision) {

  /** Value of Istio's metric label {@code connection_security_policy}. */
  public String securityPolicy() {
    return mutualTls ? "mutual_tls" : "none";
  }

  /** Of {@link #routeOrNull}, for people. */
  public static String routeText(Decider route) {
    return route instanceof NamespacedName ? "TrafficSplit " + route : route.toString();
  }

  /** The workload that opened it, when that is known. */
  public Optional<NamespacedName> source() {
    return Optional.ofNullable(sourceOrNull);
  }

  /** Address the client called. */
  public Optional<InetSocketAddress> originalDestination() {
    return Optional.ofNullable(originalDestinationOrNull);
  }

  /** Endpoint that was chosen last. */
  public Optional<InetSocketAddress> upstream() {
    return Optional.ofNullable(upstreamOrNull);
  }

  /** Service that the client called. */
  public Optional<NamespacedName> service() {
    return Optional.ofNullable(serviceOrNull);
  }

  /** Whether nothing differs but the number and the port that the client chose. */
  public boolean isLike(ConnectionInfo other) {
    return this == other
        || (reporter == other.reporter
            && direction == other.direction
            && mutualTls == other.mutualTls
            && revision == other.revision
            && pod.equals(other.pod)
            && client.getAddress().equals(other.client.getAddress())
            && Objects.equals(sourceOrNull, other.sourceOrNull)
            && Objects.equals(sourceIdentityOrNull, other.sourceIdentityOrNull)
            && Objects.equals(destinationIdentityOrNull, other.destinationIdentityOrNull)
            && Objects.equals(originalDestinationOrNull, other.originalDestinationOrNull)
            && Objects.equals(upstreamOrNull, other.upstreamOrNull)
            && Objects.equals(serviceOrNull, other.serviceOrNull)
            && Objects.equals(routeOrNull, other.routeOrNull)
            && Objects.equals(serverNameOrNull, other.serverNameOrNull));
  }

  /**
   * A hash: the same for those that are {@linkplain #isLike alike}, mostly another for another
   * client, pod called or end.
   */
  public int likenessHash() {
    int pods = 31 * pod.hashCode() + client.getAddress().hashCode();
    return 2 * (31 * pods + Objects.hashCode(upstreamOrNull)) + reporter.ordinal();
  }

  /** Another one of the same pods by the same address, of which nothing else differs. */
  public ConnectionInfo another(long number, InetSocketAddress from) {
    return new ConnectionInfo(
        number,
        reporter,
        direction,
        pod,
        sourceOrNull,
        sourceIdentityOrNull,
        destinationIdentityOrNull,
        mutualTls,
        from,
        originalDestinationOrNull,
        upstreamOrNull,
        serviceOrNull,
        routeOrNull,
        serverNameOrNull,
        revision);
  }
}
