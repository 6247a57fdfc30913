package io.sluice.cli.check;

import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.control.compile.Ground;
import io.sluice.control.objects.KubernetesObject.PortRoute;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Workload;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/** TrafficTargets that can never match, and settings that take policy away. */
final class PolicyChecks {
  private PolicyChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("settings of the mesh", PolicyChecks::settings),
        new Check("ends of TrafficTargets", PolicyChecks::ends),
        new Check("ports of TrafficTargets", PolicyChecks::ports),
        new Check("TrafficTargets that grant the same", PolicyChecks::same),
        new Check("who may be called", PolicyChecks::uncalled));
  }

  private static void settings(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    List<MeshConfig> configs = objects.of(MeshConfig.class).toList();
    if (configs.isEmpty()) {
      found.add(Code.NO_MESHCONFIG, "mesh", "no object of kind MeshConfig was read");
    }
    long targets = objects.of(TrafficTarget.class).count();
    for (MeshConfig config : configs) {
      String subject = config.ref().toString();
      if (config.permissive()) {
        found.add(Code.PERMISSIVE, subject, "enablePermissiveTrafficPolicyMode is true");
        if (targets > 0) {
          found.add(Code.TARGETS_UNUSED, subject, targets + " TrafficTargets are written");
        }
      }
      if (config.mtlsDisabled()) {
        found.add(Code.MTLS_OFF, subject, "spec.sidecar.sidecarDisabledMTLS is true");
      }
    }
    if (objects.of(Pod.class).findAny().isPresent()
        && objects.snapshot().workloads().stream().noneMatch(Workload::enrolled)) {
      found.add(
          Code.NOBODY_ENROLLED, "mesh", objects.of(Pod.class).count() + " pods, none enrolled");
    }
  }

  private static Set<NamespacedName> accounts(Objects objects) {
    Set<NamespacedName> accounts = new HashSet<>();
    objects
        .of(Pod.class)
        .filter(pod -> !pod.finished())
        .forEach(pod ->
            Objects.name(
                    pod.meta().namespace(),
                    pod.accountOrNull() == null ? Pod.DEFAULT_ACCOUNT : pod.accountOrNull())
                .ifPresent(accounts::add));
    return accounts;
  }

  private static void ends(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    Set<NamespacedName> accounts = accounts(objects);
    Set<String> namespaces =
        objects.of(Namespace.class).map(one -> one.meta().name()).collect(Collectors.toSet());
    accounts.forEach(account -> namespaces.add(account.namespace()));
    Set<NamespacedName> enrolled = enrolled(objects);
    objects
        .of(TrafficTarget.class)
        .forEach(target -> {
          String subject = target.ref().toString();
          String own = target.meta().namespace();
          Objects.name(own, target.destination().name())
              .ifPresent(account -> {
                if (!accounts.contains(account)) {
                  found.add(Code.ACCOUNT_MISSING, subject, "no Pod runs as " + account);
                } else if (!enrolled.contains(account)
                    && !enrolled.isEmpty()
                    && !isKeptOut(account, objects)) { // else the cause is found
                  found.add(Code.TARGET_OUTSIDE, subject, "no Pod of " + account + " is enrolled");
                }
                if (account.name().equals(Pod.DEFAULT_ACCOUNT)) {
                  found.add(Code.DEFAULT_ACCOUNT, subject, "its destination is " + account);
                }
              });
          target.sources().forEach(source -> source(source, subject, accounts, namespaces, found));
        });
  }

  /** Whether a pod of the account asks for the mesh and cannot be in it. */
  private static boolean isKeptOut(NamespacedName account, Objects objects) {
    return objects
        .of(Pod.class)
        .filter(pod -> pod.meta().namespace().equals(account.namespace()))
        .filter(pod -> account.name().equals(pod.accountOrNull()))
        .anyMatch(pod -> isFound(Ground.POD_HOST_NETWORK, pod.ref(), objects));
  }

  private static boolean isFound(Ground ground, ObjectRef about, Objects objects) {
    return objects.findings().stream()
        .anyMatch(one -> one.ground() == ground && one.object().equals(about.toString()));
  }

  private static void source(
      Subject source,
      String subject,
      Set<NamespacedName> accounts,
      Set<String> namespaces,
      Sink found) {
    if (!source.kind().equals(TrafficTarget.ACCOUNT) || source.namespace().isEmpty()) {
      return; // the compiler says what is wrong with it
    }
    if (!namespaces.contains(source.namespace())) {
      return; // as validate says
    }
    Objects.name(source.namespace(), source.name())
        .filter(account -> !accounts.contains(account))
        .ifPresent(account -> found.add(Code.SOURCE_MISSING, subject, "no Pod runs as " + account));
  }

  private static Set<NamespacedName> enrolled(Objects objects) {
    return objects.snapshot().workloads().stream()
        .filter(Workload::enrolled)
        .map(workload -> workload.identity().serviceAccountName())
        .collect(Collectors.toSet());
  }

  /** Ports that containers declare, and those that Services lead to, by account. */
  private static Map<NamespacedName, Set<Integer>> served(Objects objects) {
    Map<NamespacedName, Set<Integer>> served = new HashMap<>();
    for (Pod pod : objects.of(Pod.class).toList()) {
      String account = pod.accountOrNull() == null ? Pod.DEFAULT_ACCOUNT : pod.accountOrNull();
      NamespacedName name = Objects.name(pod.meta().namespace(), account).orElse(null);
      if (name == null) {
        continue;
      }
      Set<Integer> ports = served.computeIfAbsent(name, _ -> new TreeSet<>());
      pod.ports().forEach(port -> ports.add(port.number()));
      objects
          .of(KubernetesService.class)
          .filter(service -> ServiceChecks.selects(service, pod))
          .flatMap(service -> service.ports().stream())
          .forEach(port -> {
            if (port.target() instanceof KubernetesService.Target.Number(int number)) {
              ports.add(number);
            }
          });
    }
    return served;
  }

  private static void ports(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    Map<NamespacedName, Set<Integer>> served = served(objects);
    Map<NamespacedName, PortRoute> routes = new HashMap<>();
    objects
        .of(PortRoute.class)
        .filter(route -> !route.isOfDatagrams()) // of UDP no pod says what it serves
        .forEach(route ->
            Objects.name(route.meta().namespace(), route.meta().name())
                .ifPresent(name -> routes.put(name, route)));
    for (TrafficTarget target : objects.of(TrafficTarget.class).toList()) {
      Set<Integer> there =
          Objects.name(target.meta().namespace(), target.destination().name())
              .map(account -> served.getOrDefault(account, Set.of()))
              .orElse(Set.of());
      for (TrafficTarget.Rule rule : target.rules()) {
        PortRoute route =
            Objects.name(target.meta().namespace(), rule.name()).map(routes::get).orElse(null);
        if (route == null
            || !rule.kind().equals(route.ref().kind())
            || there.isEmpty() // nothing is declared: any port may be served
            || isFound(Ground.SERVICE_PORT, route.ref(), objects)) {
          continue;
        }
        Set<Integer> missing = new TreeSet<>(route.ports());
        missing.removeAll(there);
        if (!missing.isEmpty()) {
          found.add(
              Code.TARGET_PORT,
              target.ref().toString(),
              "TCPRoute " + rule.name() + " has " + missing + ", served are " + there);
        }
      }
    }
  }

  private static void same(Facts facts, Sink found) throws NotThereException {
    repeated(
        facts.objects(),
        (first, second) ->
            found.add(
                Code.TARGET_SAME, "TrafficTarget " + second, "grants what " + first + " grants"));
  }

  /** Names of TrafficTargets that grant the same, by the smallest of them. */
  static void repeated(Objects objects, BiConsumer<NamespacedName, NamespacedName> sink) {
    Map<List<Object>, NamespacedName> seen = new HashMap<>();
    Map<NamespacedName, Permission> inOrder = new TreeMap<>();
    objects.snapshot().permissions().forEach(one -> inOrder.put(one.name(), one));
    inOrder.forEach((name, one) -> {
      NamespacedName first =
          seen.putIfAbsent(
              List.of(
                  one.destination(),
                  one.sources(),
                  one.foreignSources(),
                  one.ports(),
                  one.access()),
              name);
      if (first != null) {
        sink.accept(first, name);
      }
    });
  }

  private static void uncalled(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    if (objects.snapshot().settings().permissive()) {
      return;
    }
    Set<NamespacedName> accounts = new TreeSet<>(enrolled(objects));
    objects
        .of(TrafficTarget.class)
        .flatMap(
            target -> Objects.name(target.meta().namespace(), target.destination().name()).stream())
        .forEach(accounts::remove); // where it cannot be used, that is found
    accounts.stream()
        .filter(account -> objects.snapshot().permissionsFor(account).isEmpty())
        .forEach(account ->
            found.add(
                Code.NOBODY_MAY_CALL,
                "ServiceAccount " + account,
                "no TrafficTarget has it for a destination"));
  }
}
