package io.sluice.node.why;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.why.Destinations.Destination;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Answers in JSON, whose members are told by {@code sluice why --help}. */
record Answers(MeshSnapshot snapshot, NodeView node) {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  ObjectNode json(
      WhyQuestion question,
      Workload source,
      Destination destination,
      List<Fate> fates,
      Optional<Change> change) {
    Kind kind = Why.kind(fates);
    Fate first = decisive(fates);
    ObjectNode answer = JSON.objectNode();
    answer.put("verdict", kind.label());
    answer.put("reason", first.reason().label());
    answer.put("explanation", first.reason().explanation());
    answer.put("status", first.status());
    source(source, answer.putObject("source"));
    ObjectNode to = answer.putObject("destination");
    to.put("asked", question.destination());
    to.put("service", text(destination.serviceOrNull()));
    to.put("authority", destination.authority());
    ArrayNode addresses = to.putArray("addresses");
    destination.called().forEach(each -> addresses.add(IpAddresses.text(each)));
    answer.put("protocol", question.udp() ? "udp" : "tcp");
    answer.put("request", question.isRequest() ? question.method() + " " + question.path() : "-");
    ArrayNode because = answer.putArray("because");
    causes(fates, first).forEach(cause -> cause(cause, because.addObject()));
    ArrayNode ways = answer.putArray("ways");
    fates.forEach(fate -> way(fate, fates.size(), ways.addObject()));
    ArrayNode steps = answer.putArray("steps");
    destination.notes().forEach(note -> steps.addObject().put("mark", "ok").put("text", note));
    first
        .steps()
        .forEach(
            step -> steps.addObject().put("mark", step.mark().label()).put("text", step.text()));
    change.ifPresent(found -> change(found, answer.putObject("change")));
    ArrayNode unknown = answer.putArray("unknown");
    unknown(source, fates).forEach(unknown::add);
    ObjectNode from = answer.putObject("node");
    from.put("name", node.nodeName());
    from.put("daemon", node.isRunning() ? "running" : "not running");
    from.put("snapshotRevision", snapshot.revision());
    from.put("snapshotComplete", snapshot.isComplete());
    return answer;
  }

  /** The one that is told of: of those that do not arrive the one that most calls meet. */
  private static Fate decisive(List<Fate> fates) {
    Comparator<Fate> byShare = Comparator.comparingDouble(Fate::share);
    return fates.stream()
        .filter(fate -> !fate.kind().arrives())
        .max(byShare)
        .orElseGet(() -> fates.stream().max(byShare).orElseThrow());
  }

  private static Set<Cause> causes(List<Fate> fates, Fate first) {
    Set<Cause> causes = new LinkedHashSet<>(first.causes());
    fates.stream()
        .filter(fate -> fate.kind() == first.kind())
        .forEach(fate -> causes.addAll(fate.causes()));
    return causes;
  }

  private void source(Workload source, ObjectNode to) {
    Optional<PodStatus> status = node.pod(source.name());
    to.put("pod", Stranger.addressOf(source).orElseGet(source.name()::toString));
    to.put("node", source.nodeName().orElse("-"));
    to.put("serviceAccount", source.identity().serviceAccountName().toString());
    to.put("enrolled", source.enrolled());
    to.put("netnsCookie", status.map(PodStatus::netnsCookie).orElse(0L));
    to.put("netns", source.netns().orElse("-"));
  }

  private static String text(@Nullable Object valueOrNull) {
    return valueOrNull == null ? "-" : valueOrNull.toString();
  }

  private static void cause(Cause cause, ObjectNode to) {
    to.put("kind", cause.kind());
    to.put("name", cause.name().isEmpty() ? "-" : cause.name());
    to.put("field", cause.field().isEmpty() ? "-" : cause.field());
    to.put("text", cause.text());
  }

  private static void way(Fate fate, int ways, ObjectNode to) {
    InetSocketAddress endpoint = fate.toOrNull();
    to.put("share", ways == 1 ? 1 : Math.round(fate.share() * 1_000) / 1_000.0);
    to.put("endpoint", endpoint == null ? "-" : IpAddresses.text(endpoint));
    to.put("pod", text(fate.podOrNull()));
    to.put("verdict", fate.kind().label());
    to.put("reason", fate.reason().label());
    to.put("mutualTls", fate.mutualTls());
    to.put("http", fate.http());
    to.put("status", fate.status());
  }

  private static void change(Change change, ObjectNode to) {
    to.put("what", change.what());
    to.put("yaml", change.yaml());
    to.put("then", change.then().isEmpty() ? "-" : change.then());
    to.put("scope", change.scope());
    to.put("besides", change.besides());
    ArrayNode pairs = to.putArray("pairs");
    change.pairs().forEach(pairs::add);
  }

  private Set<String> unknown(Workload source, List<Fate> fates) {
    Set<String> unknown = new LinkedHashSet<>();
    fates.forEach(fate -> unknown.addAll(fate.unknown()));
    boolean oneIsHere =
        isHere(source)
            || fates.stream()
                .flatMap(fate -> Optional.ofNullable(fate.podOrNull()).stream())
                .flatMap(name -> snapshot.workload(name).stream())
                .anyMatch(this::isHere);
    if (!oneIsHere && !node.knowsEveryGrant()) {
      unknown.add(
          "TrafficTargets between pods of other nodes: this node is told of those of its own pods"
              + " alone; ask on "
              + Arriving.nodeOf(source));
    }
    if (!node.isRunning()) {
      unknown.add(
          "whatever changed since the daemon of this node ended: this is the snapshot on its disk");
    }
    return unknown;
  }

  private boolean isHere(Workload pod) {
    return pod.nodeName().map(node.nodeName()::equals).orElse(true);
  }
}
