package io.sluice.control.validate;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.validate.Finding.Level;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * The fields of the kinds that belong to the mesh, so that a misspelt one is found. Kinds of
 * Kubernetes have many fields that the mesh does not read; its API server checks those.
 */
final class KnownFields {
  private static final String GATEWAY = "gateway.networking.k8s.io";

  /**
   * A kind, its groups, and below it what each path may have: SMI Traffic Access Control v1alpha3,
   * Specs v1alpha4 and Split v1alpha1 to v1alpha4; OSM's kinds v1alpha1 with osm-edge's fields, and
   * osm-edge's and FSM's own; the Gateway API v1 with its experimental fields, sessions in the
   * words of v1.6 and in those before. Where nothing is said of {@code spec}, as of a MeshConfig's,
   * its reader says of every field whether it is known.
   */
  private static final String TABLE =
      """
      TrafficTarget access.smi-spec.io
        spec.destination: kind name namespace
        spec.sources: kind name namespace
        spec.rules: kind name matches
      TCPRoute specs.smi-spec.io
        spec.matches: name ports
      UDPRoute specs.smi-spec.io
        spec.matches: name ports
      HTTPRouteGroup specs.smi-spec.io
        spec.matches: name pathRegex methods headers
      TrafficSplit split.smi-spec.io
        spec: service
        spec.backends: service weight
        spec.matches: apiGroup kind name
      Retry policy.openservicemesh.io
        spec.source: kind name namespace
        spec.destinations: kind name namespace
        spec.retryPolicy: retryOn perTryTimeout numRetries retryBackoffBaseInterval
      Telemetry policy.openservicemesh.io
        spec: selector
        spec.accessLog: format
        spec.accessLog.openTelemetry: attributes
        spec.accessLog.openTelemetry.extensionService: namespace name
      ExtensionService config.openservicemesh.io
        spec: host port protocol connectTimeout
        spec.tls: enable caPem
      FaultInjection extension.gateway.flomesh.io
        spec.delay: percentage min max
        spec.abort: percentage
        spec.abort.response: status headers body
      IngressBackend policy.openservicemesh.io
        spec.backends: name namespace
        spec.backends.port: number protocol
        spec.backends.tls: skipClientCertValidation sniHosts
        spec.sources: kind name namespace
        spec.matches: apiGroup kind name
      AccessControl policy.openservicemesh.io
        spec.backends: name
        spec.backends.port: number protocol
        spec.backends.tls: skipClientCertValidation sniHosts
        spec.sources: kind name namespace
        spec.matches: apiGroup kind name
      Egress policy.openservicemesh.io
        spec: hosts ipAddresses
        spec.sources: kind name namespace mtls
        spec.ports: number protocol
        spec.matches: apiGroup kind name
      AccessCert policy.openservicemesh.io
        spec: subjectAltNames
        spec.secret: name namespace
      Isolation policy.flomesh.io
        spec: cidrs
      UpstreamTrafficSetting policy.openservicemesh.io
        spec: host httpHeaders
        spec.connectionSettings.tcp: maxConnections connectTimeout circuitBreaking
        spec.connectionSettings.http: maxRequests maxRequestsPerConnection maxPendingRequests
        spec.connectionSettings.http: maxRetries
        spec.connectionSettings.http.circuitBreaking: statTimeWindow minRequestAmount
        spec.connectionSettings.http.circuitBreaking: degradedTimeWindow slowTimeThreshold
        spec.connectionSettings.http.circuitBreaking: slowAmountThreshold slowRatioThreshold
        spec.connectionSettings.http.circuitBreaking: errorAmountThreshold errorRatioThreshold
        spec.connectionSettings.http.circuitBreaking: degradedStatusCode degradedResponseContent
        spec.connectionSettings.http.outlierDetection: consecutive5xxErrors baseEjectionTime
        spec.connectionSettings.http.outlierDetection: maxEjectionTime maxEjectionPercent
        spec.rateLimit.local.tcp: connections unit burst bps
        spec.rateLimit.local.http: requests unit burst responseStatusCode responseHeadersToAdd
        spec.rateLimit.global.tcp: domain timeout failOpen
        spec.rateLimit.global.tcp.rateLimitService: host port
        spec.rateLimit.global.tcp.descriptors.entries: key value
        spec.rateLimit.global.http: domain timeout failOpen
        spec.rateLimit.global.http: enableXRateLimitHeaders responseStatusCode
        spec.rateLimit.global.http.rateLimitService: host port
        spec.rateLimit.global.http.descriptors.entries.genericKey: key value
        spec.rateLimit.global.http.descriptors.entries.remoteAddress:
        spec.rateLimit.global.http.descriptors.entries.requestHeader: name key
        spec.rateLimit.global.http.descriptors.entries.headerValueMatch: key value expectMatch
        spec.rateLimit.global.http.descriptors.entries.headerValueMatch.headers: name exact
        spec.rateLimit.global.http.descriptors.entries.headerValueMatch.headers: prefix suffix
        spec.rateLimit.global.http.descriptors.entries.headerValueMatch.headers: regex contains
        spec.rateLimit.global.http.descriptors.entries.headerValueMatch.headers: present
        spec.httpRoutes: path
        spec.httpRoutes.rateLimit.local: requests unit burst responseStatusCode
        spec.httpRoutes.rateLimit.local: responseHeadersToAdd
        spec.httpRoutes.rateLimit.global.descriptors.entries.genericKey: key value
        spec.httpRoutes.rateLimit.global.descriptors.entries.remoteAddress:
        spec.httpRoutes.rateLimit.global.descriptors.entries.requestHeader: name key
        spec.httpRoutes.rateLimit.global.descriptors.entries.headerValueMatch: key value expectMatch
        spec.httpRoutes.rateLimit.global.descriptors.entries.headerValueMatch.headers: name exact
        spec.httpRoutes.rateLimit.global.descriptors.entries.headerValueMatch.headers: prefix suffix
        spec.httpRoutes.rateLimit.global.descriptors.entries.headerValueMatch.headers: regex
        spec.httpRoutes.rateLimit.global.descriptors.entries.headerValueMatch.headers: contains
        spec.httpRoutes.rateLimit.global.descriptors.entries.headerValueMatch.headers: present
      HTTPRoute,GRPCRoute gateway.networking.k8s.io
        spec: useDefaultGateways hostnames
        spec.parentRefs: group kind namespace name sectionName port
        spec.rules: name retry
        spec.rules.matches.path: type value
        spec.rules.matches.headers: type name value
        spec.rules.matches.queryParams: type name value
        spec.rules.matches.method: type service method
        spec.rules.filters: type requestHeaderModifier responseHeaderModifier requestMirror
        spec.rules.filters: requestRedirect urlRewrite cors externalAuth extensionRef
        spec.rules.filters.requestMirror: percent
        spec.rules.filters.requestMirror.fraction: numerator denominator
        spec.rules.filters.requestMirror.backendRef: group kind namespace name port
        spec.rules.backendRefs: group kind namespace name port weight
        spec.rules.backendRefs.filters: type requestHeaderModifier responseHeaderModifier
        spec.rules.backendRefs.filters: requestMirror requestRedirect urlRewrite cors externalAuth
        spec.rules.backendRefs.filters: extensionRef
        spec.rules.backendRefs.filters.requestMirror: percent
        spec.rules.backendRefs.filters.requestMirror.fraction: numerator denominator
        spec.rules.backendRefs.filters.requestMirror.backendRef: group kind namespace name port
        spec.rules.timeouts: request backendRequest
        spec.rules.sessionPersistence: type absoluteTimeout sessionName idleTimeout
        spec.rules.sessionPersistence.cookie: name path lifetimeType
        spec.rules.sessionPersistence.header: name
        spec.rules.sessionPersistence.cookieConfig: lifetimeType
      MeshConfig config.sluice.io,config.flomesh.io,config.openservicemesh.io
      """;

