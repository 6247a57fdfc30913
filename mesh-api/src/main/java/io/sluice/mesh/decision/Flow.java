package io.sluice.mesh.decision;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One connection as policy sees it: who, from where, to which address of a workload or of the
 * outside world (a service's virtual address has already become an endpoint).
 *
 * @param sourceOrNull the workload that opened it, proven by the listener that accepted it, or by a
 *     certificate together with an address; null when it is not known
 * @param certifiedOrNull identity that a certificate proved; null without mutual TLS. Alone it says
 *     which service account calls, not which pod
 * @param foreign whether roots of another mesh proved that identity: it is never an account of this
 *     one then, however a snapshot names the mesh's trust domain
 * @param sourceAddress true client address
 * @param destination address and port of the upstream
 * @param decidedByRequest whether each HTTP request on it is decided for itself: the connection is
 *     then let in where any request may be
 * @param hostOrNull name, in lower case, that the client has called in a ClientHello; empty where
 *     it named none, null where nobody has looked
 * @param outsiderOrNull what a client outside the mesh has shown in TLS, which has been ended; null
 *     where there was none
 */
public record Flow(
    @Nullable NamespacedName sourceOrNull,
    @Nullable SpiffeId certifiedOrNull,
    boolean foreign,
    InetSocketAddress sourceAddress,
    InetSocketAddress destination,
    boolean decidedByRequest,
    @Nullable String hostOrNull,
    @Nullable Outsider outsiderOrNull) {

  /** A flow of which nobody has looked which host is named. */
  public Flow(
      @Nullable NamespacedName sourceOrNull,
      @Nullable SpiffeId certifiedOrNull,
      boolean foreign,
      InetSocketAddress sourceAddress,
      InetSocketAddress destination,
      boolean decidedByRequest) {
    this(
        sourceOrNull,
        certifiedOrNull,
        foreign,
        sourceAddress,
        destination,
        decidedByRequest,
        null,
        null);
  }

  /** A flow whose source is proven by a listener, or by nothing. */
  public Flow(
      @Nullable NamespacedName sourceOrNull,
      InetSocketAddress sourceAddress,
      InetSocketAddress destination) {
    this(sourceOrNull, null, false, sourceAddress, destination, false);
  }

  /**
   * A flow whose source a certificate proves. The workload is named where the address belongs to
   * one of that identity: an address alone proves nothing, and may be another pod's by now.
   */
  public static Flow certified(
      MeshSnapshot snapshot,
      SpiffeId identity,
      InetSocketAddress sourceAddress,
      InetSocketAddress destination) {
    NamespacedName source =
        snapshot
            .workloadAt(sourceAddress.getAddress())
            .filter(workload -> workload.identity().equals(identity))
            .map(Workload::name)
            .orElse(null);
    return new Flow(source, identity, false, sourceAddress, destination, false);
  }

  /** A flow of a workload of another mesh, which the roots of its trust domain prove. */
  public static Flow foreign(
      SpiffeId identity, InetSocketAddress sourceAddress, InetSocketAddress destination) {
    return new Flow(null, identity, true, sourceAddress, destination, false);
  }

  /** As of any record; written out, for each request asks whether its flow is the last one's. */
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof Flow that
            && Objects.equals(sourceOrNull, that.sourceOrNull)
            && Objects.equals(certifiedOrNull, that.certifiedOrNull)
            && foreign == that.foreign
            && sourceAddress.equals(that.sourceAddress)
            && destination.equals(that.destination)
            && decidedByRequest == that.decidedByRequest
            && Objects.equals(hostOrNull, that.hostOrNull)
            && Objects.equals(outsiderOrNull, that.outsiderOrNull));
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        sourceOrNull, certifiedOrNull, foreign, sourceAddress, destination, decidedByRequest);
  }

  /** The same where it is decided as a whole, whatever it carries. */
  public Flow whole() {
    return decidedByRequest ? with(certifiedOrNull, destination, false, hostOrNull) : this;
  }

  /** The same to another address. */
  public Flow to(InetSocketAddress other) {
    return other.equals(destination)
        ? this
        : with(certifiedOrNull, other, decidedByRequest, hostOrNull);
  }

  /** The same where each HTTP request on it is decided for itself. */
  public Flow byRequest() {
    return with(certifiedOrNull, destination, true, hostOrNull);
  }

  /** The same where the client has named this host, or none where it is empty. */
  public Flow named(String host) {
    return with(certifiedOrNull, destination, decidedByRequest, host);
  }

  /** The same where a client outside the mesh has shown this in TLS, which has been ended. */
  public Flow of(Outsider outsider) {
    return new Flow(
        sourceOrNull,
        certifiedOrNull,
        foreign,
        sourceAddress,
        destination,
        decidedByRequest,
        hostOrNull,
        outsider);
  }

  private Flow with(
      @Nullable SpiffeId certified,
      InetSocketAddress to,
      boolean byRequest,
      @Nullable String host) {
    return new Flow(
        sourceOrNull, certified, foreign, sourceAddress, to, byRequest, host, outsiderOrNull);
  }

  /** The workload that opened it, when that is known. */
  public Optional<NamespacedName> source() {
    return Optional.ofNullable(sourceOrNull);
  }

  /** Whether a listener or a certificate proves who opened it. */
  public boolean isProven() {
    return sourceOrNull != null || certifiedOrNull != null;
  }

  /**
   * The same of a peer that the mesh counted to itself when it came: it does so still where {@code
   * snapshot} names the mesh's trust domain otherwise.
   */
  Flow stillIn(MeshSnapshot snapshot) {
    return certifiedOrNull == null || foreign
        ? this
        : with(
            certifiedOrNull.in(snapshot.settings().trustDomain()),
            destination,
            decidedByRequest,
            hostOrNull);
  }

  /**
   * Who opened it by the address alone, which proves nothing: counts only while the mesh is taken
   * away, for workloads that may have left it already.
   */
  Optional<SpiffeId> identityByAddress(MeshSnapshot snapshot) {
    InetAddress address = sourceAddress.getAddress();
    return address == null || snapshot.settings().retirement() == Retirement.NONE
        ? Optional.empty()
        : snapshot
            .workloadAt(address)
            .filter(Workload::enrolled)
            .map(Workload::identity)
            .filter(snapshot.settings()::isWorkload)
            .filter(identity -> !snapshot.settings().denied().denies(identity));
  }

  /** Whose workload of another mesh opened it. */
  Optional<SpiffeId> foreigner() {
    return Optional.ofNullable(certifiedOrNull)
        .filter(_ -> foreign)
        .filter(identity -> !SystemIdentity.isSystem(identity) && !identity.isNobody());
  }

  /** Who opened it, as far as that is proven and {@code snapshot} counts it to the mesh. */
  Optional<SpiffeId> identity(MeshSnapshot snapshot) {
    if (foreign) {
      return Optional.empty();
    }
    Optional<SpiffeId> proven =
        certifiedOrNull != null
            ? Optional.of(certifiedOrNull)
            : source().flatMap(snapshot::workload).map(Workload::identity);
    return proven.filter(snapshot.settings()::isWorkload);
  }
}
