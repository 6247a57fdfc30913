package io.sluice.node.flows;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * All that policy was told of a connection or a request, and what it said. Ends are named as they
 * were then: addresses are other pods' tomorrow.
 *
 * @param direction by which listener it came
 * @param sourceOrNull the pod that opened it; null where only its identity is known, or nothing
 * @param sourceIdentityOrNull its identity, as far as it is proven
 * @param certified whether a certificate proved that, and not the listener
 * @param foreign whether it is of another mesh
 * @param destinationOrNull the enrolled pod called; null where it leads out of the mesh
 * @param destinationIdentityOrNull its identity
 * @param address of whoever is not named: the client's of an arrival, the one called of a call that
 *     leaves the mesh; empty where both ends are named
 * @param port called, of the endpoint
 * @param service that was called, empty where none was
 * @param askedOrNull the request; null where it was carried as bytes
 * @param verdict what policy said
 */
public record RecordedFlow(
    Direction direction,
    @Nullable NamespacedName sourceOrNull,
    @Nullable SpiffeId sourceIdentityOrNull,
    boolean certified,
    boolean foreign,
    @Nullable NamespacedName destinationOrNull,
    @Nullable SpiffeId destinationIdentityOrNull,
    String address,
    int port,
    String service,
    @Nullable Asked askedOrNull,
    Verdict verdict) {
  /** Characters of a path, or of any other text of a request, that are kept. */
  static final int LONGEST_TEXT = 256;

  /** Those that the mesh's objects decide; others say what became of a connection after that. */
  private static final Set<Reason> OF_POLICY =
      EnumSet.of(
          Reason.PERMISSIVE_MODE,
          Reason.TRAFFIC_TARGET,
          Reason.EGRESS_ALLOWED,
          Reason.NO_TRAFFIC_TARGET,
          Reason.PORT_NOT_GRANTED,
          Reason.SOURCE_NOT_IN_MESH,
          Reason.EGRESS_DISABLED,
          Reason.MTLS_REQUIRED,
          Reason.HTTP_ONLY,
          Reason.ROUTE_NOT_GRANTED,
          Reason.INGRESS_BACKEND,
          Reason.INGRESS_REFUSED,
          Reason.INGRESS_TLS_REFUSED,
          Reason.INGRESS_CERTIFICATE_REFUSED,
          Reason.INGRESS_PRINCIPAL_REFUSED,
          Reason.INGRESS_HOST_REFUSED,
          Reason.EGRESS_POLICY,
          Reason.ISOLATED);

  /**
   * A request as policy sees it.
   *
   * @param path without the query
   * @param cut whether a text of it is kept without its end
   * @param headers that the policy of then matched on, by name
   * @param absent of those, which it did not have
   */
  public record Asked(
      String method,
      String authority,
      String path,
      boolean cut,
      Map<String, String> headers,
      Set<String> absent) {
    public Asked {
      headers = Map.copyOf(headers);
      absent = Set.copyOf(absent);
    }

    /** By hand, as that of the flow. */
    @Override
    public boolean equals(@Nullable Object other) {
      return other == this
          || other instanceof Asked that
              && path.equals(that.path)
              && method.equals(that.method)
              && authority.equals(that.authority)
              && cut == that.cut
              && headers.equals(that.headers)
              && absent.equals(that.absent);
    }

    @Override
    public int hashCode() {
      return 31 * path.hashCode() + method.hashCode();
    }

    /** What {@code record} tells, where {@code told} are the headers that it would tell. */
    static Asked of(RequestRecord record, Collection<String> told) {
      Map<String, String> headers = told.isEmpty() ? Map.of() : new HashMap<>();
      Set<String> absent = told.isEmpty() ? Set.of() : new TreeSet<>();
      for (String name : told) {
        String value = record.headers().get(name);
        if (value == null) {
          absent.add(name);
        } else if (value.length() <= RequestRecord.LONGEST_HEADER) {
          headers.put(name, value);
        }
      }
      return new Asked(
          shortened(record.method()),
          shortened(record.authority()),
          shortened(record.path()),
          isLong(record.method()) || isLong(record.authority()) || isLong(record.path()),
          headers,
          absent);
    }

    /** Whether there was more of the path than {@link #path} has. */
    public boolean isPathCut() {
      return cut && path.length() >= LONGEST_TEXT;
    }

    private static boolean isLong(String text) {
      return text.length() > LONGEST_TEXT;
    }

    private static String shortened(String text) {
      return isLong(text) ? text.substring(0, LONGEST_TEXT) : text;
    }
  }

  /**
   * How often it was seen.
   *
   * @param count how often
   * @param first when it began to be
   * @param last when it was the last time
   */
  public record Seen(long count, Instant first, Instant last) {
    /** Both. */
    public Seen and(Seen other) {
      return new Seen(
          count + other.count,
          first.isBefore(other.first) ? first : other.first,
          last.isAfter(other.last) ? last : other.last);
    }
  }

  /**
   * By hand, as the hash: both are asked for every request, and a record's own are chains of method
   * handles, which the JVM's first compiler, a daemon's only one, calls one by one.
   */
  @Override
  public boolean equals(@Nullable Object other) {
    return other == this
        || other instanceof RecordedFlow that
            && port == that.port
            && direction == that.direction
            && certified == that.certified
            && foreign == that.foreign
            && Objects.equals(askedOrNull, that.askedOrNull)
            && Objects.equals(sourceOrNull, that.sourceOrNull)
            && Objects.equals(sourceIdentityOrNull, that.sourceIdentityOrNull)
            && Objects.equals(destinationOrNull, that.destinationOrNull)
            && Objects.equals(destinationIdentityOrNull, that.destinationIdentityOrNull)
            && address.equals(that.address)
            && service.equals(that.service)
            && verdict.outcome() == that.verdict.outcome()
            && verdict.reason() == that.verdict.reason()
            && Objects.equals(verdict.ruleOrNull(), that.verdict.ruleOrNull());
  }

  @Override
  public int hashCode() {
    int hash = 31 * port + verdict.reason().hashCode();
    hash = 31 * hash + Objects.hashCode(sourceOrNull);
    hash = 31 * hash + Objects.hashCode(destinationOrNull);
    hash = 31 * hash + address.hashCode();
    return 31 * hash + Objects.hashCode(askedOrNull);
  }

  /** A flow with how often it was seen. */
  public record Entry(RecordedFlow flow, Seen seen) {}

  /** What is to be kept of a connection or request; empty where policy did not decide it. */
  static Optional<RecordedFlow> of(
      MeshSnapshot snapshot, ConnectionInfo info, Verdict verdict, @Nullable Asked askedOrNull) {
    InetSocketAddress called = info.upstream().or(info::originalDestination).orElse(null);
    if (!OF_POLICY.contains(verdict.reason()) || called == null || called.getAddress() == null) {
      return Optional.empty();
    }
    boolean arrives = info.direction() == Direction.INBOUND;
    Optional<Workload> to =
        (arrives ? snapshot.workload(info.pod()) : snapshot.workloadAt(called.getAddress()))
            .filter(Workload::enrolled);
    NamespacedName source = info.sourceOrNull();
    SpiffeId caller = info.sourceIdentityOrNull();
    if (caller == null && source != null) {
      caller = snapshot.identityOf(source).orElse(null);
    }
    InetAddress unnamed =
        to.isEmpty()
            ? called.getAddress()
            : source == null && caller == null ? info.client().getAddress() : null;
    return Optional.of(
        new RecordedFlow(
            info.direction(),
            source,
            caller,
            arrives && info.mutualTls(),
            caller != null && !caller.trustDomain().equals(snapshot.settings().trustDomain()),
            to.map(Workload::name).orElse(null),
            to.map(Workload::identity).orElse(null),
            unnamed == null ? "" : IpAddresses.text(unnamed),
            called.getPort(),
            info.service().map(NamespacedName::toString).orElse(""),
            askedOrNull,
            verdict));
  }
}
