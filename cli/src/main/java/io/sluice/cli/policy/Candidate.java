package io.sluice.cli.policy;

import static java.util.stream.Collectors.toSet;

import io.sluice.control.compile.CompiledChange;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.compile.Severity;
import io.sluice.control.folder.ManifestSet;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.Egress;
import io.sluice.control.objects.IngressBackend;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.KubernetesObject.PortRoute;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotEditor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What would be in force with a set of manifests.
 *
 * @param snapshot the same for the data plane
 * @param unread what could not be read of it
 * @param unused what of it would have no effect
 * @param absent objects that permit something now, and that it does not have
 */
record Candidate(
    MeshSnapshot snapshot, List<String> unread, List<String> unused, List<String> absent) {
  /** Names of sources are compared: of two objects of a name the one of the first source counts. */
  private static final String FIRST = "0/";

  private static final String SECOND = "1/";

  /**
   * Manifests of a file are laid over what is in force; those of a folder are all of the policy.
   *
   * @param registryOrNull the folder in force, where there is one
   * @param base what else is known to be in force: pods, services and settings
   */
  static Candidate of(Path place, @Nullable Path registryOrNull, MeshSnapshot base) {
    List<String> unread = new ArrayList<>();
    Map<String, List<KubernetesObject>> sources = objects(FIRST, place, unread);
    boolean hasSettings =
        sources.values().stream().flatMap(List::stream).anyMatch(MeshConfig.class::isInstance);
    boolean isWhole = Files.isDirectory(place);
    List<String> missingRoutes =
        registryOrNull == null && !isWhole ? missingRoutes(sources) : List.of();
    missingRoutes.forEach(route ->
        unread.add(
            place
                + ": was not tried: it names "
                + route
                + ", and what that has a stored snapshot does not tell; put it into the file, or name the"
                + " folder in force with --registry"));
    if (registryOrNull == null && !isWhole && hasRoutesAlone(sources)) {
      unread.add(
          place
              + ": a stored snapshot does not tell which TrafficTargets name a route; put these into"
              + " the file too, or name the folder in force with --registry");
    }
    MeshSnapshot under = base;
    if (registryOrNull != null) {
      Map<String, List<KubernetesObject>> present = objects(SECOND, registryOrNull, unread);
      if (isWhole) {
        under = compiled(present).snapshot();
      } else {
        sources.putAll(present);
      }
    }
    CompiledChange compiled = compiled(sources);
    MeshSnapshot snapshot =
        registryOrNull != null && !isWhole
            ? compiled.snapshot()
            : over(under, compiled.snapshot(), hasSettings, isWhole);
    List<String> unused =
        compiled.statuses().stream()
            .filter(status -> status.file().startsWith(FIRST))
            .filter(status -> status.severity() != Severity.INFO)
            .filter(_ -> missingRoutes.isEmpty()) // it would be said of what is not tried
            .map(Candidate::told)
            .toList();
    List<String> absent = isWhole ? absent(under, compiled.snapshot()) : List.of();
    return new Candidate(snapshot, unread, unused, absent);
  }

  /** The routes that objects of the file name and that are not in it. */
  private static List<String> missingRoutes(Map<String, List<KubernetesObject>> sources) {
    Set<String> named = new TreeSet<>();
    Set<String> present = new HashSet<>();
    for (KubernetesObject one : sources.values().stream().flatMap(List::stream).toList()) {
      switch (one) {
        case HttpRouteGroup _, PortRoute _ -> present.add(one.ref().toString());
        case TrafficTarget target ->
            target.rules().forEach(rule -> named.add(route(one, rule.kind(), rule.name())));
        case Egress egress -> egress.groups().forEach(group -> named.add(group(one, group)));
        case IngressBackend ingress ->
            ingress.groups().forEach(group -> named.add(group(one, group)));
        default -> {
          // Others name no route.
        }
      }
    }
    named.removeAll(present);
    return List.copyOf(named);
  }

  private static String group(KubernetesObject owner, TrafficSplit.Group group) {
    return route(owner, group.kind(), group.name());
  }

  private static String route(KubernetesObject owner, String kind, String name) {
    return kind + " " + owner.meta().namespace() + "/" + name;
  }

  private static boolean hasRoutesAlone(Map<String, List<KubernetesObject>> sources) {
    List<KubernetesObject> all = sources.values().stream().flatMap(List::stream).toList();
    return all.stream().anyMatch(one -> one instanceof HttpRouteGroup || one instanceof PortRoute)
        && all.stream().noneMatch(TrafficTarget.class::isInstance);
  }

  private static String told(ObjectStatus status) {
    return status.toString().substring(status.line() > 0 ? FIRST.length() : 0);
  }

  /** What is known of the folder that is in force. */
  static MeshSnapshot inForce(Path registry) {
    return compiled(objects(SECOND, registry, new ArrayList<>())).snapshot();
  }

  /**
   * Objects of {@code text} over the pods and settings of {@code base}, without its permissions.
   */
  static MeshSnapshot ofText(String text, MeshSnapshot base, List<String> problems) {
    ObjectReader.ReadObjects read =
        ObjectReader.read("suggestion", text.getBytes(StandardCharsets.UTF_8));
    CompiledChange compiled = compiled(Map.of("suggestion", read.objects()));
    Stream.concat(read.problems().stream(), compiled.statuses().stream())
        .map(Object::toString)
        .forEach(problems::add);
    return over(base, compiled.snapshot(), false, true);
  }

  private static MeshSnapshot over(
      MeshSnapshot base, MeshSnapshot added, boolean withSettings, boolean isWhole) {
    SnapshotEditor editor = base.edit();
    if (isWhole) {
      permitting(base).forEach(object -> editor.remove(object.key()));
    }
    added
        .objects()
        .filter(object -> withSettings || !(object instanceof MeshSettings))
        .forEach(editor::put);
    return editor.snapshot(1);
  }

  /** What lets callers in or out; without any of it, nobody is. */
  private static Stream<MeshObject> permitting(MeshSnapshot snapshot) {
    return Stream.of(Kind.PERMISSION, Kind.EGRESS, Kind.INGRESS)
        .flatMap(kind -> snapshot.all(kind).stream());
  }

  private static List<String> absent(MeshSnapshot under, MeshSnapshot tried) {
    Set<ResourceKey> keys = permitting(tried).map(MeshObject::key).collect(toSet());
    return permitting(under)
        .filter(object -> !keys.contains(object.key()))
        .map(object ->
            switch (object) {
              case Ingress ingress -> ingress.origin().kind() + " " + ingress.name();
              case io.sluice.mesh.Egress egress -> "Egress " + egress.name();
              default -> "TrafficTarget " + object.key().name();
            })
        .toList();
  }

  private static CompiledChange compiled(Map<String, List<KubernetesObject>> sources) {
    return new IncrementalCompiler(CompilerSettings.USUAL, 0).apply(sources);
  }

  private static Map<String, List<KubernetesObject>> objects(
      String prefix, Path place, List<String> unread) {
    ManifestSet manifests = new ManifestSet();
    manifests.add(place);
    manifests.problems().stream().map(Problem::toString).forEach(unread::add);
    Map<String, List<KubernetesObject>> objects = new HashMap<>();
    manifests
        .contents()
        .forEach((name, content) -> {
          ObjectReader.ReadObjects read = ObjectReader.read(prefix + name, content);
          read.problems().stream()
              .map(problem -> problem.toString().replace(prefix + name, name))
              .forEach(unread::add);
          objects.put(prefix + name, read.objects());
        });
    return objects;
  }
}
