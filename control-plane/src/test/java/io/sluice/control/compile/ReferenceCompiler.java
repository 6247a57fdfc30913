package io.sluice.control.compile;

import static java.util.stream.Collectors.groupingBy;

import io.sluice.control.compile.Claims.Claimant;
import io.sluice.control.compile.PermissionCompiler.Granted;
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
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.OtherObject;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.Retry;
import io.sluice.control.objects.Telemetry;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.UpstreamTrafficSetting;
import io.sluice.mesh.Faults;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Handling;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a set of objects means, from scratch and without a memory: what {@link IncrementalCompiler}
 * is held to. A pure function: the same objects, and the same in force before, give the same
 * content, whatever the order of their files apart from duplicates.
 */
public final class ReferenceCompiler {
  private ReferenceCompiler() {}

  /**
   * Compiles {@code objects} into a snapshot numbered {@code revision}.
   *
   * @param inForce what was decided before between objects that stand against each other
   */
  public static Compilation compile(
      long revision, Objects objects, CompilerSettings rules, InForce inForce) {
    var statuses = new Statuses();
    Objects unique = withoutDuplicates(objects, statuses);
    unique.all().forEach(object -> ObjectCompiler.reportUnread(object, statuses));
    ConfigCompiler.Settings settings =
        ConfigCompiler.compile(
            unique.of(MeshConfig.class), true, rules, inForce.configOrNull(), statuses);
    PodRanges ranges = ranges(unique, rules, inForce);
    List<Pod> pods = unique.of(Pod.class);
    Claims podClaims = new Claims(inForce.pods());
    pods.forEach(pod -> WorkloadCompiler.claim(podClaims, pod, ranges));
    podClaims.settle(_ -> {});
    List<KubernetesService> services = unique.of(KubernetesService.class);
    Claims serviceClaims = new Claims(inForce.services());
    services.forEach(
        service -> serviceClaims.add(ServiceCompiler.claims(service), Claimant.alone(service)));
    serviceClaims.settle(_ -> {});
    var workloads = new WorkloadCompiler(settings.meshWide(), podClaims, ranges, statuses);
    Map<NamespacedName, Service> compiled = new HashMap<>();
    Named named = Named.of(unique, compiled, settings, statuses);
    List<ServiceCompiler.Compiled> both = services(unique, serviceClaims, statuses);
    List<Granted> granted = granted(unique, settings.mesh(), named, statuses);
    SnapshotEditor editor =
        new MeshSnapshot(
                revision,
                settings
                    .mesh()
                    .isolating(SettingsCompiler.isolated(unique.of(Isolation.class), statuses)),
                workloads(unique, workloads, statuses),
                both.stream().flatMap(each -> each.streams().stream()).toList(),
                granted.stream().flatMap(each -> each.connections().stream()).toList(),
                namespaces(unique))
            .edit();
    granted.forEach(each -> each.datagrams().ifPresent(editor::put));
    both.forEach(each -> each.datagrams().ifPresent(editor::put));
    CertificateCompiler.all(
        settings.gatewayOrNull(),
        settings.accessCerts(),
        settings.mesh().trustDomain(),
        unique.of(AccessCert.class),
        statuses);
    if (!settings.known()) {
      editor.remove(Kind.SETTINGS.key(MeshSettings.NAME));
    }
    GatewayCompiler gateway = new GatewayCompiler(named, statuses);
    gateway.routes(unique.of(GatewayRoute.class)).forEach(editor::put);
    named.routed().putAll(gateway.oldest());
    unique.of(TrafficSplit.class).stream()
        .collect(groupingBy(split -> split.meta().namespace()))
        .values()
        .forEach(inside -> new SplitCompiler(named, statuses).routes(inside).forEach(editor::put));
    unique.of(UpstreamTrafficSetting.class).stream()
        .collect(groupingBy(setting -> setting.meta().namespace()))
        .values()
        .forEach(inside ->
            new UpstreamCompiler(named, statuses)
                .settings(inside)
                .forEach(setting -> {
                  editor.put(setting);
                  named.upstreams().put(setting.name(), setting);
                }));
    editor.snapshot(revision).services().forEach(service -> compiled.put(service.name(), service));
    named.almost().add(editor.snapshot(revision));
    List<Retry> retries = unique.of(Retry.class);
    Map<RetryCompiler.Calls, Retry> first = new HashMap<>();
    retries.stream()
        .sorted(Comparator.comparing(retry -> retry.policy().name()))
        .forEach(retry -> RetryCompiler.calls(retry).forEach(of -> first.putIfAbsent(of, retry)));
    for (Retry retry : retries) {
      new RetryCompiler(named, statuses)
          .policy(retry, of -> first.getOrDefault(of, retry))
          .ifPresent(editor::put);
    }
    unique.of(IngressBackend.class).stream()
        .collect(groupingBy(one -> one.meta().namespace()))
        .values()
        .forEach(
            inside -> new IngressCompiler(named, statuses).ingresses(inside).forEach(editor::put));
    unique
        .of(Egress.class)
        .forEach(one -> new EgressCompiler(named, statuses).egress(one).ifPresent(editor::put));
    unique.of(Telemetry.class).stream()
        .collect(groupingBy(one -> one.meta().namespace()))
        .values()
        .forEach(
            inside -> new TelemetryCompiler(named, statuses).settings(inside).forEach(editor::put));
    return new Compilation(
        editor.snapshot(revision),
        statuses.sorted(),
        new InForce(podClaims.held(), serviceClaims.held(), settings, ranges.areBinding()));
  }

