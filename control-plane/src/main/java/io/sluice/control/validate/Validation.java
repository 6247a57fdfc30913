package io.sluice.control.validate;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.compile.ObjectCompiler;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.manifest.Documents;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.control.validate.Finding.Level;
import io.sluice.control.validate.KnownFields.Unknown;
import io.sluice.mesh.FederatedBundles;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * What is found in manifests.
 *
 * @param objects how many objects could be read
 * @param findings in order of file and line
 */
public record Validation(int objects, List<Finding> findings) {
  public Validation {
    findings = List.copyOf(findings);
  }

  /**
   * Checks files as the whole of a mesh: what one object names has to be in one of them.
   *
   * @param files content by name, each at most {@link YamlDocuments#MAX_BYTES} long
   */
  public static Validation ofMesh(Map<String, byte[]> files, CompilerSettings rules) {
    List<Finding> findings = new ArrayList<>();
    List<KubernetesObject> objects = new ArrayList<>();
    Map<String, Documents> documents = new TreeMap<>();
    new TreeMap<>(files)
        .forEach((file, content) -> {
          documents.put(file, new Documents(YamlDocuments.read(file, content)));
          objects.addAll(read(file, content, documents.get(file), FederatedBundles.NONE, findings));
        });
    var compiled = new IncrementalCompiler(rules, 0).apply(Map.of("", objects));
    addStatuses(compiled.statuses(), objects, findings);
    findings.addAll(PolicyEnds.check(objects, compiled.snapshot()));
    findings.replaceAll(finding ->
        documents.containsKey(finding.file())
            ? finding.at(
                documents
                    .get(finding.file())
                    .lineOf(finding.object(), finding.field(), finding.line()))
            : finding);
    return sorted(objects.size(), findings);
  }

  /**
   * Checks one file by itself: what its objects name is taken to exist, and objects are not held
   * against each other.
   */
  public static Validation ofObjects(String file, byte[] content, CompilerSettings rules) {
    return ofUpdate(file, content, new byte[0], rules, _ -> List.of());
  }

  /**
   * As {@link #ofObjects} for an object that comes to others, and takes the place of {@code before}
   * where that is not empty. What was wrong with that already, roots of another mesh and claims of
   * what another object has, is no error: it would stand in the way of every change.
   *
   * @param beside as {@link ObjectsPresent#beside} has them: they have what they claim
   */
  public static Validation ofUpdate(
      String file,
      byte[] content,
      byte[] before,
      CompilerSettings rules,
      Function<KubernetesObject, List<KubernetesObject>> beside) {
    List<KubernetesObject> replaced = ObjectReader.read(file, before).objects();
    FederatedBundles present =
        replaced.stream()
            .filter(MeshConfig.class::isInstance)
            .map(object -> ((MeshConfig) object).federatesWith())
            .findFirst()
            .orElse(FederatedBundles.NONE);
    Set<String> known = new HashSet<>();
    replaced.forEach(object ->
        ObjectCompiler.conflicts(object, beside).forEach(status -> known.add(status.reason())));
    List<Finding> findings = new ArrayList<>();
    Documents documents = new Documents(YamlDocuments.read(file, content));
    List<KubernetesObject> objects = read(file, content, documents, present, findings);
    objects.forEach(object -> {
      addStatuses(ObjectCompiler.statuses(object, rules), objects, findings);
      ObjectCompiler.conflicts(object, beside).stream()
          .filter(status -> !known.contains(status.reason()))
          .forEach(status -> findings.add(Finding.of(status)));
    });
    return sorted(objects.size(), findings);
  }

  /** Whether something has no effect at all. */
  public boolean hasErrors() {
    return findings.stream().anyMatch(finding -> finding.level() == Level.ERROR);
  }

  private static Validation sorted(int objects, List<Finding> findings) {
    return new Validation(objects, findings.stream().distinct().sorted().toList());
  }

  /** The objects of a file, of one with a problem those that have none. */
  private static List<KubernetesObject> read(
      String file,
      byte[] content,
      Documents documents,
      FederatedBundles present,
      List<Finding> findings) {
    ReadObjects read = ObjectReader.read(file, content);
    for (Problem problem : read.problems()) {
      findings.add(Finding.of(problem, documents.titleOf(problem)));
    }
    for (Documents.Written written : documents.all()) {
      BiConsumer<Unknown, YamlValue> unknown =
          (what, value) ->
              findings.add(
                  Finding.of(
                      new Problem(
                          file,
                          value.line(),
                          written.inside(what.path()),
                          what.reason(),
                          what.mend()),
                      written.title(),
                      what.level()));
      KnownFields.check(written.value(), written.group(), written.kind(), unknown);
      KnownKeys.check(written.value(), "", unknown);
    }
    for (KubernetesObject object : read.objects()) {
      if (object instanceof MeshConfig config) {
        for (String path : config.unknown()) {
          findings.add(
              Finding.of(
                  new Problem(
                      file,
                      config.meta().line(),
                      path,
                      Problem.UNKNOWN_FIELD,
                      MeshConfig.mendOfUnknown(path)),
                  config.ref().toString()));
        }
        findings.addAll(FederatedRoots.check(file, config, present, Instant.now()));
      }
    }
    return read.objects();
  }

  /** All but those of unknown fields, which were told when the objects were read. */
  private static void addStatuses(
      List<ObjectStatus> statuses, List<KubernetesObject> objects, List<Finding> findings) {
    Set<ObjectStatus> told = new HashSet<>(statuses);
    for (KubernetesObject object : objects) {
      if (object instanceof MeshConfig config) {
        told.removeIf(status ->
            status.object().equals(config.ref()) && config.unknown().contains(status.field()));
      }
    }
    told.forEach(status -> findings.add(Finding.of(status)));
  }
}
