package io.sluice.chaos;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.InForce;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.compile.PodRangeRule;
import io.sluice.control.compile.ReferenceCompiler;
import io.sluice.control.compile.ReferenceCompiler.Compilation;
import io.sluice.control.compile.ReferenceCompiler.Objects;
import io.sluice.control.distribution.ToldSnapshot;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.Provenance;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.MeshSnapshot;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the objects of a cluster come to for who sees them for the first time: read as manifests,
 * compiled from nothing, reduced from nothing.
 *
 * @param unread objects whose content cannot be read
 */
record Reference(Compilation compilation, List<ObjectNode> unread) {
  /** Random MeshConfigs are of this namespace, and of others. */
  static final CompilerSettings RULES = new CompilerSettings("mesh", PodRangeRule.AUTO);

  /** What the compiler says of objects that stand against each other. */
  private static final List<String> CONTEST =
      List.of(
          "already belongs to",
          "nothing tells who was first",
          "is the MeshConfig in force",
          "nothing tells which was first");

  static Reference of(List<ObjectNode> objects) {
    List<KubernetesObject> read = new ArrayList<>();
    List<ObjectNode> unread = new ArrayList<>();
    for (ObjectNode object : objects) {
      var one =
          ObjectReader.read(
              "cluster", object.toString().getBytes(StandardCharsets.UTF_8), Provenance.API_SERVER);
      one.objects().stream().filter(Reference::isSomewhere).forEach(read::add);
      if (!one.problems().isEmpty()) {
        unread.add(object);
      }
    }
    return new Reference(
        ReferenceCompiler.compile(1, new Objects(read), RULES, InForce.NOTHING), unread);
  }

  /** A pod that no node was found for means nothing yet. */
  private static boolean isSomewhere(KubernetesObject object) {
    return !(object instanceof Pod pod) || pod.nodeNameOrNull() != null;
  }

  /** What the controller has to say of a registry that it reads completely. */
  List<String> statusLines() {
    Stream<String> broken = unread.stream().map(Reference::name).sorted().map(StatusLines::unread);
    return Stream.concat(broken, StatusLines.of(compilation.statuses()).stream()).toList();
  }

  private static String name(ObjectNode object) {
    var metadata = object.path("metadata");
    String namespace = metadata.path("namespace").asText();
    return object.path("kind").asText()
        + " "
        + (namespace.isEmpty() ? "" : namespace + "/")
        + metadata.path("name").asText();
  }

  /** Objects that do not have what others claim too: between those, who was first decides. */
  Set<ObjectRef> contesting() {
    return compilation.statuses().stream()
        .filter(status -> CONTEST.stream().anyMatch(status.reason()::contains))
        .map(ObjectStatus::object)
        .collect(Collectors.toSet());
  }

  /** What the node of that name has to hold. */
  MeshSnapshot toldTo(String node) {
    return ToldSnapshot.of(compilation.snapshot(), node);
  }
}