  private static PodRanges ranges(Objects objects, CompilerSettings rules, InForce inForce) {
    var ranges = new PodRanges(rules.podRanges(), inForce.podRangesBind());
    objects.of(ClusterNode.class).forEach(ranges::add);
    objects.of(Pod.class).forEach(ranges::add);
    ranges.settle(_ -> {});
    return ranges;
  }

  private static List<Workload> workloads(
      Objects objects, WorkloadCompiler compiler, Statuses statuses) {
    Map<String, Surroundings> surroundings = new HashMap<>();
    for (Namespace namespace : objects.of(Namespace.class)) {
      surroundings.put(namespace.meta().name(), Surroundings.of(namespace, statuses));
    }
    Map<String, String> zones = new HashMap<>();
    for (ClusterNode node : objects.of(ClusterNode.class)) {
      node.zone().ifPresent(zone -> zones.put(node.meta().name(), zone));
    }
    List<Workload> workloads = new ArrayList<>();
    for (Pod pod : objects.of(Pod.class)) {
      workloads.add(
          compiler.workload(
              pod, surroundings.getOrDefault(pod.meta().namespace(), Surroundings.NONE), zones));
    }
    return workloads;
  }

  private static List<ServiceCompiler.Compiled> services(
      Objects objects, Owners owners, Statuses statuses) {
    Map<NamespacedName, List<EndpointSlice>> slices =
        objects.of(EndpointSlice.class).stream()
            .filter(slice -> !slice.service().isEmpty())
            .collect(
                groupingBy(slice -> new NamespacedName(slice.meta().namespace(), slice.service())));
    Map<String, List<Pod>> pods = podsByNamespace(objects);
    Set<String> withoutL7 =
        objects.of(Namespace.class).stream()
            .filter(each -> L7.of(each, new Statuses()).orElse(L7.ON) == L7.OFF)
            .map(each -> each.meta().name())
            .collect(Collectors.toSet());
    Map<String, WarmUpWords> warmUps =
        objects.of(Namespace.class).stream()
            .collect(
                Collectors.toMap(
                    each -> each.meta().name(), each -> WarmUpWords.of(each, new Statuses())));
    var compiler = new ServiceCompiler(owners, statuses);
    List<ServiceCompiler.Compiled> services = new ArrayList<>();
    for (KubernetesService service : objects.of(KubernetesService.class)) {
      var endpoints =
          new EndpointCompiler(
              slices.getOrDefault(service.meta().namespacedName(), List.of()),
              pods.getOrDefault(service.meta().namespace(), List.of()),
              warmUps.getOrDefault(service.meta().namespace(), WarmUpWords.NONE));
      L7 l7 = withoutL7.contains(service.meta().namespace()) ? L7.OFF : L7.ON;
      services.add(compiler.service(service, endpoints, l7));
    }
    objects.of(EndpointSlice.class).forEach(slice -> ServiceCompiler.report(slice, statuses));
    return services;
  }

