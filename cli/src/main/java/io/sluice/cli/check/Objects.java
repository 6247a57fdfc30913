package io.sluice.cli.check;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Validation;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a folder or a cluster holds, and what the compiler makes of it.
 *
 * @param all that could be read
 * @param mistakes of what could not
 * @param unread files that could not be read at all
 * @param findings what the compiler says, mistakes among them
 * @param snapshot what nodes would decide by
 */
record Objects(
    List<KubernetesObject> all,
    List<Problem> mistakes,
    List<Problem> unread,
    List<Finding> findings,
    MeshSnapshot snapshot) {

  /** Of manifests by name of file. */
  static Objects of(Map<String, byte[]> files, List<Problem> unread) {
    List<KubernetesObject> objects = new ArrayList<>();
    List<Problem> mistakes = new ArrayList<>();
    new TreeMap<>(files)
        .forEach((file, content) -> {
          ReadObjects read = ObjectReader.read(file, content);
          objects.addAll(read.objects());
          mistakes.addAll(read.problems());
        });
    return new Objects(
        objects,
        mistakes,
        unread,
        Validation.ofMesh(files, CompilerSettings.USUAL).findings(),
        new IncrementalCompiler(CompilerSettings.USUAL, 0).apply(Map.of("", objects)).snapshot());
  }

  /** Those of a class. */
  <T extends KubernetesObject> Stream<T> of(Class<T> type) {
    return all.stream().filter(type::isInstance).map(type::cast);
  }

  /** The name that others name it by; nothing for names that no object can have. */
  static Optional<NamespacedName> name(String namespace, String name) {
    try {
      return Optional.of(new NamespacedName(namespace, name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
