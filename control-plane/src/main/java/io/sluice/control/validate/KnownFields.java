package io.sluice.control.validate;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlValue;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The fields of the kinds that belong to the mesh, so that a misspelt one is found. Kinds of
 * Kubernetes have many fields that the mesh does not read; its API server checks those.
 */
final class KnownFields {
  private static final Shape ANYTHING = new Shape(Map.of(), true);

  private static final Shape SUBJECT = leaves("kind", "name", "namespace");

  /** SMI Traffic Access Control v1alpha3. */
  private static final Shape TARGET =
      object(
          shape(
              Map.of(
                  "destination",
                  SUBJECT,
                  "sources",
                  SUBJECT,
                  "rules",
                  leaves("kind", "name", "matches"))));

  /** SMI Traffic Specs v1alpha4. */
  private static final Shape TCP_ROUTE = object(shape(Map.of("matches", leaves("name", "ports"))));

  private static final Shape HTTP_ROUTE_GROUP =
      object(shape(Map.of("matches", leaves("name", "pathRegex", "methods", "headers"))));

  /** SMI Traffic Split v1alpha1 to v1alpha4. */
  private static final Shape SPLIT =
      object(
          shape(
              Map.of(
                  "service",
                  ANYTHING,
                  "backends",
                  leaves("service", "weight"),
                  "matches",
                  leaves("apiGroup", "kind", "name"))));

  /** OSM's Retry v1alpha1. */
  private static final Shape RETRY =
      object(
          shape(
              Map.of(
                  "source",
                  SUBJECT,
                  "destinations",
                  SUBJECT,
                  "retryPolicy",
                  leaves("retryOn", "perTryTimeout", "numRetries", "retryBackoffBaseInterval"))));

  /** FSM's FaultInjection v1alpha1. */
  private static final Shape FAULT_INJECTION =
      object(
          shape(
              Map.of(
                  "delay",
                  leaves("percentage", "min", "max"),
                  "abort",
                  shape(
                      Map.of(
                          "percentage",
                          ANYTHING,
                          "response",
                          leaves("status", "headers", "body"))))));

  /** IngressBackend of OSM and osm-edge v1alpha1. */
  private static final Shape INGRESS = lettingIn("name", "namespace");

  /** AccessControl of osm-edge v1alpha1. */
  private static final Shape ACCESS_CONTROL = lettingIn("name");

  /** Egress of OSM and osm-edge v1alpha1. */
  private static final Shape EGRESS =
      object(
          shape(
              Map.of(
                  "sources",
                  leaves("kind", "name", "namespace", "mtls"),
                  "hosts",
                  ANYTHING,
                  "ipAddresses",
                  ANYTHING,
                  "ports",
                  leaves("number", "protocol"),
                  "matches",
                  leaves("apiGroup", "kind", "name"))));

  /** Values of headers and parameters. */
  private static final Shape VALUES = leaves("type", "name", "value");

  private static final Shape FILTERS =
      leaves(
          "type",
          "requestHeaderModifier",
          "responseHeaderModifier",
          "requestMirror",
          "requestRedirect",
          "urlRewrite",
          "cors",
          "externalAuth",
          "extensionRef");

  /** In the words of v1.6, and in those before. */
  private static final Shape SESSION =
      shape(
          Map.of(
              "type",
              ANYTHING,
              "absoluteTimeout",
              ANYTHING,
              "cookie",
              leaves("name", "path", "lifetimeType"),
              "header",
              leaves("name"),
              "sessionName",
              ANYTHING,
              "idleTimeout",
              ANYTHING,
              "cookieConfig",
              leaves("lifetimeType")));

