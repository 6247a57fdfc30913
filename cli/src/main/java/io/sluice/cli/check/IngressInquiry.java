package io.sluice.cli.check;

import io.sluice.cli.check.IngressWays.Way;
import io.sluice.cli.check.IngressWays.Word;
import io.sluice.control.objects.IngressBackend;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Whether an IngressBackend lets an ingress in: what its objects say, and what becomes of its
 * calls. For one thread and one question.
 */
final class IngressInquiry {
  private final Objects objects;
  private final MeshSnapshot snapshot;
  private final Question question;
  private final Steps steps = new Steps();
  private final IngressWays walk;
  private int port;

  /**
   * What is asked.
   *
   * @param serviceOrNull whose pods are the ingress; null where {@code rangeOrNull} is it
   * @param podOrNull called; null for every pod of {@code backendOrNull}
   * @param backendOrNull Service called; null for any that leads to the pod
   * @param port of the pods; 0 for that of the IngressBackends
   * @param ingressOrNull name of the IngressBackend that is to let it in; null for any
   */
  record Question(
      @Nullable NamespacedName serviceOrNull,
      @Nullable Cidr rangeOrNull,
      @Nullable NamespacedName podOrNull,
      @Nullable NamespacedName backendOrNull,
      int port,
      @Nullable String ingressOrNull) {
    String source() {
      return serviceOrNull == null ? String.valueOf(rangeOrNull) : "Service " + serviceOrNull;
    }

    /** Of the backend, and so of its IngressBackend. */
    String namespace() {
      NamespacedName any = backendOrNull == null ? podOrNull : backendOrNull;
      return any == null ? "" : any.namespace();
    }
  }

  /**
   * Something that was found.
   *
   * @param mark ok, turn (worth knowing) or stop
   * @param mend empty where there is nothing to do
   */
  record Step(String mark, String text, String mend) {}

  /** What was found so far, in order, each thing once. */
  static final class Steps {
    private final Set<Step> found = new LinkedHashSet<>();

    void ok(String text) {
      add("ok", text, "");
    }

    void turn(String text, String mend) {
      add("turn", text, mend);
    }

    void stop(String text, String mend) {
      add("stop", text, mend);
    }

    void add(String mark, String text, String mend) {
      found.add(new Step(mark, text, mend));
    }

    List<Step> found() {
      return List.copyOf(found);
    }
  }

  /** What is known of it all. */
  record Answer(Word word, String rule, int port, List<Step> steps, List<Way> ways) {
    boolean isGood() {
      return word == Word.LET_IN && steps.stream().noneMatch(step -> step.mark().equals("stop"));
    }
  }

  IngressInquiry(Objects objects, Question question, String node, IngressWays.Asker daemon) {
    this.objects = objects;
    this.snapshot = objects.snapshot();
    this.question = question;
    this.walk = new IngressWays(snapshot, node, daemon, steps);
  }

  Answer answer() {
    flag();
    Set<Service> services = services();
    List<Workload> pods = pods(services);
    List<InetAddress> sources = sources();
    List<IngressBackend> written = written(services);
    port(services, written);
    named(services, written);
    List<Way> ways = walk.ways(sources, pods, port);
    Set<Word> words = new LinkedHashSet<>();
    ways.forEach(way -> words.add(way.word()));
    Set<String> rules = new TreeSet<>();
    ways.stream().map(Way::rule).filter(rule -> !rule.isEmpty()).forEach(rules::add);
    Word word =
        words.isEmpty() ? Word.UNKNOWN : words.size() > 1 ? Word.MIXED : words.iterator().next();
    expected(rules);
    return new Answer(word, String.join(", ", rules), port, steps.found(), ways);
  }

  private void flag() {
    String path = "spec.featureFlags.enableIngressBackendPolicy";
    objects
        .of(MeshConfig.class)
        .filter(config -> of(config.ref().toString()).stream().noneMatch(IngressInquiry::isNothing))
        .findFirst()
        .ifPresent(config -> {
          if (config.ingressBackends()) {
            steps.ok(path + " of " + config.ref() + " lets IngressBackends count");
          } else {
            steps.stop(
                path + " of " + config.ref() + " is false: no IngressBackend counts",
                "remove the flag, or set it to true");
          }
        });
  }

  /** What the compiler says of an object. */
  private List<Finding> of(String object) {
    return objects.findings().stream().filter(one -> one.object().equals(object)).toList();
  }

  private static boolean isNothing(Finding finding) {
    return finding.level() == Level.ERROR && finding.field().isEmpty();
  }

  private Set<Service> services() {
    NamespacedName name = question.backendOrNull();
    NamespacedName pod = question.podOrNull();
    Set<Service> found = new LinkedHashSet<>();
    if (name != null) {
      snapshot.service(name).ifPresent(found::add);
      if (found.isEmpty()) {
        steps.stop("Service " + name + " does not exist", "create it, or name another one");
      }
    } else if (pod != null) {
      List<InetAddress> addresses =
          snapshot.workload(pod).map(Workload::addresses).orElse(List.of());
      snapshot.services().stream()
          .filter(one -> one.name().namespace().equals(pod.namespace()))
          .filter(one -> ends(one).stream().anyMatch(end -> addresses.contains(end.getAddress())))
          .forEach(found::add);
      if (found.isEmpty()) {
        steps.stop(
            "no Service of namespace " + pod.namespace() + " leads to pod " + pod,
            "an IngressBackend names a Service: create one");
      }
    }
    found.forEach(one -> steps.ok("Service " + one.name() + " has the pods' ports " + ports(one)));
    return found;
  }

  private static List<InetSocketAddress> ends(Service service) {
    return service.ports().stream()
        .flatMap(one -> one.endpoints().stream())
        .map(one -> one.address())
        .toList();
  }