  private static List<Granted> granted(
      Objects objects, MeshSettings settings, Named named, Statuses statuses) {
    var compiler = new PermissionCompiler(named, Optional.of(settings), true, statuses);
    return objects.of(TrafficTarget.class).stream().map(compiler::granted).toList();
  }

  /** What targets and splits name. */
  private record Named(
      Map<NamespacedName, Faults> faults,
      Map<NamespacedName, ExtensionService> extensions,
      Map<NamespacedName, PortRoute> routes,
      Map<NamespacedName, PortRoute> datagramRoutes,
      Map<NamespacedName, RouteGroup> groups,
      Map<NamespacedName, KubernetesService> services,
      List<ReferenceGrant> grants,
      Map<NamespacedName, ObjectRef> routed,
      Map<NamespacedName, Service> made,
      List<Egress> letOut,
      Map<NamespacedName, UpstreamSetting> upstreams,
      Set<NamespacedName> accounts,
      List<MeshSnapshot> almost,
      ConfigCompiler.Settings settings)
      implements PermissionCompiler.Routes,
          SplitCompiler.Surroundings,
          IngressCompiler.Surroundings,
          EgressCompiler.Surroundings,
          UpstreamCompiler.Surroundings,
          RetryCompiler.Surroundings,
          TelemetryCompiler.Surroundings,
          GatewayCompiler.Surroundings {
    static Named of(
        Objects objects,
        Map<NamespacedName, Service> made,
        ConfigCompiler.Settings settings,
        Statuses statuses) {
      Named named =
          new Named(
              new HashMap<>(),
              new HashMap<>(),
              new HashMap<>(),
              new HashMap<>(),
              new HashMap<>(),
              new HashMap<>(),
              objects.of(ReferenceGrant.class),
              new HashMap<>(),
              made,
              objects.of(Egress.class),
              new HashMap<>(),
              new HashSet<>(),
              new ArrayList<>(),
              settings);
      objects
          .all()
          .forEach(object -> RetryCompiler.accountOf(object).ifPresent(named.accounts::add));
      objects
          .of(PortRoute.class)
          .forEach(route ->
              (route.isOfDatagrams() ? named.datagramRoutes : named.routes)
                  .put(name(route), route));
      objects
          .of(FaultInjection.class)
          .forEach(injection -> named.faults.put(name(injection), injection.faults()));
      objects
          .of(ExtensionService.class)
          .forEach(service -> named.extensions.put(name(service), service));
      objects
          .of(HttpRouteGroup.class)
          .forEach(group -> named.groups.put(name(group), RouteGroup.of(group, statuses)));
      objects
          .of(KubernetesService.class)
          .forEach(service -> named.services.put(name(service), service));
      return named;
    }

    private static NamespacedName name(KubernetesObject object) {
      return object.meta().namespacedName();
    }

    @Override
    public @Nullable PortRoute tcp(NamespacedName name) {
      return routes.get(name);
    }

    @Override
    public @Nullable PortRoute udp(NamespacedName name) {
      return datagramRoutes.get(name);
    }

    @Override
    public @Nullable RouteGroup http(NamespacedName name) {
      return groups.get(name);
    }

    @Override
    public @Nullable KubernetesService service(NamespacedName name) {
      return services.get(name);
    }

    @Override
    public boolean knowsServices() {
      return true;
    }

    @Override
    public Optional<Service> compiled(NamespacedName name) {
      return Optional.ofNullable(made.get(name));
    }

    @Override
    public boolean ingressBackends() {
      return settings.ingressBackends();
    }

    @Override
    public boolean accessControls() {
      return settings.accessControls();
    }

    @Override
    public boolean retries() {
      return settings.retries();
    }

    @Override
    public boolean hasAccount(NamespacedName name) {
      return name.name().equals(Pod.DEFAULT_ACCOUNT) || accounts.contains(name);
    }

    @Override
    public boolean mayCarryRequests(NamespacedName account, Service service) {
      return Handling.mayCarryRequests(almost.getFirst(), account, service);
    }

    @Override
    public boolean egresses() {
      return settings.egresses();
    }

    @Override
    public Optional<UpstreamSetting> setting(NamespacedName name) {
      return Optional.ofNullable(upstreams.get(name));
    }

    @Override
    public Set<String> namedByEgresses(String namespace) {
      return letOut.stream()
          .filter(one -> one.meta().namespace().equals(namespace))
          .flatMap(one -> one.settings().stream().map(TrafficSplit.Group::name))
          .collect(Collectors.toSet());
    }

    @Override
    public boolean isOfMesh(String namespace) {
      return namespace.equals(settings.namespaceOrNull());
    }

    @Override
    public Optional<ExtensionService> extension(NamespacedName name) {
      return Optional.ofNullable(extensions.get(name));
    }

    @Override
    public boolean egressEnabled() {
      return settings.mesh().egress();
    }

    @Override
    public @Nullable ObjectRef oldestRoute(NamespacedName service) {
      return routed.get(service);
    }

    @Override
    public boolean allows(GatewayRoute route, NamespacedName service) {
      return grants.stream()
          .filter(grant -> grant.meta().namespace().equals(service.namespace()))
          .anyMatch(grant -> grant.allows(route, service.name()));
    }

    @Override
    public @Nullable Faults faults(NamespacedName name) {
      return faults.get(name);
    }
  }

