package io.sluice.control.objects;

import io.sluice.mesh.Spelling;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** The API groups of the mesh and of those that it knows, so that a misspelt kind is found. */
public final class MeshKinds {
  /** What is in them beside what the mesh reads. */
  private static final Map<String, List<String>> UNREAD =
      Map.of(
          "access.smi-spec.io",
          List.of(),
          "specs.smi-spec.io",
          List.of(),
          "split.smi-spec.io",
          List.of(),
          "config.openservicemesh.io",
          List.of("MeshRootCertificate"),
          PolicyReader.GROUP,
          List.of(),
          FaultReader.GROUP,
          List.of(
              "CircuitBreaker",
              "ConcurrencyLimit",
              "DNSModifier",
              "ExternalRateLimit",
              "Filter",
              "FilterConfig",
              "FilterDefinition",
              "HTTPLog",
              "IPRestriction",
              "ListenerFilter",
              "Metrics",
              "ProxyTag",
              "RateLimit",
              "RequestTermination",
              "Zipkin"),
          PolicyReader.FSM_GROUP,
          List.of(
              "AccessCert",
              "AccessControl",
              "Egress",
              "EgressGateway",
              "IngressBackend",
              "Retry",
              "TrafficWarmup",
              "UpstreamTrafficSetting"),
          "sluice.io",
          List.of(),
          "config.sluice.io",
          List.of(),
          GatewayReader.GROUP,
          List.of(
              "Gateway",
              "GatewayClass",
              "ListenerSet",
              "BackendTLSPolicy",
              "TCPRoute",
              "TLSRoute",
              "UDPRoute"));

  private MeshKinds() {}

  /**
   * What is wrong with the kind or the group of an object that the mesh does not read, and what to
   * write; nothing where it may be what its author means.
   *
   * @return field, reason and mend
   */
  public static Optional<Wrong> wrong(ObjectRef object) {
    if (!UNREAD.containsKey(object.group())) {
      return ofGroup(object);
    }
    Collection<String> known = kinds(object.group());
    if (known.contains(object.kind())) {
      return Optional.empty();
    }
    Optional<String> meant = Spelling.nearest(object.kind(), known);
    if (meant.isEmpty() && object.group().equals(GatewayReader.GROUP)) {
      return Optional.empty(); // it grows: a kind may be newer than this mesh
    }
    String mend =
        meant
            .map(kind -> "did you mean " + kind + "?")
            .orElse(known.isEmpty() ? "remove it" : "write one of " + String.join(", ", known));
    return Optional.of(new Wrong("kind", object.group() + " has no kind " + object.kind(), mend));
  }

  /** A kind that is read, in a group whose name is a slip away from its own. */
  private static Optional<Wrong> ofGroup(ObjectRef object) {
    List<String> groups =
        Arrays.stream(ReadableKind.values())
            .filter(kind -> kind.kind().equals(object.kind()) && !kind.group().isEmpty())
            .map(ReadableKind::group)
            .toList();
    return Spelling.nearest(object.group(), groups)
        .map(group ->
            new Wrong(
                "apiVersion",
                "no group " + object.group() + " is known",
                "did you mean " + group + "?"));
  }

  private static Collection<String> kinds(String group) {
    Collection<String> kinds = new TreeSet<>(UNREAD.getOrDefault(group, List.of()));
    Arrays.stream(ReadableKind.values())
        .filter(kind -> kind.group().equals(group))
        .forEach(kind -> kinds.add(kind.kind()));
    return kinds;
  }

  /** What is wrong with one field, and what to write. */
  public record Wrong(String field, String reason, String mend) {}
}
