package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadableKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An object whose status tells what the mesh makes of it, as the API server has it now.
 *
 * @param uid differs between objects that had the same name one after the other
 * @param version resource version; changes with every write
 * @param generation changes with every write but those of the status
 * @param conditions of its status; of a route of the Gateway API, ours
 * @param parents of a route of the Gateway API, the Services that it names, each as it is written
 * @param others what other controllers say of a route's parents, as JSON
 * @param problems why its present content cannot be read; empty where it can
 * @param isInService whether this content, or an earlier one where this has problems, is in service
 */
public record ReportedObject(
    ReadableKind kind,
    ObjectRef ref,
    String uid,
    String version,
    long generation,
    List<Condition> conditions,
    Map<Integer, String> parents,
    List<String> others,
    List<Problem> problems,
    boolean isInService) {
  /** What conditions of routes of the Gateway API name as their author. */
  public static final String CONTROLLER = "sluice.io/controller";

  /** Those whose statuses are kept by parent. */
  private static final Set<ReadableKind> ROUTES =
      EnumSet.of(ReadableKind.HTTP_ROUTE, ReadableKind.GRPC_ROUTE);

  /** Groups of kinds that say it: OSM has it of some kinds of the first, here all of both do. */
  private static final Set<String> WITH_CURRENT_STATUS =
      Set.of("policy.openservicemesh.io", "policy.flomesh.io");

  /**
   * Those whose definitions the chart brings, and routes of the Gateway API. The others are of
   * people who write them themselves.
   */
  private static final Set<ReadableKind> KINDS =
      EnumSet.of(
          ReadableKind.MESH_CONFIG,
          ReadableKind.TRAFFIC_TARGET,
          ReadableKind.TCP_ROUTE,
          ReadableKind.UDP_ROUTE,
          ReadableKind.HTTP_ROUTE_GROUP,
          ReadableKind.TRAFFIC_SPLIT,
          ReadableKind.RETRY,
          ReadableKind.TELEMETRY,
          ReadableKind.EXTENSION_SERVICE,
          ReadableKind.FAULT_INJECTION,
          ReadableKind.UPSTREAM_TRAFFIC_SETTING,
          ReadableKind.INGRESS_BACKEND,
          ReadableKind.ACCESS_CONTROL,
          ReadableKind.EGRESS,
          ReadableKind.ACCESS_CERT,
          ReadableKind.ISOLATION,
          ReadableKind.HTTP_ROUTE,
          ReadableKind.GRPC_ROUTE);

  private static final int MOST_CONDITIONS = 16;

  public ReportedObject {
    conditions = List.copyOf(conditions);
    parents = Map.copyOf(parents);
    others = List.copyOf(others);
    problems = List.copyOf(problems);
  }

  static boolean isOf(ReadableKind kind) {
    return KINDS.contains(kind);
  }

  static boolean isOf(ObjectRef ref) {
    return KINDS.stream()
        .anyMatch(kind -> kind.kind().equals(ref.kind()) && kind.group().equals(ref.group()));
  }

  static ReportedObject read(ReadableKind kind, YamlValue.Mapping object) {
    String generation = JsonTree.text(object, "metadata", "generation");
    return new ReportedObject(
        kind,
        JsonTree.ref(kind, object),
        JsonTree.text(object, "metadata", "uid"),
        JsonTree.text(object, "metadata", "resourceVersion"),
        generation.matches("[0-9]{1,18}") ? Long.parseLong(generation) : 0,
        ROUTES.contains(kind) ? RouteParents.conditions(object) : conditions(object, ""),
        ROUTES.contains(kind) ? RouteParents.services(object) : Map.of(),
        ROUTES.contains(kind) ? RouteParents.others(object) : List.of(),
        List.of(),
        true);
  }

  ReportedObject with(List<Problem> found, boolean inService) {
    return new ReportedObject(
        kind, ref, uid, version, generation, conditions, parents, others, found, inService);
  }

  /** Whether its status is kept by parent. */
  public boolean isRoute() {
    return ROUTES.contains(kind);
  }

  /** Whether its status has OSM's two words too: {@code currentStatus} and {@code reason}. */
  public boolean hasCurrentStatus() {
    return WITH_CURRENT_STATUS.contains(kind.group());
  }

  /** Those of a status; of one that speaks of a parent alone, with that. */
  static List<Condition> conditions(YamlValue.Mapping object, String parent) {
    YamlValue status = parent.isEmpty() ? object.entries().get("status") : object;
    if (status instanceof YamlValue.Mapping mapping
        && mapping.entries().get("conditions") instanceof YamlValue.Sequence conditions) {
      return conditions.items().stream()
          .limit(MOST_CONDITIONS)
          .filter(YamlValue.Mapping.class::isInstance)
          .map(condition -> Condition.read(parent, (YamlValue.Mapping) condition))
          .toList();
    }
    return List.of();
  }

  /** Path of its status, from the root of the server. */
  public String statusPath() {
    String namespace = kind.isNamespaced() ? "namespaces/" + ref.namespace() + "/" : "";
    return "/apis/%s/%s/%s%s/%s/status"
        .formatted(
            kind.group(), kind.versions().getFirst(), namespace, kind.resource(), ref.name());
  }

  /**
   * One condition of an object's status, as {@code metav1.Condition} has it.
   *
   * @param parent of a route of the Gateway API that it speaks of, as JSON; empty of anything else
   * @param type what it is about
   * @param status {@code True}, {@code False} or {@code Unknown}
   * @param observedGeneration of the object that it speaks of
   * @param lastTransitionTime when {@code status} changed last, RFC 3339
   * @param reason one word why
   * @param message for people
   */
  public record Condition(
      String parent,
      String type,
      String status,
      long observedGeneration,
      String lastTransitionTime,
      String reason,
      String message) {
    /** Longest message: the API takes 32 KiB, but nobody reads that. */
    private static final int LONGEST_MESSAGE = 1_024;

    public Condition {
      message =
          message.length() <= LONGEST_MESSAGE
              ? message
              : message.substring(0, LONGEST_MESSAGE) + "…";
    }

    static Condition read(String parent, YamlValue.Mapping written) {
      String generation = JsonTree.text(written, "observedGeneration");
      return new Condition(
          parent,
          JsonTree.text(written, "type"),
          JsonTree.text(written, "status"),
          generation.matches("[0-9]{1,18}") ? Long.parseLong(generation) : 0,
          JsonTree.text(written, "lastTransitionTime"),
          JsonTree.text(written, "reason"),
          JsonTree.text(written, "message"));
    }

    /** Whether {@code other} says the same, whenever it began to. */
    public boolean saysAs(Condition other) {
      return since(other.lastTransitionTime).equals(other);
    }

    /** The same, with another time of the last change. */
    public Condition since(String time) {
      return new Condition(parent, type, status, observedGeneration, time, reason, message);
    }

    /** The same, of a parent of a route of the Gateway API. */
    public Condition of(String json) {
      return new Condition(
          json, type, status, observedGeneration, lastTransitionTime, reason, message);
    }

    /** The same, with another message. */
    public Condition saying(String text) {
      return new Condition(
          parent, type, status, observedGeneration, lastTransitionTime, reason, text);
    }

    /** As the API has it. */
    public ObjectNode json() {
      return JsonNodeFactory.instance
          .objectNode()
          .put("type", type)
          .put("status", status)
          .put("observedGeneration", observedGeneration)
          .put("lastTransitionTime", lastTransitionTime)
          .put("reason", reason)
          .put("message", message);
    }
  }
}
