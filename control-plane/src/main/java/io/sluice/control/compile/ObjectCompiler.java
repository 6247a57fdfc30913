package io.sluice.control.compile;

import io.sluice.control.compile.WorkloadCompiler.Surroundings;
import io.sluice.control.objects.AccessCert;
import io.sluice.control.objects.Egress;
import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.ExtensionService;
import io.sluice.control.objects.FaultInjection;
import io.sluice.control.objects.GatewayRoute;
import io.sluice.control.objects.IngressBackend;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesObject.ClusterNode;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.KubernetesObject.Isolation;
import io.sluice.control.objects.KubernetesObject.PortRoute;
import io.sluice.control.objects.KubernetesObject.ReferenceGrant;
import io.sluice.control.objects.KubernetesObject.ServiceAccount;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.MeshKinds;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectMeta;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.OtherObject;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.objects.Retry;
import io.sluice.control.objects.Telemetry;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.UpstreamTrafficSetting;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.AccessLogSetting.Collector.Protocol;
import io.sluice.mesh.Faults;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What is to be said of one object, whatever the others are. */
public final class ObjectCompiler {
  private static final Logger LOG = System.getLogger(ObjectCompiler.class.getName());

  /** Kinds of objects that the compiler has failed at, each told once. */
  private static final Set<String> FAILED = ConcurrentHashMap.newKeySet();

  private ObjectCompiler() {}

  /**
   * What would be said of {@code object} in a mesh where all that it names exists and nothing
   * stands against it.
   */
  public static List<ObjectStatus> statuses(KubernetesObject object, CompilerSettings rules) {
    var statuses = new Statuses();
    reportUnread(object, statuses);
    try {
      report(object, rules, statuses);
    } catch (RuntimeException e) {
      reportFailure(object, e, statuses);
    }
    return statuses.sorted();
  }

  /**
   * What an object claims that others have, as its own status will have it. Of kinds without such
   * claims nobody is asked for others.
   *
   * @param beside others of its kind and namespace, and the Egresses there that may name them
   */
  public static List<ObjectStatus> conflicts(
      KubernetesObject object, Function<KubernetesObject, List<KubernetesObject>> beside) {
    Statuses statuses = new Statuses();
    if (object instanceof UpstreamTrafficSetting setting) {
      List<KubernetesObject> others = beside.apply(object);
      UpstreamCompiler compiler =
          new UpstreamCompiler(new Assumed(object.meta(), named(object, others)), statuses);
      compiler.settings(of(UpstreamTrafficSetting.class, others));
      compiler.settings(List.of(setting));
    } else if (object instanceof Telemetry) {
      TelemetryCompiler compiler = new TelemetryCompiler(new Assumed(object.meta()), statuses);
      compiler.settings(
          of(
              Telemetry.class,
              Stream.concat(beside.apply(object).stream(), Stream.of(object)).toList()));
    } else if (object instanceof IngressBackend written) {
      IngressCompiler compiler = new IngressCompiler(new Assumed(object.meta()), statuses);
      compiler.ingresses(of(IngressBackend.class, beside.apply(object)));
      compiler.ingresses(List.of(written));
    }
    return statuses.sorted().stream()
        .filter(status -> status.object().equals(object.ref()) && status.rivalOrNull() != null)
        .toList();
  }

