package io.sluice.control.kubernetes;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadableKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * An object whose status tells what the mesh makes of it, as the API server has it now.
 *
 * @param uid differs between objects that had the same name one after the other
 * @param version resource version; changes with every write
 * @param generation changes with every write but those of the status
 * @param conditions of its status
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
    List<Problem> problems,
    boolean isInService) {
  /**
   * Those whose definitions the chart brings. The others are of people who write them themselves.
   */
  private static final Set<ReadableKind> KINDS =
      EnumSet.of(
          ReadableKind.MESH_CONFIG,
          ReadableKind.TRAFFIC_TARGET,
          ReadableKind.TCP_ROUTE,
          ReadableKind.HTTP_ROUTE_GROUP);

  private static final int MOST_CONDITIONS = 16;

  public ReportedObject {
    conditions = List.copyOf(conditions);
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
        new ObjectRef(
            kind.group(),
            kind.kind(),
            JsonTree.text(object, "metadata", "namespace"),
            JsonTree.text(object, "metadata", "name")),
        JsonTree.text(object, "metadata", "uid"),
        JsonTree.text(object, "metadata", "resourceVersion"),
        generation.matches("[0-9]{1,18}") ? Long.parseLong(generation) : 0,
        conditions(object),
        List.of(),
        true);
  }

  ReportedObject with(List<Problem> found, boolean inService) {
    return new ReportedObject(kind, ref, uid, version, generation, conditions, found, inService);
  }

  private static List<Condition> conditions(YamlValue.Mapping object) {
    if (object.entries().get("status") instanceof YamlValue.Mapping status
        && status.entries().get("conditions") instanceof YamlValue.Sequence conditions) {
      return conditions.items().stream()
          .limit(MOST_CONDITIONS)
          .filter(YamlValue.Mapping.class::isInstance)
          .map(condition -> Condition.read((YamlValue.Mapping) condition))
          .toList();
    }
    return List.of();
  }

  /** Path of its status, from the root of the server. */
  public String statusPath() {
    return "/apis/"
        + kind.group()
        + "/"
        + kind.versions().getFirst()
        + "/namespaces/"
        + ref.namespace()
        + "/"
        + kind.resource()
        + "/"
        + ref.name()
        + "/status";
  }
}