  private static Map<String, NamespaceMembership> namespaces(Objects objects) {
    Map<String, NamespaceMembership> memberships = new HashMap<>();
    Map<String, List<Pod>> pods = podsByNamespace(objects);
    pods.forEach((name, inside) -> memberships.put(name, membership(null, inside)));
    for (Namespace namespace : objects.of(Namespace.class)) {
      String name = namespace.meta().name();
      memberships.put(name, membership(namespace, pods.getOrDefault(name, List.of())));
    }
    return memberships;
  }

  private static NamespaceMembership membership(
      @Nullable Namespace namespaceOrNull, List<Pod> pods) {
    return Enrolment.membership(
        namespaceOrNull,
        () -> pods.stream().anyMatch(pod -> Enrolment.isEnrolled(pod, namespaceOrNull)));
  }

  private static Map<String, List<Pod>> podsByNamespace(Objects objects) {
    return objects.of(Pod.class).stream().collect(groupingBy(pod -> pod.meta().namespace()));
  }

  private static Objects withoutDuplicates(Objects objects, Statuses statuses) {
    Map<ObjectRef, KubernetesObject> byRef = new TreeMap<>();
    for (KubernetesObject object : objects.all()) {
      KubernetesObject first = byRef.putIfAbsent(object.ref(), object);
      if (first != null && !(object instanceof OtherObject)) {
        ObjectCompiler.reportDuplicate(object, first, statuses);
      }
    }
    return new Objects(byRef.values().stream().toList());
  }

  /**
   * All objects of a registry, in the order in which they were found: of two with the same group,
   * kind and name the first one counts.
   */
  public record Objects(List<KubernetesObject> all) {
    public Objects {
      all = List.copyOf(all);
    }

    /** The objects of one kind. */
    <T extends KubernetesObject> List<T> of(Class<T> kind) {
      return all.stream().filter(kind::isInstance).map(kind::cast).toList();
    }
  }

  /**
   * Result of compiling.
   *
   * @param snapshot what the data plane decides by
   * @param statuses objects that are not used as written, in order of object
   * @param inForce what the next compilation keeps
   */
  public record Compilation(MeshSnapshot snapshot, List<ObjectStatus> statuses, InForce inForce) {
    public Compilation {
      statuses = List.copyOf(statuses);
    }
  }
}
