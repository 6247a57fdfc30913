package io.sluice.control.compile;

import static java.util.stream.Collectors.groupingBy;

import io.sluice.control.objects.HttpRouteGroup;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.OtherObject;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a set of objects means for the data plane. A pure function: the same objects give the same
 * content, whatever the order of their files apart from duplicates. What cannot be used never
 * widens what is permitted; it is left out and told.
 */
public final class Compiler {
  /** Names that the charts of OSM, FSM and Sluice give their MeshConfig. */
  private static final Set<String> USUAL_NAMES =
      Set.of("osm-mesh-config", "fsm-mesh-config", "sluice-mesh-config");

  private Compiler() {}

  /** Compiles {@code objects} into a snapshot numbered {@code revision}. */
  public static Compilation compile(long revision, Objects objects) {
    var statuses = new Statuses();
    Objects unique = withoutDuplicates(objects, statuses);
    reportUnread(unique, statuses);
    Optional<MeshConfig> config = chooseConfig(unique, statuses);
    MeshSettings settings =
        config
            .map(chosen -> SettingsCompiler.compile(chosen, statuses))
            .orElse(MeshSettings.CLOSED);
    InterceptionSettings lists =
        config.map(MeshConfig::interception).orElse(InterceptionSettings.EVERYTHING);
    var snapshot =
        new MeshSnapshot(
            revision,
            settings,
            new WorkloadCompiler(
                    unique,
                    settings.trustDomain(),
                    lists,
                    new MtlsModes(config, unique, statuses),
                    statuses)
                .compile(),
            new ServiceCompiler(unique, statuses).compile(),
            new PermissionCompiler(unique, statuses).compile(),
            namespaces(unique));
    return new Compilation(snapshot, statuses.sorted());
  }

  private static Map<String, NamespaceMembership> namespaces(Objects objects) {
    Map<String, List<Pod>> pods =
        objects.of(Pod.class).stream().collect(groupingBy(pod -> pod.meta().namespace()));
    Map<String, NamespaceMembership> memberships = new HashMap<>();
    pods.forEach((name, inside) -> memberships.put(name, Enrolment.membership(null, inside)));
    for (Namespace namespace : objects.of(Namespace.class)) {
      String name = namespace.meta().name();
      memberships.put(name, Enrolment.membership(namespace, pods.getOrDefault(name, List.of())));
    }
    return memberships;
  }

  private static Objects withoutDuplicates(Objects objects, Statuses statuses) {
    Map<ObjectRef, KubernetesObject> byRef = new TreeMap<>();
    for (KubernetesObject object : objects.all()) {
      KubernetesObject first = byRef.putIfAbsent(object.ref(), object);
      if (first != null && !(object instanceof OtherObject)) {
        statuses.unusable(
            object,
            "the same object is already in " + first.meta().file() + ":" + first.meta().line(),
            "remove one of the two");
      }
    }
    return new Objects(byRef.values().stream().toList());
  }

  private static void reportUnread(Objects objects, Statuses statuses) {
    for (OtherObject object : objects.of(OtherObject.class)) {
      if (object.isReadInOtherVersion()) {
        statuses.unusable(
            object,
            "version " + object.version() + " of this API is not read",
            "write it in a version that the documentation lists");
      } else {
        statuses.info(object, "the mesh does not read this kind");
      }
    }
    for (HttpRouteGroup group : objects.of(HttpRouteGroup.class)) {
      statuses.unusable(group, "HTTP rules are not enforced yet", "use a TCPRoute");
    }
  }

  private static Optional<MeshConfig> chooseConfig(Objects objects, Statuses statuses) {
    Comparator<MeshConfig> order =
        Comparator.comparing((MeshConfig config) -> !USUAL_NAMES.contains(config.meta().name()))
            .thenComparing(config -> config.meta().namespace())
            .thenComparing(config -> config.meta().name())
            .thenComparing(config -> config.ref().group());
    var configs = objects.of(MeshConfig.class).stream().sorted(order).toList();
    for (MeshConfig other : configs.stream().skip(1).toList()) {
      statuses.unusable(
          other,
          configs.getFirst().ref() + " is the MeshConfig in force",
          "remove all but one MeshConfig");
    }
    Optional<MeshConfig> chosen = configs.stream().findFirst();
    chosen.ifPresent(config -> reportFields(config, statuses));
    return chosen;
  }

  private static void reportFields(MeshConfig config, Statuses statuses) {
    if (!config.notEnforced().isEmpty()) {
      statuses.warning(config, "not enforced yet: " + String.join(", ", config.notEnforced()), "");
    }
    if (!config.unknown().isEmpty()) {
      statuses.warning(
          config, "unknown fields: " + String.join(", ", config.unknown()), "check their spelling");
    }
  }
}
