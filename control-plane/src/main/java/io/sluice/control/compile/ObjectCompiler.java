package io.sluice.control.compile;

import io.sluice.control.compile.WorkloadCompiler.Surroundings;
import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesObject.ClusterNode;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.KubernetesObject.ServiceAccount;
import io.sluice.control.objects.KubernetesObject.TcpRoute;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.OtherObject;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.TrafficTarget;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What is to be said of one object, whatever the others are. */
public final class ObjectCompiler {
  private ObjectCompiler() {}

  /**
   * What would be said of {@code object} in a mesh where all that it names exists and nothing
   * stands against it.
   */
  public static List<ObjectStatus> statuses(KubernetesObject object, CompilerSettings rules) {
    var statuses = new Statuses();
    reportUnread(object, statuses);
    switch (object) {
      case MeshConfig config -> ConfigCompiler.compile(List.of(config), rules, Map.of(), statuses);
      case Namespace namespace -> Surroundings.of(namespace, statuses);
      case Pod pod ->
          new WorkloadCompiler(
                  ConfigCompiler.compile(List.of(), rules, Map.of(), statuses).meshWide(),
                  Owners.NOBODY_ELSE,
                  new PodRanges(PodRangeRule.IGNORE, false),
                  statuses)
              .workload(pod, Surroundings.NONE);
      case KubernetesService service ->
          new ServiceCompiler(Owners.NOBODY_ELSE, statuses)
              .service(service, new EndpointCompiler(List.of(), List.of()));
      case EndpointSlice slice -> ServiceCompiler.report(slice, statuses);
      case TrafficTarget target ->
          new PermissionCompiler(
                  _ -> new TcpRoute(target.meta(), Set.of()), Optional.empty(), statuses)
              .permission(target);
      case ClusterNode _, ServiceAccount _, TcpRoute _, HttpRouteGroup _, OtherObject _ -> {}
    }
    return statuses.sorted();
  }

  /** Says that {@code object} has no effect beside {@code first}, which is the same. */
  static void reportDuplicate(KubernetesObject object, KubernetesObject first, Statuses statuses) {
    statuses.unusable(
        object,
        "the same object is already in " + first.meta().file() + ":" + first.meta().line(),
        "remove one of the two");
  }

  /** Says so when the object is of a kind that the mesh makes nothing of. */
  static void reportUnread(KubernetesObject object, Statuses statuses) {
    if (object instanceof OtherObject other && other.isReadInOtherVersion()) {
      statuses.unusable(
          other,
          "version " + other.version() + " of this API is not read",
          "write it in a version that the documentation lists");
    } else if (object instanceof OtherObject other) {
      statuses.info(other, "the mesh does not read this kind");
    } else if (object instanceof HttpRouteGroup group) {
      statuses.unusable(group, "HTTP rules are not enforced yet", "use a TCPRoute");
    }
  }
}
