package io.sluice.control.compile;

import io.sluice.control.objects.ExtensionService;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.Telemetry;
import io.sluice.mesh.AccessLogSetting;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.NamespacedName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns the Telemetries of a Kubernetes namespace into what is said of the access log of its pods,
 * or, in the mesh's own, of all. Of two for one pod the older one applies, then the one that comes
 * first by name.
 */
record TelemetryCompiler(Surroundings surroundings, Statuses statuses) {
  private static final String SERVICE = "spec.accessLog.openTelemetry.extensionService";

  /** What Telemetries name. */
  interface Surroundings {
    /** Whether that namespace is the mesh's own. */
    boolean isOfMesh(String namespace);

    /** The ExtensionService of that name. */
    Optional<ExtensionService> extension(NamespacedName name);
  }

  /** What {@code written}, all of one namespace, make. */
  List<AccessLogSetting> settings(Collection<Telemetry> written) {
    List<AccessLogSetting> made = new ArrayList<>();
    List<Telemetry> before = new ArrayList<>();
    for (Telemetry one : written.stream().sorted(KubernetesObject.OLDER_FIRST).toList()) {
      Telemetry.AccessLog log = one.accessLogOrNull();
      Optional<Telemetry> instead =
          before.stream().filter(older -> leavesNothingTo(older, one)).findFirst();
      if (log == null) {
        statuses.unusable(
            one, "says nothing of the access log, so it has no effect", "write spec.accessLog");
      } else if (instead.isPresent()) {
        statuses.conflict(
            one,
            Severity.UNUSABLE,
            "spec.selector",
            "selects no pod that " + instead.get().ref() + ", which is older, is not for already",
            "remove one of the two, or select other pods",
            instead.get().ref());
      } else {
        before.add(one);
        made.add(
            new AccessLogSetting(
                one.meta().namespacedName(),
                surroundings.isOfMesh(one.meta().namespace()),
                one.meta().birth().createdSecond(),
                one.selector(),
                log.formatOrNull(),
                log.serviceOrNull() == null
                    ? null
                    : collector(one, log.serviceOrNull(), log).orElse(null)));
      }
    }
    return made;
  }

  /** Whether every pod of {@code one} is one of {@code older}; one for all steps back. */
  private static boolean leavesNothingTo(Telemetry older, Telemetry one) {
    Map<String, String> labels = older.selector();
    return labels.isEmpty()
        ? one.selector().isEmpty()
        : one.selector().entrySet().containsAll(labels.entrySet());
  }

  private Optional<Collector> collector(
      Telemetry written, NamespacedName name, Telemetry.AccessLog log) {
    Optional<ExtensionService> service = surroundings.extension(name);
    if (service.isEmpty()) {
      statuses.warning(
          written,
          SERVICE,
          "names ExtensionService "
              + name
              + ", which is not there or cannot be used: no line is sent",
          "create the ExtensionService, or write another one");
    }
    return service.map(
        one -> new Collector(one.server(), one.protocol(), one.connectMillis(), log.attributes()));
  }
}