  private static final Shape ANYTHING = new Shape(Map.of(), true);

  /** By kind and group, with a blank between. */
  private static final Map<String, Shape> KINDS = read();

  private KnownFields() {}

  /**
   * The fields of a mapping; lists of mappings are like one.
   *
   * @param isOpen whether any other field may be there
   */
  private record Shape(Map<String, Shape> fields, boolean isOpen) {
    private Shape at(String name) {
      Shape known = fields.get(name);
      if (known == null || known.isOpen()) {
        known = new Shape(new HashMap<>(), false);
        fields.put(name, known);
      }
      return known;
    }

    private void addAll(String... names) {
      for (String name : names) {
        fields.putIfAbsent(name, ANYTHING);
      }
    }
  }

  private static Map<String, Shape> read() {
    Map<String, Shape> kinds = new HashMap<>();
    Shape kind = ANYTHING;
    for (String line : TABLE.lines().toList()) {
      if (line.startsWith(" ")) {
        String[] path = line.substring(0, line.indexOf(':')).strip().split("\\.", -1);
        Shape at = kind;
        for (String name : path) {
          at = at.at(name);
        }
        String fields = line.substring(line.indexOf(':') + 1).strip();
        at.addAll(fields.isEmpty() ? new String[0] : fields.split(" ", -1));
      } else {
        kind = new Shape(new HashMap<>(), false);
        kind.addAll("apiVersion", "kind", "metadata", "spec", "status");
        String[] words = line.split(" ", -1);
        for (String name : words[0].split(",", -1)) {
          for (String group : words[1].split(",", -1)) {
            kinds.put(name + " " + group, kind);
          }
        }
      }
    }
    return Map.copyOf(kinds);
  }

