package io.sluice.control.compile;

import io.sluice.control.compile.WorkloadCompiler.MeshWide;
import io.sluice.control.objects.MeshConfig;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds the MeshConfig in force, and what it means. */
final class ConfigCompiler {
  /** Names that the charts of OSM, FSM and Sluice give their MeshConfig. */
  private static final Set<String> USUAL_NAMES =
      Set.of("osm-mesh-config", "fsm-mesh-config", "sluice-mesh-config");

  /** What holds without a MeshConfig. */
  static final Settings NO_CONFIG =
      compile(List.of(), CompilerSettings.USUAL, null, new Statuses());

  private ConfigCompiler() {}

  /**
   * What the MeshConfig says to the nodes, and what it says of every Pod.
   *
   * @param inForceOrNull which one governs
   */
  record Settings(MeshSettings mesh, MeshWide meshWide, @Nullable String inForceOrNull) {}

  /**
   * Compiles the one of {@code configs} that governs, and says that the others have no effect. Only
   * those of the release's namespace count: whoever may make one elsewhere does not set the mesh.
   * Of several there, the one in force stays; else one with a usual name comes first, then the
   * older one. Where nothing tells which that is none governs, and the mesh is closed.
   */
  static Settings compile(
      Collection<MeshConfig> configs,
      CompilerSettings rules,
      @Nullable String inForceOrNull,
      Statuses statuses) {
    String namespace = rules.meshConfigNamespaceOrNull();
    List<MeshConfig> candidates = new ArrayList<>();
    for (MeshConfig each : configs) {
      if (namespace == null || each.meta().namespace().equals(namespace)) {
        candidates.add(each);
      } else {
        statuses.unusable(
            each,
            "only a MeshConfig of namespace " + namespace + " governs this mesh",
            "write it there, or start the controller with another --mesh-config-namespace");
      }
    }
    Optional<MeshConfig> config = governing(candidates, inForceOrNull);
    for (MeshConfig other : candidates) {
      if (config.isEmpty()) {
        statuses.unusable(
            other,
            "there are several MeshConfigs, and nothing tells which was first: none is in force",
            "remove all but one MeshConfig");
      } else if (!config.get().equals(other)) {
        statuses.unusable(
            other,
            config.get().ref() + " is the MeshConfig in force",
            "remove all but one MeshConfig");
      }
    }
    config.ifPresent(chosen -> reportFields(chosen, statuses));
    MeshSettings mesh =
        config
            .map(chosen -> SettingsCompiler.compile(chosen, statuses))
            .orElse(MeshSettings.CLOSED);
    return new Settings(
        mesh,
        new MeshWide(
            mesh.trustDomain(),
            config.map(MeshConfig::interception).orElse(InterceptionSettings.EVERYTHING),
            config.map(chosen -> Modes.of(chosen, statuses)).orElse(Modes.NONE),
            rules.staticPodNamespaces()),
        config.map(ConfigCompiler::party).orElse(null));
  }

  private static Optional<MeshConfig> governing(
      List<MeshConfig> candidates, @Nullable String inForceOrNull) {
    Optional<MeshConfig> before =
        candidates.stream().filter(each -> party(each).equals(inForceOrNull)).findFirst();
    if (before.isPresent()) {
      return before;
    }
    List<MeshConfig> usual =
        candidates.stream().filter(each -> USUAL_NAMES.contains(each.meta().name())).toList();
    List<MeshConfig> preferred = usual.isEmpty() ? candidates : usual;
    Optional<MeshConfig> oldest =
        preferred.stream().min(Comparator.comparing(each -> each.meta().birth()));
    return oldest.filter(first ->
        preferred.stream()
            .allMatch(each ->
                each.equals(first) || first.meta().birth().compareTo(each.meta().birth()) < 0));
  }

  /** Another object of the same name is another one. */
  private static String party(MeshConfig config) {
    return Claims.Claimant.alone(config).party();
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
