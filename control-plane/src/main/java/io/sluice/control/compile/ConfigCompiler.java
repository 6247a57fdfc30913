package io.sluice.control.compile;

import io.sluice.control.compile.Claims.Claimant;
import io.sluice.control.compile.WorkloadCompiler.MeshWide;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.MeshConfig;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MtlsMode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds the MeshConfig in force, and what it means. */
final class ConfigCompiler {
  /** Names that the charts of OSM, FSM and Sluice give their MeshConfig. */
  private static final Set<String> USUAL_NAMES =
      Set.of("osm-mesh-config", "fsm-mesh-config", "sluice-mesh-config");

  private static final String INTERCEPTION_MODE = "spec.traffic.interceptionMode";

  /** What is said of a field that other meshes act on. */
  static final String NOT_ENFORCED = "is not enforced yet";

  /** The one thing that MeshConfigs claim. */
  private static final Set<String> GOVERNING = Set.of("governing");

  /** What holds without a MeshConfig. */
  static final Settings NO_CONFIG =
      compile(List.of(), true, CompilerSettings.USUAL, null, new Statuses());

  private static final String ONE =
      "remove all but one MeshConfig: at the next start another of them may govern";

  private ConfigCompiler() {}

  /**
   * What the MeshConfig says to the nodes, and what it says of every Pod.
   *
   * @param retries whether Retries have effect
   * @param ingressBackends whether IngressBackends are acted on
   * @param accessControls whether AccessControls are
   * @param egresses whether Egresses are
   * @param accessCerts whether AccessCerts are
   * @param gatewayOrNull what the ingress gets
   * @param namespaceOrNull the mesh's own; null where nothing tells which it is
   * @param held which one governs, as {@link Claims} remember it
   * @param known whether it is known what holds: else it is not told
   */
  record Settings(
      MeshSettings mesh,
      MeshWide meshWide,
      boolean retries,
      boolean ingressBackends,
      boolean accessControls,
      boolean egresses,
      boolean accessCerts,
      @Nullable OutsideCertificate gatewayOrNull,
      @Nullable String namespaceOrNull,
      Map<Object, String> held,
      boolean known) {
    private Settings by(Map<Object, String> parties) {
      return new Settings(
          mesh,
          meshWide,
          retries,
          ingressBackends,
          accessControls,
          egresses,
          accessCerts,
          gatewayOrNull,
          namespaceOrNull,
          parties,
          known);
    }
  }

  /**
   * Compiles the one of {@code configs} that governs, and says that the others have no effect. Only
   * those of the release's namespace count: whoever may make one elsewhere does not set the mesh.
   * Of several there, the one in force stays; else one with a usual name comes first, then the
   * older one. Where nothing tells which that is none governs, and where one may be among what
   * could not be read it may be that one: then what governed last goes on to. To call the mesh
   * closed would take away its deny list and its authoriser.
   *
   * @param everyConfig whether {@code configs} are all that there are
   * @param before what has governed; null where nothing did
   */
  static Settings compile(
      Collection<MeshConfig> configs,
      boolean everyConfig,
      CompilerSettings rules,
      @Nullable Settings before,
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
    candidates.sort(Comparator.comparing(MeshConfig::ref)); // in whatever order they came
    Map<Object, String> held = claims(candidates, before == null ? Map.of() : before.held()).held();
    Optional<MeshConfig> config =
        candidates.stream()
            .filter(each -> held.containsValue(Claimant.alone(each).party()))
            .findFirst();
    for (MeshConfig other : candidates) {
      if (config.filter(other::equals).isEmpty()) {
        statuses
            .on(Ground.SEVERAL_MESH_CONFIGS)
            .conflict(
                other,
                Severity.UNUSABLE,
                "",
                config
                    .map(inForce -> inForce.ref() + " is the MeshConfig in force")
                    .orElse(
                        "there are several MeshConfigs, and nothing tells which was first: none is in"
                            + " force"),
                ONE,
                config
                    .orElseGet(() -> candidates.get(candidates.getFirst().equals(other) ? 1 : 0))
                    .ref());
      }
    }
    boolean known = config.isPresent() || (everyConfig && candidates.isEmpty());
    if (!known && before != null) {
      return before.by(held);
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
            mesh.healthChecks(),
            rules),
        config.map(MeshConfig::retries).orElse(false),
        config.map(MeshConfig::ingressBackends).orElse(true),
        config.map(MeshConfig::accessControls).orElse(true),
        config.map(MeshConfig::egresses).orElse(true),
        config.map(MeshConfig::accessCerts).orElse(false),
        config.map(chosen -> CertificateCompiler.ofGateway(chosen, statuses)).orElse(null),
        config.map(chosen -> chosen.meta().namespace()).orElse(namespace),
        held,
        known);
  }

  /** What the MeshConfigs of a mesh claim: to govern. One without a usual name steps back. */
  private static Claims claims(List<MeshConfig> candidates, Map<Object, String> had) {
    boolean isUsualThere =
        candidates.stream().anyMatch(each -> isUsual(each) && !each.meta().terminating());
    Claims claims = new Claims(had);
    for (MeshConfig each : candidates) {
      Claimant claimant = Claimant.alone(each);
      if (!isUsualThere || isUsual(each) || had.containsValue(claimant.party())) {
        claims.add(GOVERNING, claimant);
      }
    }
    claims.settle(_ -> {});
    return claims;
  }

  private static boolean isUsual(MeshConfig config) {
    return USUAL_NAMES.contains(config.meta().name());
  }

  private static void reportFields(MeshConfig config, Statuses statuses) {
    if (config.permissive() && MtlsMode.STRICT.name().equals(config.mtlsModeOrNull())) {
      statuses.add(
          config,
          Severity.INFO,
          "spec.traffic.mtlsMode",
          "is STRICT, so plaintext of pods outside the mesh, through NodePorts and load balancers"
              + " too, is refused although enablePermissiveTrafficPolicyMode is true",
          "");
    }
    WorkloadCompiler.reportRanges(config, "spec.traffic", config.interception(), statuses);
    for (String path : config.notEnforced()) {
      if (MeshConfig.isListed(path)) {
        statuses
            .on(Ground.NOT_ENFORCED)
            .warning(
                config,
                path,
                NOT_ENFORCED,
                path.equals(INTERCEPTION_MODE)
                    ? "set the chart value interception.mode, or --mode"
                    : "");
      } else {
        statuses.warning(
            config,
            path,
            "is not known",
            "remove it; docs/reference/crds.md lists those that there are");
      }
    }
    config
        .unknown()
        .forEach(path ->
            statuses
                .on(Ground.MISTAKEN)
                .warning(config, path, Problem.UNKNOWN_FIELD, MeshConfig.mendOfUnknown(path)));
  }
}
