package io.sluice.control.compile;

import io.sluice.control.compile.ObjectsInForce.Replacement;
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
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.OtherObject;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.Retry;
import io.sluice.control.objects.Telemetry;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.UpstreamTrafficSetting;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Faults;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.Service;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.decision.Handling;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Compiles a set of objects again and again as it changes. Keeps what depends on what, so that a
 * change costs what it changes and not what the cluster holds. What one call decided between
 * objects that stand against each other, the next one keeps; for the rest the same objects give the
 * same content, whatever came before, which a test holds it to. What cannot be used never widens
 * what is permitted; it is left out and told. Confined to one thread.
 *
 * <p>After an exception, which would be a mistake in here, it may not be used any longer, but for
 * {@link #inForce}.
 */
public final class IncrementalCompiler {
  private final ObjectsInForce objects = new ObjectsInForce();
  private final Statuses.StatusBook statuses = new Statuses.StatusBook();
  private final Map<ObjectRef, MeshConfig> configs = new HashMap<>();
  private final Map<ObjectRef, Isolation> isolations = new HashMap<>();
  private final CompilerSettings settings;
  private final PodStage pods;
  private final ServiceStage services;
  private final PermissionStage permissions;
  private final NamespaceStage<TrafficSplit> splits = new NamespaceStage<>(statuses);
  private final NamespaceStage<Retry> retries = // each for itself
      new NamespaceStage<>(statuses, one -> one.policy().name().toString());
  private final Map<RetryCompiler.Calls, NavigableMap<NamespacedName, Retry>> retriesFor =
      new HashMap<>();
  private final NamespaceStage<IngressBackend> ingress = new NamespaceStage<>(statuses);
  private final NamespaceStage<Egress> egress = new NamespaceStage<>(statuses);
  private final GatewayStage gateway = new GatewayStage(statuses);
  private final NamespaceStage<UpstreamTrafficSetting> upstreams = new NamespaceStage<>(statuses);
  private final NamespaceStage<Telemetry> telemetries = new NamespaceStage<>(statuses);
  private final Map<NamespacedName, ExtensionService> extensions = new HashMap<>();
  private final Map<ObjectRef, AccessCert> accessCerts = new HashMap<>();
  private final Map<NamespacedName, Integer> accounts = new HashMap<>(); // Pods and objects of each
  private final Set<NamespacedName> accountsChanged = new HashSet<>(); // that came, or went
  private List<OutsideCertificate> certificates = List.of();
  private ConfigCompiler.@Nullable Settings configOrNull;
  private MeshSnapshot newest = MeshSnapshot.EMPTY;
  private long revision;
  private boolean configsChanged = true;
  private boolean configsInDoubt = true; // when they were compiled

  /** Knows no object yet; the first snapshot has the revision after {@code revision}. */
  public IncrementalCompiler(CompilerSettings settings, long revision) {
    this(settings, revision, InForce.NOTHING);
  }

  /** The same in the place of another one, which decided what is in force. */
  public IncrementalCompiler(CompilerSettings settings, long revision, InForce inForce) {
    this.settings = settings;
    this.pods = new PodStage(settings.podRanges(), statuses, inForce);
    this.services = new ServiceStage(statuses, inForce);
    this.permissions = new PermissionStage(settings.validateTrafficTarget(), statuses);
    this.configOrNull = inForce.configOrNull();
    this.revision = revision;
  }

  /**
   * Takes changed sources, such as files, and compiles what is no longer the same. The first call
   * makes a snapshot in any case, even one of nothing; later ones do when something differs.
   *
   * @param changed for each source all its objects, in order; none when the source is gone. Of two
   *     of the same object the first one counts, in order of the names of sources, then of place.
   */
  public CompiledChange apply(Map<String, List<KubernetesObject>> changed) {
    return apply(changed, true);
  }

  /**
   * The same where a MeshConfig may be among what could not be read. The snapshot is not
   * {@linkplain MeshSnapshot#isGoverned governed} until what governs is known.
   *
   * @param everyConfig whether all MeshConfigs that there are have been read
   */
  public CompiledChange apply(Map<String, List<KubernetesObject>> changed, boolean everyConfig) {
    configsChanged |= everyConfig && configsInDoubt;
    for (Replacement replacement : objects.replace(changed, statuses)) {
      replacement.before().ifPresent(this::remove);
      replacement.after().ifPresent(this::add);
    }
    SnapshotEditor editor = newest.edit();
    if (configsChanged) {
      compileConfigs(editor, everyConfig);
    }
    pods.compile(editor);
    services.compile(editor, pods);
    permissions.compile(editor);
    Named named = new Named(editor);
    gateway.compile(editor, named).forEach(service -> splits.changed(service.namespace()));
    splits.compile(editor, (inside, found) -> new SplitCompiler(named, found).routes(inside));
    upstreams.compile(
        editor, (inside, found) -> new UpstreamCompiler(named, found).settings(inside));
    compileRetries(editor, named);
    compileIngress(editor, named);
    egress.compile(
        editor,
        (inside, found) ->
            inside.stream()
                .flatMap(one -> new EgressCompiler(named, found).egress(one).stream())
                .toList());
    telemetries.compile(
        editor, (inside, found) -> new TelemetryCompiler(named, found).settings(inside));
    List<ResourceKey> names = editor.changed();
    if (!names.isEmpty() || newest.revision() == 0) {
      revision++;
      newest = editor.snapshot(revision);
    }
    return new CompiledChange(newest, names, statuses.sorted(), certificates);
  }

  private ConfigCompiler.Settings config() {
    ConfigCompiler.Settings compiled = configOrNull;
    return compiled == null ? ConfigCompiler.NO_CONFIG : compiled;
  }

  /**
   * Concerned are those of an account that has come or gone, those that name a Service of which
   * something is another that may make a port of it one of HTTP, and those that name one with an
   * undeclared port for an account that is granted requests for the first time, or no longer.
   */
  private void compileRetries(SnapshotEditor editor, Named named) {
    List<ResourceKey> changed = retries.isEmpty() ? List.of() : editor.changed();
    MeshSnapshot now = editor.snapshot(0);
    Set<NamespacedName> services = named(changed, Kind.SERVICE);
    services.addAll(named(changed, Kind.UPSTREAM_SETTING));
    Set<NamespacedName> granted = new HashSet<>();
    for (MeshSnapshot one : List.of(newest, now)) {
      named(changed, Kind.ROUTE)
          .forEach(name -> one.get(Kind.ROUTE, name).ifPresent(it -> services.add(it.service())));
      named(changed, Kind.PERMISSION)
          .forEach(
              name -> one.get(Kind.PERMISSION, name).ifPresent(it -> granted.addAll(it.sources())));
    }
    granted.removeIf(
        each -> Handling.isGrantedRequests(newest, each) == Handling.isGrantedRequests(now, each));
    if (now.settings().permissive() != newest.settings().permissive()) {
      retries.changed();
    }
    if (!services.isEmpty() || !granted.isEmpty() || !accountsChanged.isEmpty()) {
      retries.changed(one -> {
        RetryPolicy policy = one.policy();
        return accountsChanged.contains(policy.source())
            || !Collections.disjoint(policy.destinations(), services)
            || (granted.contains(policy.source())
                && policy.destinations().stream().anyMatch(to -> hasUndeclaredPort(now, to)));
      });
    }
    accountsChanged.clear();
    retries.compile(
        editor,
        (inside, found) ->
            inside.stream()
                .flatMap(
                    one -> new RetryCompiler(named, found).policy(one, this::firstRetry).stream())
                .toList());
  }

  private static boolean hasUndeclaredPort(MeshSnapshot now, NamespacedName service) {
    return now.service(service).stream()
        .flatMap(it -> it.ports().stream())
        .anyMatch(port -> port.protocol() == AppProtocol.UNDECLARED);
  }

  private Retry firstRetry(RetryCompiler.Calls of) {
    return Objects.requireNonNull(retriesFor.get(of)).firstEntry().getValue();
  }

  /** Those for the same calls are looked at again where another one comes first of them. */
  private void retryChanged(Retry retry, boolean isThere) {
    NamespacedName name = retry.policy().name();
    for (RetryCompiler.Calls of : RetryCompiler.calls(retry)) {
      NavigableMap<NamespacedName, Retry> alike =
          retriesFor.computeIfAbsent(of, _ -> new TreeMap<>());
      alike.remove(name);
      if (alike.isEmpty() || name.compareTo(alike.firstKey()) < 0) {
        alike.keySet().forEach(each -> retries.changed(each.toString()));
      }
      if (isThere) {
        alike.put(name, retry);
      } else if (alike.isEmpty()) {
        retriesFor.remove(of);
      }
    }
  }

  /** They name Services of any namespace, of which it is known by now which are others. */
  private void compileIngress(SnapshotEditor editor, Named named) {
    Set<NamespacedName> services =
        named(ingress.isEmpty() ? List.of() : editor.changed(), Kind.SERVICE);
    if (!services.isEmpty()) {
      ingress.changed(one -> !Collections.disjoint(IngressCompiler.named(one), services));
    }
    ingress.compile(editor, (inside, found) -> new IngressCompiler(named, found).ingresses(inside));
  }

  /** Those of one kind among {@code changed}. */
  private static Set<NamespacedName> named(List<ResourceKey> changed, Kind<?> kind) {
    return changed.stream()
        .filter(key -> key.kind().equals(kind.name()))
        .map(key -> NamespacedName.parse(key.name()))
        .collect(Collectors.toCollection(HashSet::new));
  }

  /** Retries compiled until now, each as often as it was. */
  long retriesCompiled() {
    return retries.compiled();
  }

  /**
   * What it has decided. After an exception too: decisions are made for all claims at once, from
   * whole sets of objects, and until then the earlier ones stay.
   */
  public InForce inForce() {
    return new InForce(pods.held(), services.held(), configOrNull, pods.rangesBind());
  }

  /** What objects name, as it is now. */
  private final class Named
      implements SplitCompiler.Surroundings,
          IngressCompiler.Surroundings,
          EgressCompiler.Surroundings,
          UpstreamCompiler.Surroundings,
          RetryCompiler.Surroundings,
          TelemetryCompiler.Surroundings,
          GatewayCompiler.Surroundings {
    private final SnapshotEditor editor; // with the Services of now

    Named(SnapshotEditor editor) {
      this.editor = editor;
    }

    @Override
    public Optional<Service> compiled(NamespacedName name) {
      return editor.snapshot(0).service(name);
    }

    @Override
    public boolean retries() {
      return config().retries();
    }

    @Override
    public boolean hasAccount(NamespacedName name) {
      return name.name().equals(Pod.DEFAULT_ACCOUNT) || accounts.containsKey(name);
    }

    @Override
    public boolean mayCarryRequests(NamespacedName account, Service service) {
      return Handling.mayCarryRequests(editor.snapshot(0), account, service);
    }

    @Override
    public boolean egresses() {
      return config().egresses();
    }

    @Override
    public boolean egressEnabled() {
      return editor.snapshot(0).settings().egress();
    }

    @Override
    public Optional<UpstreamSetting> setting(NamespacedName name) {
      return editor
          .snapshot(0)
          .find(Kind.UPSTREAM_SETTING, Kind.UPSTREAM_SETTINGS_BY_NAME, name)
          .stream()
          .findFirst();
    }

    @Override
    public Set<String> namedByEgresses(String namespace) {
      return egress.inside(namespace).stream()
          .flatMap(one -> one.settings().stream().map(TrafficSplit.Group::name))
          .collect(Collectors.toSet());
    }

    @Override
    public boolean ingressBackends() {
      return config().ingressBackends();
    }

    @Override
    public boolean accessControls() {
      return config().accessControls();
    }

    @Override
    public @Nullable RouteGroup http(NamespacedName name) {
      return permissions.http(name);
    }

    @Override
    public @Nullable KubernetesService service(NamespacedName name) {
      return services.find(name);
    }

    @Override
    public boolean isOfMesh(String namespace) {
      return namespace.equals(config().namespaceOrNull());
    }

    @Override
    public Optional<ExtensionService> extension(NamespacedName name) {
      return Optional.ofNullable(extensions.get(name));
    }

    @Override
    public boolean knowsServices() {
      return true;
    }

    @Override
    public @Nullable ObjectRef oldestRoute(NamespacedName service) {
      return gateway.oldest(service);
    }

    @Override
    public boolean allows(GatewayRoute route, NamespacedName service) {
      return gateway.allows(route, service);
    }

    @Override
    public @Nullable Faults faults(NamespacedName name) {
      return gateway.faults(name);
    }
  }

  private void compileConfigs(SnapshotEditor editor, boolean everyConfig) {
    Statuses found = new Statuses();
    ConfigCompiler.Settings compiled =
        ConfigCompiler.compile(configs.values(), everyConfig, settings, configOrNull, found);
    if (compiled.retries() != config().retries()) {
      retries.changed();
    }
    if (!Objects.equals(compiled.namespaceOrNull(), config().namespaceOrNull())) {
      telemetries.changed();
    }
    configOrNull = compiled;
    statuses.put(configs.keySet(), found);
    Statuses ofIsolations = new Statuses();
    List<Cidr> isolated = SettingsCompiler.isolated(isolations.values(), ofIsolations);
    if (compiled.known()) {
      editor.put(compiled.mesh().isolating(isolated));
    }
    statuses.put(isolations.keySet(), ofIsolations);
    pods.put(compiled.meshWide());
    permissions.put(compiled.mesh());
    Statuses ofCertificates = new Statuses();
    certificates =
        CertificateCompiler.all(
            compiled.gatewayOrNull(),
            compiled.accessCerts(),
            compiled.mesh().trustDomain(),
            accessCerts.values(),
            ofCertificates);
    statuses.put(accessCerts.keySet(), ofCertificates);
    ingress.changed();
    egress.changed();
    configsChanged = false;
    configsInDoubt = !everyConfig;
  }

  private void countAccount(KubernetesObject object, int by) {
    RetryCompiler.accountOf(object)
        .ifPresent(account -> {
          Integer before = accounts.get(account);
          Integer now = accounts.merge(account, by, (a, b) -> a + b == 0 ? null : a + b);
          if (before == null || now == null) {
            accountsChanged.add(account);
          }
        });
  }

  /** Has compiled again what depends on an object that came or went. */
  private void concern(KubernetesObject object) {
    String namespace = object.meta().namespace();
    switch (object) {
      case MeshConfig _, Isolation _, AccessCert _ -> configsChanged = true;
      case Pod pod -> services.podChanged(pod);
      case KubernetesService service -> {
        splits.changed(namespace);
        gateway.changed(service);
        upstreams.changed(namespace);
      }
      case HttpRouteGroup _ -> {
        splits.changed(namespace);
        ingress.changed(namespace);
        egress.changed(namespace);
      }
      case UpstreamTrafficSetting _ -> egress.changed(namespace);
      case Egress _ -> upstreams.changed(namespace);
      case ExtensionService service ->
          telemetries.changed(one -> one.names(service.meta().namespacedName()));
      case Namespace _, ClusterNode _, EndpointSlice _, TrafficTarget _, PortRoute _ -> {}
      case TrafficSplit _, Retry _, IngressBackend _, GatewayRoute _, ReferenceGrant _ -> {}
      case FaultInjection _, Telemetry _, ServiceAccount _, OtherObject _ -> {}
    }
  }

  private void remove(KubernetesObject object) {
    statuses.remove(object.ref());
    countAccount(object, -1);
    concern(object);
    switch (object) {
      case MeshConfig config -> configs.remove(config.ref());
      case Namespace namespace -> {
        pods.remove(namespace);
        services.namespaceChanged(namespace, false);
      }
      case ClusterNode node -> pods.remove(node);
      case Pod pod -> pods.remove(pod);
      case KubernetesService service -> services.remove(service);
      case EndpointSlice slice -> services.remove(slice);
      case TrafficTarget target -> permissions.remove(target);
      case PortRoute route -> permissions.remove(route);
      case HttpRouteGroup group -> permissions.remove(group);
      case TrafficSplit split -> splits.remove(split);
      case Retry retry -> {
        retries.remove(retry);
        retryChanged(retry, false);
      }
      case UpstreamTrafficSetting setting -> upstreams.remove(setting);
      case Isolation isolation -> isolations.remove(isolation.ref());
      case AccessCert written -> accessCerts.remove(written.ref());
      case Egress written -> egress.remove(written);
      case IngressBackend written -> ingress.remove(written);
      case GatewayRoute route -> gateway.remove(route);
      case ReferenceGrant grant -> gateway.remove(grant);
      case FaultInjection injection -> gateway.remove(injection);
      case Telemetry telemetry -> telemetries.remove(telemetry);
      case ExtensionService service -> extensions.remove(service.meta().namespacedName());
      case ServiceAccount _, OtherObject _ -> {}
    }
  }

  private void add(KubernetesObject object) {
    countAccount(object, 1);
    concern(object);
    switch (object) {
      case MeshConfig config -> configs.put(config.ref(), config);
      case Namespace namespace -> {
        pods.add(namespace);
        services.namespaceChanged(namespace, true);
      }
      case ClusterNode node -> pods.add(node);
      case Pod pod -> pods.add(pod);
      case KubernetesService service -> services.add(service);
      case EndpointSlice slice -> services.add(slice);
      case TrafficTarget target -> permissions.add(target);
      case PortRoute route -> permissions.add(route);
      case HttpRouteGroup group -> permissions.add(group);
      case TrafficSplit split -> splits.add(split);
      case Retry retry -> {
        retries.add(retry);
        retryChanged(retry, true);
      }
      case UpstreamTrafficSetting setting -> upstreams.add(setting);
      case Isolation isolation -> isolations.put(isolation.ref(), isolation);
      case AccessCert written -> accessCerts.put(written.ref(), written);
      case Egress written -> egress.add(written);
      case IngressBackend written -> ingress.add(written);
      case GatewayRoute route -> gateway.add(route);
      case ReferenceGrant grant -> gateway.add(grant);
      case FaultInjection injection -> gateway.add(injection);
      case Telemetry telemetry -> telemetries.add(telemetry);
      case ExtensionService service -> extensions.put(service.meta().namespacedName(), service);
      case ServiceAccount _ -> {}
      case OtherObject _ -> {
        Statuses found = new Statuses();
        ObjectCompiler.reportUnread(object, found);
        statuses.put(object.ref(), found);
      }
    }
  }
}