  private static Set<Integer> ports(Service service) {
    Set<Integer> ports = new TreeSet<>();
    ends(service).forEach(end -> ports.add(end.getPort()));
    return ports;
  }

  private List<Workload> pods(Collection<Service> services) {
    Set<Workload> behind = new LinkedHashSet<>();
    for (Service service : services) {
      ends(service).forEach(end -> snapshot.workloadAt(end.getAddress()).ifPresent(behind::add));
    }
    NamespacedName name = question.podOrNull();
    if (name == null) {
      if (behind.isEmpty() && !services.isEmpty()) {
        steps.stop("Service " + question.backendOrNull() + " leads to no pod", "see its selector");
      }
      return List.copyOf(behind);
    }
    Optional<Workload> pod = snapshot.workload(name);
    if (pod.isEmpty()) {
      steps.stop("pod " + name + " does not exist, or is no pod of the mesh's", "name another one");
    } else if (!services.isEmpty() && !behind.contains(pod.get())) {
      steps.stop(
          "Service " + question.backendOrNull() + " does not lead to pod " + name,
          "name a pod that its selector means");
    }
    return pod.stream().toList();
  }

  private List<InetAddress> sources() {
    Cidr range = question.rangeOrNull();
    if (range != null) {
      steps.ok("the ingress calls from " + range);
      List<InetAddress> parts = RangeParts.of(snapshot, question.namespace(), range);
      if (parts.size() > 1) {
        steps.ok(
            "%d parts of %s are told apart; an address of each is looked at"
                .formatted(parts.size(), range));
      }
      return parts;
    }
    NamespacedName name = question.serviceOrNull();
    Optional<Service> service = name == null ? Optional.empty() : snapshot.service(name);
    if (service.isEmpty()) {
      steps.stop(
          "Service " + name + " of the ingress does not exist",
          "name the Service of the ingress controller's pods");
      return List.of();
    }
    List<InetAddress> found =
        ends(service.get()).stream().map(InetSocketAddress::getAddress).distinct().toList();
    if (found.isEmpty()) {
      steps.stop(
          "Service " + name + " has no endpoints: from where its pods call is not known",
          "see its selector, and whether its pods run");
    } else {
      steps.ok(
          "the ingress calls from the endpoints of Service "
              + name
              + ": "
              + String.join(", ", found.stream().map(IpAddresses::text).toList()));
    }
    return found;
  }

  /** Those that name one of the Services; not AccessControls, which are read alike. */
  private List<IngressBackend> written(Collection<Service> services) {
    return objects
        .of(IngressBackend.class)
        .filter(one -> one.origin() == Ingress.Origin.INGRESS_BACKEND)
        .filter(one -> one.meta().namespace().equals(question.namespace()))
        .filter(one -> !ports(one, services).isEmpty())
        .toList();
  }

  /** Ports that it names of one of the Services. */
  private static Set<Integer> ports(IngressBackend one, Collection<Service> services) {
    Set<Integer> ports = new TreeSet<>();
    for (IngressBackend.Backend to : one.backends()) {
      if (services.stream().anyMatch(service -> service.name().name().equals(to.name()))) {
        ports.add(to.port());
      }
    }
    return ports;
  }

  /** Which port is meant, and whether it is one of the pods'. */
  private void port(Collection<Service> services, List<IngressBackend> written) {
    port = question.port();
    if (port == IngressWays.NO_PORT) {
      Set<Integer> choice = new TreeSet<>();
      written.forEach(one -> choice.addAll(ports(one, services)));
      if (choice.isEmpty()) {
        services.forEach(service -> choice.addAll(ports(service)));
      }
      if (choice.isEmpty()) {
        return;
      }
      port = choice.iterator().next();
      steps.ok("port " + port + " was taken, of " + choice);
    }
    if (!services.isEmpty() && services.stream().noneMatch(one -> ports(one).contains(port))) {
      steps.stop(
          "no pod of Service " + services.iterator().next().name() + " has port " + port,
          services.stream().anyMatch(one -> one.port(port).isPresent())
              ? "it is the Service's own: name the port of the pods, its targetPort"
              : "name one of the ports of its pods");
    }
  }

  /** What is said of the IngressBackends for that port. */
  private void named(Collection<Service> services, List<IngressBackend> written) {
    List<IngressBackend> meant =
        written.stream().filter(one -> ports(one, services).contains(port)).toList();
    if (meant.isEmpty() && !services.isEmpty()) {
      steps.stop(
          "no IngressBackend of namespace "
              + question.namespace()
              + " names port "
              + port
              + " of Service "
              + services.iterator().next().name().name(),
          "write one, with the ingress among its sources");
    }
    for (IngressBackend one : meant) {
      steps.ok(one.ref() + " is for port " + port);
      for (Finding finding : of(one.ref().toString())) {
        String text =
            one.ref()
                + (finding.field().isEmpty() ? "" : " " + finding.field())
                + ": "
                + finding.reason();
        steps.add(finding.level() == Level.ERROR ? "stop" : "turn", text, finding.mend());
      }
    }
  }

  /** The one that was named should be the one that decides. */
  private void expected(Set<String> rules) {
    String name = question.ingressOrNull();
    if (name == null) {
      return;
    }
    String whole = question.namespace() + "/" + name;
    boolean isThere =
        objects
            .of(IngressBackend.class)
            .anyMatch(one -> one.ref().toString().equals("IngressBackend " + whole));
    if (!isThere) {
      steps.stop("IngressBackend " + whole + " does not exist", "create it");
    } else if (!rules.equals(Set.of(whole))) {
      steps.stop("IngressBackend " + whole + " is not the one that decides", "");
    }
  }
}