  /** HTTPRoute and GRPCRoute of the Gateway API v1, with its experimental fields. */
  private static final Shape GATEWAY_ROUTE =
      object(
          shape(
              Map.of(
                  "parentRefs",
                  leaves("group", "kind", "namespace", "name", "sectionName", "port"),
                  "useDefaultGateways",
                  ANYTHING,
                  "hostnames",
                  ANYTHING,
                  "rules",
                  shape(
                      Map.of(
                          "name",
                          ANYTHING,
                          "matches",
                          shape(
                              Map.of(
                                  "path",
                                  leaves("type", "value"),
                                  "headers",
                                  VALUES,
                                  "queryParams",
                                  VALUES,
                                  "method",
                                  leaves("type", "service", "method"))),
                          "filters",
                          FILTERS,
                          "backendRefs",
                          shape(
                              Map.of(
                                  "group",
                                  ANYTHING,
                                  "kind",
                                  ANYTHING,
                                  "namespace",
                                  ANYTHING,
                                  "name",
                                  ANYTHING,
                                  "port",
                                  ANYTHING,
                                  "weight",
                                  ANYTHING,
                                  "filters",
                                  FILTERS)),
                          "timeouts",
                          leaves("request", "backendRequest"),
                          "retry",
                          ANYTHING,
                          "sessionPersistence",
                          SESSION)))));

  private static final Shape RATE =
      leaves("requests", "unit", "burst", "responseStatusCode", "responseHeadersToAdd");

  private static final Shape DESCRIPTORS =
      shape(
          Map.of(
              "entries",
              shape(
                  Map.of(
                      "genericKey",
                      leaves("key", "value"),
                      "remoteAddress",
                      leaves(),
                      "requestHeader",
                      leaves("name", "key"),
                      "headerValueMatch",
                      shape(
                          Map.of(
                              "key",
                              ANYTHING,
                              "value",
                              ANYTHING,
                              "expectMatch",
                              ANYTHING,
                              "headers",
                              leaves(
                                  "name",
                                  "exact",
                                  "prefix",
                                  "suffix",
                                  "regex",
                                  "contains",
                                  "present")))))));

  private static final Shape SHARED =
      shape(
          Map.of(
              "tcp",
              asked(shape(Map.of("entries", leaves("key", "value")))),
              "http",
              asked(DESCRIPTORS, "enableXRateLimitHeaders", "responseStatusCode")));

  /** UpstreamTrafficSetting of OSM v1alpha1, with osm-edge's fields. */
  private static final Shape UPSTREAM =
      object(
          shape(
              Map.of(
                  "host",
                  ANYTHING,
                  "connectionSettings",
                  shape(
                      Map.of(
                          "tcp",
                          leaves("maxConnections", "connectTimeout", "circuitBreaking"),
                          "http",
                          shape(
                              Map.of(
                                  "maxRequests",
                                  ANYTHING,
                                  "maxRequestsPerConnection",
                                  ANYTHING,
                                  "maxPendingRequests",
                                  ANYTHING,
                                  "maxRetries",
                                  ANYTHING,
                                  "circuitBreaking",
                                  leaves(
                                      "statTimeWindow",
                                      "minRequestAmount",
                                      "degradedTimeWindow",
                                      "slowTimeThreshold",
                                      "slowAmountThreshold",
                                      "slowRatioThreshold",
                                      "errorAmountThreshold",
                                      "errorRatioThreshold",
                                      "degradedStatusCode",
                                      "degradedResponseContent"))))),
                  "rateLimit",
                  shape(
                      Map.of(
                          "local",
                          shape(
                              Map.of(
                                  "tcp",
                                  leaves("connections", "unit", "burst", "bps"),
                                  "http",
                                  RATE)),
                          "global",
                          SHARED)),
                  "httpRoutes",
                  shape(
                      Map.of(
                          "path",
                          ANYTHING,
                          "rateLimit",
                          shape(
                              Map.of(
                                  "local",
                                  RATE,
                                  "global",
                                  shape(Map.of("descriptors", DESCRIPTORS)))))),
                  "httpHeaders",
                  ANYTHING)));

  /** AccessCert of osm-edge v1alpha1. */
  private static final Shape ACCESS_CERT =
      object(shape(Map.of("subjectAltNames", ANYTHING, "secret", leaves("name", "namespace"))));

  /** Isolation of FSM v1alpha1. */
  private static final Shape ISOLATION = object(leaves("cidrs"));

  /** Below {@code spec}, its reader says of every field whether it is known. */
  private static final Shape MESH_CONFIG = object(ANYTHING);