  /**
   * What nobody knows.
   *
   * @param path where it is
   */
  record Unknown(String path, String reason, String mend, Level level) {
    /** An error. */
    Unknown(String path, String reason, String mend) {
      this(path, reason, mend, Level.ERROR);
    }
  }

  /** Tells {@code unknown} of each field that {@code document} should not have, and its value. */
  static void check(
      YamlValue document, String group, String kind, BiConsumer<Unknown, YamlValue> unknown) {
    Shape shape = KINDS.get(kind + " " + group);
    if (shape != null && (!group.equals(GATEWAY) || namesServices(document))) {
      check(document, "", shape, unknown);
    }
  }

  /** Routes of gateways alone are another's, whose fields are not ours to know. */
  private static boolean namesServices(YamlValue document) {
    return document instanceof YamlValue.Mapping object
        && object.entries().get("spec") instanceof YamlValue.Mapping spec
        && spec.entries().get("parentRefs") instanceof YamlValue.Sequence parents
        && parents.items().stream()
            .anyMatch(parent ->
                parent instanceof YamlValue.Mapping one
                    && one.entries().get("kind") instanceof YamlValue.Scalar word
                    && word.text().equals("Service"));
  }

  /** A value that should be another type is the reader's business. */
  private static void check(
      YamlValue value, String path, Shape shape, BiConsumer<Unknown, YamlValue> unknown) {
    if (shape.isOpen()) {
      return;
    }
    if (value instanceof YamlValue.Sequence list) {
      for (int i = 0; i < list.items().size(); i++) {
        check(list.items().get(i), path + "[" + i + "]", shape, unknown);
      }
    } else if (value instanceof YamlValue.Mapping mapping) {
      mapping
          .entries()
          .forEach((name, inner) -> {
            String inside = path.isEmpty() ? name : path + "." + name;
            Shape known = shape.fields().get(name);
            if (known == null) {
              unknown.accept(
                  new Unknown(
                      inside,
                      Problem.UNKNOWN_FIELD,
                      Problem.mendOfUnknown(name, shape.fields().keySet())),
                  inner);
            } else {
              check(inner, inside, known, unknown);
            }
          });
    }
  }
}