  private static <T> List<T> of(Class<T> kind, List<KubernetesObject> objects) {
    return objects.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** Settings that an Egress names, and the object, which one may name next. */
  private static Set<String> named(KubernetesObject object, List<KubernetesObject> others) {
    return Stream.concat(
            Stream.of(object.meta().name()),
            of(Egress.class, others).stream()
                .flatMap(one -> one.settings().stream().map(TrafficSplit.Group::name)))
        .collect(Collectors.toSet());
  }

  /** Says that {@code object} has no effect, for the compiler failed at it. */
  static void reportFailure(KubernetesObject object, RuntimeException e, Statuses statuses) {
    String kind = object.ref().kind();
    if (FAILED.add(kind)) { // whoever writes objects would fill the log
      LOG.log(Level.ERROR, "object_uncompilable kind=" + kind, e);
    }
    statuses.unusable(
        object,
        "cannot be compiled: " + e,
        "write it otherwise, and report this: its fields should have been named");
  }

  private static void report(KubernetesObject object, CompilerSettings rules, Statuses statuses) {
    switch (object) {
      case MeshConfig config ->
          ConfigCompiler.compile(List.of(config), true, rules, null, statuses);
      case Namespace namespace -> Surroundings.of(namespace, statuses);
      case Pod pod ->
          new WorkloadCompiler(
                  ConfigCompiler.compile(List.of(), true, rules, null, statuses).meshWide(),
                  Owners.NOBODY_ELSE,
                  new PodRanges(PodRangeRule.IGNORE, false),
                  statuses)
              .workload(pod, Surroundings.NONE, Map.of());
      case KubernetesService service ->
          new ServiceCompiler(Owners.NOBODY_ELSE, statuses)
              .service(
                  service, new EndpointCompiler(List.of(), List.of(), WarmUpWords.NONE), L7.ON);
      case EndpointSlice slice -> ServiceCompiler.report(slice, statuses);
      case TrafficTarget target ->
          new PermissionCompiler(
                  new Assumed(target.meta()),
                  Optional.empty(),
                  rules.validateTrafficTarget(),
                  statuses)
              .granted(target);
      case HttpRouteGroup group -> RouteGroup.of(group, statuses);
      case TrafficSplit split ->
          new SplitCompiler(new Assumed(split.meta()), statuses).routes(List.of(split));
      case Retry retry ->
          new RetryCompiler(new Assumed(retry.meta()), statuses).policy(retry, _ -> retry);
      case UpstreamTrafficSetting setting ->
          new UpstreamCompiler(new Assumed(setting.meta()), statuses).settings(List.of(setting));
      case AccessCert written ->
          CertificateCompiler.all(
              null, true, TrustDomain.CLUSTER_LOCAL, List.of(written), statuses);
      case Egress written ->
          new EgressCompiler(new Assumed(written.meta()), statuses).egress(written);
      case IngressBackend written ->
          new IngressCompiler(new Assumed(written.meta()), statuses).ingresses(List.of(written));
      case GatewayRoute route ->
          new GatewayCompiler(new Assumed(route.meta()), statuses).routes(List.of(route));
      case Isolation isolation -> SettingsCompiler.isolated(List.of(isolation), statuses);
      case Telemetry telemetry ->
          new TelemetryCompiler(new Assumed(telemetry.meta()), statuses)
              .settings(List.of(telemetry));
      case ClusterNode _, ExtensionService _, FaultInjection _ -> {}
      case ReferenceGrant _, ServiceAccount _, PortRoute _ -> {}
      case OtherObject _ -> {}
    }
  }

  /**
   * All that an object names exists.
   *
   * @param named UpstreamTrafficSettings that an Egress is taken to name
   */
  private record Assumed(ObjectMeta meta, Set<String> named)
      implements PermissionCompiler.Routes,
          SplitCompiler.Surroundings,
          IngressCompiler.Surroundings,
          EgressCompiler.Surroundings,
          UpstreamCompiler.Surroundings,
          RetryCompiler.Surroundings,
          TelemetryCompiler.Surroundings,
          GatewayCompiler.Surroundings {
    Assumed(ObjectMeta meta) {
      this(meta, Set.of(meta.name()));
    }

    @Override
    public PortRoute tcp(NamespacedName name) {
      return new PortRoute(meta, Set.of());
    }

    @Override
    public PortRoute udp(NamespacedName name) {
      return new PortRoute(meta, Set.of());
    }

    @Override
    public RouteGroup http(NamespacedName name) {
      return RouteGroup.ASSUMED;
    }

    @Override
    public @Nullable KubernetesService service(NamespacedName name) {
      return null;
    }

    @Override
    public boolean knowsServices() {
      return false;
    }

    @Override
    public Optional<Service> compiled(NamespacedName name) {
      return Optional.empty();
    }

    @Override
    public boolean retries() {
      return true;
    }

    @Override
    public boolean hasAccount(NamespacedName name) {
      return true;
    }

    @Override
    public boolean mayCarryRequests(NamespacedName account, Service service) {
      return true;
    }

    @Override
    public boolean egresses() {
      return true;
    }

    @Override
    public boolean egressEnabled() {
      return false;
    }

    @Override
    public Optional<UpstreamSetting> setting(NamespacedName name) {
      return Optional.of(new UpstreamSetting(name, name, Pool.NONE, null, Limits.NONE));
    }

    @Override
    public Set<String> namedByEgresses(String namespace) {
      return named;
    }

    @Override
    public boolean ingressBackends() {
      return true;
    }

    @Override
    public boolean accessControls() {
      return true;
    }

    @Override
    public boolean isOfMesh(String namespace) {
      return false;
    }

    @Override
    public Optional<ExtensionService> extension(NamespacedName name) {
      return Optional.of(
          new ExtensionService(
              meta,
              new NamedServer("assumed", 1),
              Protocol.GRPC,
              Collector.DEFAULT_CONNECT_MILLIS));
    }

    @Override
    public @Nullable ObjectRef oldestRoute(NamespacedName service) {
      return null;
    }

    @Override
    public boolean allows(GatewayRoute route, NamespacedName service) {
      return true;
    }

    @Override
    public Faults faults(NamespacedName name) {
      return Faults.NONE;
    }
  }

  /** Says that {@code object} has no effect beside {@code first}, which is the same. */
  static void reportDuplicate(KubernetesObject object, KubernetesObject first, Statuses statuses) {
    statuses
        .on(Ground.DUPLICATE)
        .conflict(
            object,
            Severity.UNUSABLE,
            "",
            "the same object is already in " + first.meta().file() + ":" + first.meta().line(),
            "remove one of the two",
            first.ref());
  }

  /** Says so when the object is of a kind that the mesh makes nothing of. */
  static void reportUnread(KubernetesObject object, Statuses statuses) {
    if (!(object instanceof OtherObject other)) {
      return;
    }
    if (other.isReadInOtherVersion()) {
      String versions =
          ReadableKind.of(other.ref().group(), other.ref().kind()).stream()
              .flatMap(kind -> kind.versions().stream())
              .map(version -> other.ref().group() + "/" + version)
              .collect(Collectors.joining(" or "));
      statuses
          .on(Ground.VERSION_UNKNOWN)
          .unusable(
              other,
              "apiVersion",
              "version " + other.version() + " of this API is not read",
              "write " + versions);
      return;
    }
    MeshKinds.wrong(other.ref())
        .ifPresentOrElse(
            wrong -> statuses.unusable(other, wrong.field(), wrong.reason(), wrong.mend()),
            () -> statuses.info(other, "the mesh does not read this kind"));
  }
}
