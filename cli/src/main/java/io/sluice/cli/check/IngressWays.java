package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outsider;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.why.WhyQuestion;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What becomes of the calls of an ingress to pods: by the objects, and by the daemon of this node
 * where it has the pod. For one thread and one question.
 *
 * @param steps is told what is worth knowing on the way
 */
record IngressWays(MeshSnapshot snapshot, String node, Asker daemon, IngressInquiry.Steps steps) {
  static final int NO_PORT = 0;

  /** Pairs of addresses that are looked at: a hundred pods, of each family, for five callers. */
  private static final int MOST_WAYS = 1_000;

  /** Asks the daemon of this node. */
  interface Asker {
    /**
     * @throws NotThereException where none answers
     */
    JsonNode why(WhyQuestion question) throws NotThereException;
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

  /** From each address to each of the pods; none to {@link #NO_PORT}. */
  List<Way> ways(List<InetAddress> sources, List<Workload> pods, int port) {
    List<Way> ways = new ArrayList<>();
    Set<String> silent = new LinkedHashSet<>();
    for (Workload pod : pods) {
      boolean isHere = pod.nodeName().map(node::equals).orElse(true);
      if (!isHere) {
        steps.turn(
            "pod "
                + pod.name()
                + " is on node "
                + pod.nodeName().orElse("-")
                + ": what that node has is asked for there",
            "");
      }
      for (InetAddress address : pod.addresses()) {
        for (InetAddress source : sources) {
          if (source.getAddress().length != address.getAddress().length || port == NO_PORT) {
            continue;
          }
          if (ways.size() == MOST_WAYS) {
            steps.stop(
                "no more than " + MOST_WAYS + " pairs of addresses were looked at", "name one pod");
          } else {
            ways.add(way(source, new InetSocketAddress(address, port), pod, isHere, silent));
          }
        }
      }
    }
    silent.forEach(
        text -> steps.turn("the daemon of node " + node + " was not asked: " + text, ""));
    return List.copyOf(ways);
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
      steps.stop(
          "pod " + caller.get().name() + " of the ingress is in the mesh: TrafficTargets decide",
          "sluice why " + caller.get().name() + " " + pod.name() + ":" + to.getPort());
    } else if (!pod.enrolled()) {
      word = Word.IN_THE_CLEAR;
      reason = Reason.SOURCE_NOT_IN_MESH.label();
      steps.stop("pod " + pod.name() + " is not in the mesh: it is open to everybody", "enrol it");
    } else if (pod.interception().inboundPortExclusions().contains(to.getPort())) {
      word = Word.IN_THE_CLEAR;
      reason = Reason.EXCLUDED_PORT.label();
      steps.stop(
          "pod " + pod.name() + " excludes port " + to.getPort() + ": it is open to everybody",
          "take it from the exclusions");
    } else {
      Flow flow = new Flow(null, new InetSocketAddress(source, 0), to).byRequest();
      Verdict bare = Decisions.decideAt(snapshot, pod.name(), flow);
      Outsider shown = Outsider.askedFor(snapshot, bare, to.getPort()).orElse(null);
      Verdict verdict =
          shown == null ? bare : Decisions.decideAt(snapshot, pod.name(), flow.of(shown));
      if (shown != null) {
        steps.turn("what is not " + shown.words() + " is kept out", "");
      }
      boolean ofIngress = verdict.reason() == Reason.INGRESS_BACKEND && isIngress(verdict.rule());
      word = !verdict.isAllowed() ? Word.KEPT_OUT : ofIngress ? Word.LET_IN : Word.IN_THE_CLEAR;
      reason = verdict.reason().label();
      rule = ofIngress ? verdict.rule().map(NamespacedName::toString).orElse("") : "";
      if (word != Word.LET_IN) {
        steps.stop(from + " -> " + pod.name() + ": " + verdict.reason().explanation(), "");
      }
    }
    Word said = asks ? ofNode(from, to, pod, silent) : Word.UNKNOWN;
    if (said != Word.UNKNOWN && said != word && word != Word.UNKNOWN) {
      steps.stop(
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
}
