package io.sluice.control.compile;

import io.sluice.control.compile.WorkloadCompiler.MeshWide;
import io.sluice.control.objects.MeshConfig;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds the MeshConfig in force, and what it means. */
final class ConfigCompiler {
  /** Names that the charts of OSM, FSM and Sluice give their MeshConfig. */
  private static final Set<String> USUAL_NAMES =
      Set.of("osm-mesh-config", "fsm-mesh-config", "sluice-mesh-config");

  private static final Comparator<MeshConfig> ORDER =
      Comparator.comparing((MeshConfig config) -> !USUAL_NAMES.contains(config.meta().name()))
          .thenComparing(config -> config.meta().namespace())
          .thenComparing(config -> config.meta().name())
          .thenComparing(config -> config.ref().group());

  /** What holds without a MeshConfig. */
  static final Settings NO_CONFIG = compile(List.of(), new Statuses());

  private ConfigCompiler() {}

  /** What the MeshConfig says to the nodes, and what it says of every Pod. */
  record Settings(MeshSettings mesh, MeshWide meshWide) {}

  /** Compiles the first of {@code configs} and says that the others have no effect. */
  static Settings compile(Collection<MeshConfig> configs, Statuses statuses) {
    List<MeshConfig> sorted = configs.stream().sorted(ORDER).toList();
    for (MeshConfig other : sorted.stream().skip(1).toList()) {
      statuses.unusable(
          other,
          sorted.getFirst().ref() + " is the MeshConfig in force",
          "remove all but one MeshConfig");
    }
    Optional<MeshConfig> config = sorted.stream().findFirst();
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
            config.map(chosen -> Modes.of(chosen, statuses)).orElse(Modes.NONE)));
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
