package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.control.objects.IngressBackend;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.why.WhyQuestion;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Whether an IngressBackend lets an ingress in: what its objects say, and what the daemon of this
 * node makes of them. For one thread and one question.
 */
final class IngressInquiry {
  /** Pairs of addresses that are looked at; an ingress has few pods. */
  private static final int MOST_WAYS = 64;

  private static final int NO_PORT = 0;

  private final Objects objects;
  private final MeshSnapshot snapshot;
  private final Question question;
  private final String node;
  private final Asker daemon;
  private final Set<Step> steps = new LinkedHashSet<>();
  private final List<Way> ways = new ArrayList<>();
  private int port;

  /** Asks the daemon of this node. */
  interface Asker {
    /**
     * @throws NotThereException where none answers
     */
    JsonNode why(WhyQuestion question) throws NotThereException;
  }

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

  /** What becomes of a connection. */
  enum Word {
    LET_IN("let in"),
    /** No IngressBackend has said so. */
    IN_THE_CLEAR("arrives without an IngressBackend"),
    KEPT_OUT("kept out"),
    MIXED("mixed"),
    UNKNOWN("unknown");

    private final String label;

    Word(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  /**
   * Something that was found.
   *
   * @param mark ok, turn (worth knowing) or stop
   * @param mend empty where there is nothing to do
   */
  record Step(String mark, String text, String mend) {}

  /**
   * From one address to one pod.
   *
   * @param word by the objects
   * @param reason as metrics and events have it
   * @param rule name of the IngressBackend that decides; empty where none does
   * @param node what the node's daemon says; {@link Word#UNKNOWN} where it was not asked
   */
  record Way(
      String from,
      String to,
      NamespacedName pod,
      Word word,
      String reason,
      String rule,
      Word node) {}

  /** What is known of it all. */
  record Answer(Word word, String rule, int port, List<Step> steps, List<Way> ways) {
    boolean isGood() {
      return word == Word.LET_IN && steps.stream().noneMatch(step -> step.mark().equals("stop"));
    }
  }

  IngressInquiry(Objects objects, Question question, String node, Asker daemon) {
    this.objects = objects;
    this.snapshot = objects.snapshot();
    this.question = question;
    this.node = node;
    this.daemon = daemon;
  }

  Answer answer() {
    flag();
    Set<Service> services = services();
    List<Workload> pods = pods(services);
    List<InetAddress> sources = sources();
    List<IngressBackend> written = written(services);
    port(services, written);
    named(services, written);
    walk(sources, pods);
    Set<Word> words = new LinkedHashSet<>();
    ways.forEach(way -> words.add(way.word()));
    Set<String> rules = new TreeSet<>();
    ways.stream().map(Way::rule).filter(rule -> !rule.isEmpty()).forEach(rules::add);
    Word word =
        words.isEmpty() ? Word.UNKNOWN : words.size() > 1 ? Word.MIXED : words.iterator().next();
    expected(rules);
    return new Answer(word, String.join(", ", rules), port, List.copyOf(steps), List.copyOf(ways));
  }

  private void ok(String text) {
    steps.add(new Step("ok", text, ""));
  }

  private void turn(String text, String mend) {
    steps.add(new Step("turn", text, mend));
  }

  private void stop(String text, String mend) {
    steps.add(new Step("stop", text, mend));
  }

  private void flag() {
    String path = "spec.featureFlags.enableIngressBackendPolicy";
    objects
        .of(MeshConfig.class)
        .filter(config -> of(config.ref().toString()).stream().noneMatch(IngressInquiry::isNothing))
        .findFirst()
        .ifPresent(config -> {
          if (config.ingressBackends()) {
            ok(path + " of " + config.ref() + " lets IngressBackends count");
          } else {
            stop(
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
        stop("Service " + name + " does not exist", "create it, or name another one");
      }
    } else if (pod != null) {
      List<InetAddress> addresses =
          snapshot.workload(pod).map(Workload::addresses).orElse(List.of());
      snapshot.services().stream()
          .filter(one -> one.name().namespace().equals(pod.namespace()))
          .filter(one -> ends(one).stream().anyMatch(end -> addresses.contains(end.getAddress())))
          .forEach(found::add);
      if (found.isEmpty()) {
        stop(
            "no Service of namespace " + pod.namespace() + " leads to pod " + pod,
            "an IngressBackend names a Service: create one");
      }
    }
    found.forEach(one -> ok("Service " + one.name() + " has the pods' ports " + ports(one)));
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
        stop("Service " + question.backendOrNull() + " leads to no pod", "see its selector");
      }
      return List.copyOf(behind);
    }
    Optional<Workload> pod = snapshot.workload(name);
    if (pod.isEmpty()) {
      stop("pod " + name + " does not exist, or is no pod of the mesh's", "name another one");
    } else if (!services.isEmpty() && !behind.contains(pod.get())) {
      stop(
          "Service " + question.backendOrNull() + " does not lead to pod " + name,
          "name a pod that its selector means");
    }
    return pod.stream().toList();
  }

  private List<InetAddress> sources() {
    Cidr range = question.rangeOrNull();
    if (range != null) {
      ok("the ingress calls from " + range);
      if (!last(range).equals(range.network())) {
        turn(
            "of " + range + " the first and the last address are looked at",
            "ask for its parts too");
      }
      return List.copyOf(new LinkedHashSet<>(List.of(range.network(), last(range))));
    }
    NamespacedName name = question.serviceOrNull();
    Optional<Service> service = name == null ? Optional.empty() : snapshot.service(name);
    if (service.isEmpty()) {
      stop(
          "Service " + name + " of the ingress does not exist",
          "name the Service of the ingress controller's pods");
      return List.of();
    }
    List<InetAddress> found =
        ends(service.get()).stream().map(InetSocketAddress::getAddress).distinct().toList();
    if (found.isEmpty()) {
      stop(
          "Service " + name + " has no endpoints: from where its pods call is not known",
          "see its selector, and whether its pods run");
    } else {
      ok(
          "the ingress calls from the endpoints of Service "
              + name
              + ": "
              + String.join(", ", found.stream().map(IpAddresses::text).toList()));
    }
    return found;
  }

  private static InetAddress last(Cidr range) {
    byte[] bytes = range.network().getAddress();
    for (int bit = range.prefixLength(); bit < bytes.length * 8; bit++) {
      bytes[bit / 8] |= (byte) (0x80 >> (bit % 8));
    }
    return IpAddresses.of(bytes);
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
    if (port == NO_PORT) {
      Set<Integer> choice = new TreeSet<>();
      written.forEach(one -> choice.addAll(ports(one, services)));
      if (choice.isEmpty()) {
        services.forEach(service -> choice.addAll(ports(service)));
      }
      if (choice.isEmpty()) {
        return;
      }
      port = choice.iterator().next();
      ok("port " + port + " was taken, of " + choice);
    }
    if (!services.isEmpty() && services.stream().noneMatch(one -> ports(one).contains(port))) {
      stop(
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
      stop(
          "no IngressBackend of namespace "
              + question.namespace()
              + " names port "
              + port
              + " of Service "
              + services.iterator().next().name().name(),
          "write one, with the ingress among its sources");
    }
    for (IngressBackend one : meant) {
      ok(one.ref() + " is for port " + port);
      for (Finding finding : of(one.ref().toString())) {
        String text =
            one.ref()
                + (finding.field().isEmpty() ? "" : " " + finding.field())
                + ": "
                + finding.reason();
        steps.add(new Step(finding.level() == Level.ERROR ? "stop" : "turn", text, finding.mend()));
      }
    }
  }

  private void walk(List<InetAddress> sources, List<Workload> pods) {
    Set<String> silent = new LinkedHashSet<>();
    for (Workload pod : pods) {
      boolean isHere = pod.nodeName().map(node::equals).orElse(true);
      if (!isHere) {
        turn(
            "pod "
                + pod.name()
                + " is on node "
                + pod.nodeName().orElse("-")
                + ": what that node has is asked for there",
            "");
      }
      for (InetAddress address : pod.addresses()) {
        for (InetAddress source : sources) {
          if (source.getAddress().length == address.getAddress().length
              && port != NO_PORT
              && ways.size() < MOST_WAYS) {
            ways.add(way(source, new InetSocketAddress(address, port), pod, isHere, silent));
          }
        }
      }
    }
    if (ways.size() == MOST_WAYS) {
      turn("no more than " + MOST_WAYS + " pairs of addresses were looked at", "name one pod");
    }
    silent.forEach(text -> turn("the daemon of node " + node + " was not asked: " + text, ""));
  }

  private Way way(
      InetAddress source, InetSocketAddress to, Workload pod, boolean asks, Set<String> silent) {
    String from = IpAddresses.text(source);
    Word word;
    String reason;
    String rule = "";
    Optional<Workload> caller = snapshot.workloadAt(source).filter(Workload::enrolled);
    if (caller.isPresent()) {
      word = Word.UNKNOWN;
      reason = Reason.TRAFFIC_TARGET.label();
      stop(
          "pod " + caller.get().name() + " of the ingress is in the mesh: TrafficTargets decide",
          "sluice why " + caller.get().name() + " " + pod.name() + ":" + to.getPort());
    } else if (!pod.enrolled()) {
      word = Word.IN_THE_CLEAR;
      reason = Reason.SOURCE_NOT_IN_MESH.label();
      stop("pod " + pod.name() + " is not in the mesh: it is open to everybody", "enrol it");
    } else if (pod.interception().inboundPortExclusions().contains(to.getPort())) {
      word = Word.IN_THE_CLEAR;
      reason = Reason.EXCLUDED_PORT.label();
      stop(
          "pod " + pod.name() + " excludes port " + to.getPort() + ": it is open to everybody",
          "take it from the exclusions");
    } else {
      Flow flow = new Flow(null, new InetSocketAddress(source, 0), to).byRequest();
      Verdict verdict = Decisions.decideAt(snapshot, pod.name(), flow);
      boolean ofIngress = verdict.reason() == Reason.INGRESS_BACKEND && isIngress(verdict.rule());
      word = !verdict.isAllowed() ? Word.KEPT_OUT : ofIngress ? Word.LET_IN : Word.IN_THE_CLEAR;
      reason = verdict.reason().label();
      rule = ofIngress ? verdict.rule().map(NamespacedName::toString).orElse("") : "";
      if (word != Word.LET_IN) {
        stop(from + " -> " + pod.name() + ": " + verdict.reason().explanation(), "");
      }
    }
    Word said = asks ? ofNode(from, to, pod, silent) : Word.UNKNOWN;
    if (said != Word.UNKNOWN && said != word && word != Word.UNKNOWN) {
      stop(
          "node " + node + " says otherwise of " + from + " -> " + pod.name() + ": " + said.label(),
          "see whether it follows the objects: sluice check");
    }
    return new Way(from, IpAddresses.text(to), pod.name(), word, reason, rule, said);
  }

  private boolean isIngress(Optional<NamespacedName> rule) {
    return snapshot.all(Kind.INGRESS).stream()
        .filter(one -> one.origin() == Ingress.Origin.INGRESS_BACKEND)
        .anyMatch(one -> rule.filter(one.name()::equals).isPresent());
  }

  private Word ofNode(String from, InetSocketAddress to, Workload pod, Set<String> silent) {
    try {
      JsonNode answer =
          daemon.why(new WhyQuestion(from, pod.name() + ":" + to.getPort(), "", "", Map.of()));
      boolean arrives =
          List.of("allowed", "in the clear").contains(answer.path("verdict").asText());
      boolean named = answer.path("because").findValuesAsText("kind").contains("IngressBackend");
      return !arrives ? Word.KEPT_OUT : named ? Word.LET_IN : Word.IN_THE_CLEAR;
    } catch (NotThereException e) {
      silent.add(String.valueOf(e.getMessage()));
      return Word.UNKNOWN;
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
      stop("IngressBackend " + whole + " does not exist", "create it");
    } else if (!rules.equals(Set.of(whole))) {
      stop("IngressBackend " + whole + " is not the one that decides", "");
    }
  }
}