  private static final Set<String> MESH_CONFIG_GROUPS =
      Set.of("config.sluice.io", "config.flomesh.io", "config.openservicemesh.io");

  private KnownFields() {}

  /**
   * The fields of a mapping; lists of mappings are like one.
   *
   * @param isOpen whether any other field may be there
   */
  private record Shape(Map<String, Shape> fields, boolean isOpen) {}

  private static Shape shape(Map<String, Shape> fields) {
    return new Shape(fields, false);
  }

  private static Shape leaves(String... names) {
    return shape(
        Set.of(names).stream().collect(Collectors.toUnmodifiableMap(name -> name, _ -> ANYTHING)));
  }

  /** A limit that a service is asked about. */
  private static Shape asked(Shape descriptors, String... more) {
    Map<String, Shape> fields = new HashMap<>(leaves("domain", "timeout", "failOpen").fields());
    fields.putAll(leaves(more).fields());
    fields.put("rateLimitService", leaves("host", "port"));
    fields.put("descriptors", descriptors);
    return shape(Map.copyOf(fields));
  }

  /** What lets callers outside in, of whose backends these are names. */
  private static Shape lettingIn(String... names) {
    Map<String, Shape> backend = new HashMap<>(leaves(names).fields());
    backend.put("port", leaves("number", "protocol"));
    backend.put("tls", leaves("skipClientCertValidation", "sniHosts"));
    return object(
        shape(
            Map.of(
                "backends",
                shape(Map.copyOf(backend)),
                "sources",
                SUBJECT,
                "matches",
                leaves("apiGroup", "kind", "name"))));
  }

  private static Shape object(Shape spec) {
    return shape(
        Map.of(
            "apiVersion",
            ANYTHING,
            "kind",
            ANYTHING,
            "metadata",
            ANYTHING,
            "spec",
            spec,
            "status",
            ANYTHING));
  }

  /**
   * What nobody knows.
   *
   * @param path where it is
   */
  record Unknown(String path, String reason, String mend) {}

  /** Tells {@code unknown} of each field that {@code document} should not have, and its value. */
  static void check(
      YamlValue document, String group, String kind, BiConsumer<Unknown, YamlValue> unknown) {
    Shape shape = shapeOf(group, kind);
    if (shape != null && (shape != GATEWAY_ROUTE || namesServices(document))) {
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

  private static @Nullable Shape shapeOf(String group, String kind) {
    return switch (kind) {
      case "TrafficTarget" -> group.equals("access.smi-spec.io") ? TARGET : null;
      case "TCPRoute" -> group.equals("specs.smi-spec.io") ? TCP_ROUTE : null;
      case "HTTPRouteGroup" -> group.equals("specs.smi-spec.io") ? HTTP_ROUTE_GROUP : null;
      case "TrafficSplit" -> group.equals("split.smi-spec.io") ? SPLIT : null;
      case "Retry" -> group.equals("policy.openservicemesh.io") ? RETRY : null;
      case "UpstreamTrafficSetting" -> group.equals("policy.openservicemesh.io") ? UPSTREAM : null;
      case "FaultInjection" ->
          group.equals("extension.gateway.flomesh.io") ? FAULT_INJECTION : null;
      case "Egress" -> group.equals("policy.openservicemesh.io") ? EGRESS : null;
      case "AccessCert" -> group.equals("policy.openservicemesh.io") ? ACCESS_CERT : null;
      case "AccessControl" -> group.equals("policy.openservicemesh.io") ? ACCESS_CONTROL : null;
      case "Isolation" -> group.equals("policy.flomesh.io") ? ISOLATION : null;
      case "IngressBackend" -> group.equals("policy.openservicemesh.io") ? INGRESS : null;
      case "HTTPRoute", "GRPCRoute" ->
          group.equals("gateway.networking.k8s.io") ? GATEWAY_ROUTE : null;
      case "MeshConfig" -> MESH_CONFIG_GROUPS.contains(group) ? MESH_CONFIG : null;
      default -> null;
    };
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
