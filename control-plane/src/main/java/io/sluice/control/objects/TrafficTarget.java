package io.sluice.control.objects;

import java.util.List;

/**
 * An SMI TrafficTarget ({@code access.smi-spec.io/v1alpha3}).
 *
 * @param meta name and origin
 * @param destination who may be reached
 * @param sources who may reach it
 * @param rules by which routes
 */
public record TrafficTarget(
    ObjectMeta meta, Subject destination, List<Subject> sources, List<Rule> rules)
    implements KubernetesObject {
  /** SMI's only kind of an end. */
  public static final String ACCOUNT = "ServiceAccount";

  /** OSM's kind of a source that is no account of the mesh; its name is a SPIFFE ID. */
  public static final String PRINCIPAL = "AuthenticatedPrincipal";

  public TrafficTarget {
    sources = List.copyOf(sources);
    rules = List.copyOf(rules);
  }

  /**
   * An end of a TrafficTarget.
   *
   * @param kind {@link #ACCOUNT}, {@link #PRINCIPAL}, or what is neither
   * @param name name of the account, or the SPIFFE ID; as it is written where the kind is neither
   * @param namespace its namespace, empty when the target does not say
   */
  public record Subject(String kind, String name, String namespace) {}

  /**
   * A rule of a TrafficTarget.
   *
   * @param kind {@code TCPRoute}, {@code UDPRoute} or {@code HTTPRouteGroup}
   * @param name name of the route, in the namespace of the target
   * @param matches names of the matches that are meant; empty for all
   */
  public record Rule(String kind, String name, List<String> matches) {
    public Rule {
      matches = List.copyOf(matches);
    }
  }
}
