package io.sluice.control.distribution;

import com.google.protobuf.Value;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.api.traffic.v1.TrafficReport;
import io.sluice.control.distribution.ResourceSets.ResourceSet;
import io.sluice.control.issuing.NodeCertificates.Caller;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.streaming.Coalesced;
import io.sluice.control.streaming.Outgoing;
import io.sluice.control.streaming.ServedStream;
import io.sluice.mesh.Marker;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Printable;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.TrafficCodec;
import io.sluice.mesh.Version;
import io.sluice.mesh.WireLimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The stream of one node. It remembers what the node has, and the one change that is under way;
 * parts are made when the connection takes them. Any thread; the lock is this stream's alone.
 */
final class NodeStream implements ServedStream<DeltaDiscoveryRequest> {
  private static final int LONGEST_SOFTWARE = 64;
  private static final int LONGEST_SENTENCE = 256;

  /** Of all names that a node says it holds: as many as may be, each of a pod's usual length. */
  private static final int MOST_HELD_CHARACTERS = 8 << 20;

  /** For a node to say what it holds; the largest does so in some 150 messages. */
  private static final Duration GREETING = Duration.ofMinutes(2);

  private final Caller caller;
  private final Outgoing<DeltaDiscoveryResponse> out;
  private final Distribution distribution;
  private final Coalesced pump;
  private final Map<ResourceKey, Resource> held = new HashMap<>(); // until it has subscribed
  private final long beganNanos = System.nanoTime();
  private int heldCharacters;
  private boolean subscribed;
  private NodeResources acknowledged = NodeResources.NOTHING;
  private int resources; // of what is acknowledged
  private boolean acknowledgedComplete;
  private boolean answered;
  private @Nullable ResourceSet considered;
  private @Nullable Change change;
  private long nonces;
  private boolean countsTraffic;
  private @Nullable Question asked; // the latest
  private NodeState state;

  NodeStream(
      Caller caller,
      ServerCallStreamObserver<DeltaDiscoveryResponse> out,
      Function<RefusedException, StatusRuntimeException> refusals,
      Distribution distribution) {
    this.caller = caller;
    this.out = new Outgoing<>(out, refusals, this::left);
    this.distribution = distribution;
    this.pump = distribution.coalesced(this::pump);
    this.state = NodeState.fresh(caller.nodeName(), "", "");
  }

  /** Ends it where the node takes too long to say what it holds, which is kept until then. */
  void endLongGreeting() {
    boolean greets;
    synchronized (this) {
      greets = !subscribed;
    }
    if (greets && System.nanoTime() - beganNanos > GREETING.toNanos()) {
      out.refuse(
          malformed(
              "the node has not subscribed within " + GREETING.toSeconds() + " s",
              "look at its log"));
    }
  }

  Caller caller() {
    return caller;
  }

  synchronized NodeResources acknowledged() {
    return acknowledged;
  }

  /** What is sent, and how it ends. */
  Outgoing<?> out() {
    return out;
  }

  @Override
  public void wake() {
    pump.signal();
  }

  @Override
  public void onNext(DeltaDiscoveryRequest request) {
    try {
      take(request);
    } catch (RefusedException e) {
      out.refuse(e);
    }
  }

  private synchronized void take(DeltaDiscoveryRequest request) {
    if (out.isEnded()) {
      return;
    }
    if (request.getTypeUrl().equals(TrafficCodec.TYPE_URL)) {
      reported(request);
      return;
    }
    if (!request.getTypeUrl().equals(Marker.TYPE_URL)) {
      throw new RefusedException(
          RefusalReason.FORMAT_UNKNOWN,
          "the node reads "
              + Printable.text(request.getTypeUrl(), LONGEST_SENTENCE)
              + ", the controller writes "
              + Marker.TYPE_URL,
          "bring node and controller to releases that share a format");
    }
    if (subscribed && request.hasNode()) {
      update(state.troubled(troubled(request.getNode())));
    } else if (subscribed) {
      answered(request);
    } else {
      greeted(request);
    }
    pump();
  }

  private void greeted(DeltaDiscoveryRequest request) {
    if (!request.getResponseNonce().isEmpty()) {
      throw malformed(
          "a node begins with what it holds, and answers later", "use a node of this release");
    }
    if (request.hasNode()) {
      Node node = request.getNode();
      countsTraffic = node.getMetadata().containsFields(TrafficCodec.KNOWN);
      String interception =
          node.getMetadata()
              .getFieldsMap()
              .getOrDefault(Marker.INTERCEPTION, Value.getDefaultInstance())
              .getStringValue();
      update(
          NodeState.fresh(
              caller.nodeName(),
              printable(node.getUserAgentVersion(), LONGEST_SOFTWARE),
              printable(interception, LONGEST_SENTENCE)));
    }
    request.getInitialResourceVersionsMap().forEach(this::hold);
    if (request.getResourceNamesSubscribeList().contains(Marker.EVERYTHING)) {
      acknowledged = NodeResources.held(held);
      resources = held.size();
      held.clear();
      subscribed = true;
      update(state);
      if (distribution.asksForTraffic()) { // before the first change: so it knows that it is asked
        var _ = askForTraffic();
      }
    }
  }

  private void hold(String name, String version) {
    heldCharacters += name.length();
    if (name.length() > WireLimits.NAME_CHARACTERS
        || version.length() > Version.CHARACTERS
        || heldCharacters > MOST_HELD_CHARACTERS
        || held.size() >= WireLimits.RESOURCES) {
      throw malformed(
          "the node says it holds names or versions that are too long or too many",
          "let it begin without what it holds");
    }
    held.put(
        ResourceKey.parse(name), Resource.newBuilder().setName(name).setVersion(version).build());
  }

  /** As it says, in bounds. */
  private static Map<NamespacedName, String> troubled(Node node) {
    Map<NamespacedName, String> pods = new HashMap<>();
    node.getMetadata()
        .getFieldsOrDefault(Marker.TROUBLED, Value.getDefaultInstance())
        .getStructValue()
        .getFieldsMap()
        .forEach((name, problem) -> {
          if (name.length() > WireLimits.NAME_CHARACTERS || pods.size() >= Marker.MOST_TROUBLED) {
            throw malformed(
                "the node tells of pods that are too many or have names that are too long",
                "use a node of this release");
          }
          try {
            pods.put(
                NamespacedName.parse(name),
                Printable.text(problem.getStringValue(), Marker.TROUBLE_CHARACTERS));
          } catch (IllegalArgumentException e) {
            throw malformed(
                "the node tells of no pod: " + e.getMessage(), "use a node of this release");
          }
        });
    return pods;
  }

  /**
   * What the node has counted of requests of late, as it said within the last second or says now;
   * it is not asked more often, whoever wants to know. Never, where it cannot say.
   */
  synchronized CompletableFuture<List<PodTraffic>> askForTraffic() {
    Question known = asked;
    if (known != null && known.isFresh()) {
      return known.answer;
    }
    if (!subscribed || !countsTraffic || out.isEnded()) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("node " + caller.nodeName() + " counts nothing to be asked"));
    }
    Question next = new Question(Long.toString(++nonces));
    asked = next;
    out.send(TrafficCodec.question(next.nonce));
    return next.answer;
  }

  /** Lets go of an answer that nobody gets any more. */
  synchronized void forgetStaleAnswer() {
    Question known = asked;
    if (known != null && known.answer.isDone() && !known.isFresh()) {
      asked = null;
    }
  }

  private void reported(DeltaDiscoveryRequest part) {
    Question question = asked;
    if (question == null || !part.getResponseNonce().equals(question.nonce)) {
      return; // to one that nobody waits for any more
    }
    try {
      question.take(TrafficCodec.report(part));
    } catch (IllegalArgumentException e) {
      throw malformed(
          "the node tells nonsense of requests: " + e.getMessage(), "use a node of this release");
    }
  }

  /** One at a time to a node; its stream's lock is held. */
  private static final class Question {
    private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final String nonce;
    private final long askedNanos = System.nanoTime();
    private final List<PodTraffic> come = new ArrayList<>();
    private int bytes;
    private long requests;
    private final CompletableFuture<List<PodTraffic>> answer = new CompletableFuture<>();

    Question(String nonce) {
      this.nonce = nonce;
    }

    boolean isFresh() {
      return System.nanoTime() - askedNanos < (answer.isDone() ? FRESH_NANOS : PATIENCE_NANOS);
    }

    void take(TrafficReport part) {
      bytes += part.getSerializedSize();
      if (come.size() + part.getTrafficCount() > TrafficCodec.MOST
          || bytes > 2 * TrafficCodec.MOST_BYTES) { // with what frames it
        throw new IllegalArgumentException("more than a node tells");
      }
      for (PodTraffic each : part.getTrafficList()) {
        requireCount(each.getFailed());
        each.getDurationsMap()
            .forEach((micros, count) -> {
              requireCount(micros);
              requireCount(count);
              requests += count;
              requireCount(requests);
            });
      }
      come.addAll(part.getTrafficList());
      if (part.getLast()) {
        answer.complete(List.copyOf(come));
      }
    }

    /** Numbers of the protocol have no sign, those of Java have. */
    private static void requireCount(long number) {
      if (number < 0 || number > TrafficCodec.MOST_COUNTED) {
        throw new IllegalArgumentException("no node counts as many as " + number);
      }
    }
  }

  private static String printable(String text, int longest) {
    return text.substring(0, Math.min(text.length(), longest)).replaceAll("[^\\x20-\\x7e]", "?");
  }

  private void answered(DeltaDiscoveryRequest answer) {
    Change sent = change;
    if (sent == null || !sent.sent || !answer.getResponseNonce().equals(sent.nonce)) {
      throw malformed(
          "the answer is to no change that was sent as a whole", "use a node of this release");
    }
    change = null;
    answered = true;
    if (!answer.hasErrorDetail()) {
      acknowledged = sent.target;
      resources += sent.delta.grows();
      acknowledgedComplete = sent.set.snapshot().isComplete();
      inForce(sent.set);
      long now = System.nanoTime();
      distribution.metrics().acknowledged(now - sent.set.madeNanos(), now - sent.madeNanos);
    } else {
      List<String> problems =
          answer
              .getErrorDetail()
              .getMessage()
              .lines()
              .limit(WireLimits.PROBLEMS)
              .map(problem -> Printable.text(problem, WireLimits.PROBLEM_CHARACTERS))
              .toList();
      update(state.refused(problems.isEmpty() ? List.of("the node does not say why") : problems));
      distribution.metrics().refused(System.nanoTime() - sent.madeNanos);
      distribution.logRefusal(caller.nodeName(), sent.set.revision(), state.problems());
    }
  }

  private synchronized void pump() {
    while (subscribed && out.isReady()) {
      Change sending = change;
      if (sending == null) {
        sending = next();
        change = sending;
      }
      if (sending == null || sending.sent) {
        return;
      }
      DeltaDiscoveryResponse part = sending.next();
      out.send(part);
      distribution
          .metrics()
          .sent(part.getResourcesCount() - (sending.sent ? 1 : 0), part.getSerializedSize());
    }
  }

  /** The way to the newest snapshot; null where the node is there, or has refused it. */
  private @Nullable Change next() {
    ResourceSet newest = distribution.newest();
    if (newest == null || newest == considered) {
      return null;
    }
    considered = newest;
    NodeResources target = newest.resourcesOf(caller.nodeName());
    if (!distribution.wasEverComplete()) {
      // What a registry lacks that was never read as a whole may be there: nothing is taken away.
      target = target.with(acknowledged);
    }
    NodeResources.Delta delta = NodeResources.Delta.between(acknowledged, target);
    if (answered && delta.isEmpty() && newest.snapshot().isComplete() == acknowledgedComplete) {
      acknowledged = target;
      inForce(newest);
      return null;
    }
    update(state.sent(newest.revision()));
    return new Change(
        Long.toString(++nonces), newest, target, delta, distribution.tellsOfEveryPod());
  }

  private void inForce(ResourceSet set) {
    update(state.inForce(set.revision(), distribution.now(), resources));
  }

  private void update(NodeState next) {
    state = next;
    distribution.noted(next);
  }

  private static RefusedException malformed(String problem, String mend) {
    return new RefusedException(RefusalReason.STREAM_MALFORMED, problem, mend);
  }

  @Override
  public void onError(Throwable failure) {
    out.gone();
  }

  @Override
  public void onCompleted() {
    out.complete();
  }

  private void left() {
    synchronized (this) {
      if (asked != null) {
        asked.answer.completeExceptionally(
            new IllegalStateException("node " + caller.nodeName() + " has gone"));
      }
      change = null;
      acknowledged = NodeResources.NOTHING;
      considered = null;
    }
    if (distribution.forget(this)) {
      distribution.noted(state.gone());
    }
  }

  /** One change on its way to one node, part by part. One thread at a time. */
  private static final class Change {
    private final String nonce;
    private final ResourceSet set;
    private final NodeResources target;
    private final NodeResources.Delta delta;
    private final Marker marker;
    private final long madeNanos = System.nanoTime();
    private int nextChanged;
    private int nextRemoved;
    private boolean sent;

    /**
     * @param target what the node has when it has applied this
     * @param tellsOfEveryPod of the registry: whether a pod that is missing is only not known yet
     */
    Change(
        String nonce,
        ResourceSet set,
        NodeResources target,
        NodeResources.Delta delta,
        boolean tellsOfEveryPod) {
      this.nonce = nonce;
      this.set = set;
      this.target = target;
      this.delta = delta;
      this.marker = new Marker(set.revision(), set.snapshot().isComplete(), tellsOfEveryPod);
    }

    /** The next part; there is one at least. */
    DeltaDiscoveryResponse next() {
      var part = DeltaDiscoveryResponse.newBuilder().setTypeUrl(Marker.TYPE_URL).setNonce(nonce);
      int entries = 0;
      int bytes = 0;
      while (nextChanged < delta.changed().size() && entries < WireLimits.RESOURCES_PER_PART) {
        Resource resource = delta.changed().get(nextChanged);
        bytes += resource.getResource().getValue().size();
        if (entries > 0 && bytes > WireLimits.PART_CONTENT_BYTES) {
          break;
        }
        part.addResources(resource);
        nextChanged++;
        entries++;
      }
      while (nextChanged == delta.changed().size()
          && nextRemoved < delta.removed().size()
          && entries < WireLimits.RESOURCES_PER_PART) {
        part.addRemovedResources(delta.removed().get(nextRemoved).toString());
        nextRemoved++;
        entries++;
      }
      if (nextChanged == delta.changed().size() && nextRemoved == delta.removed().size()) {
        part.addResources(marker.resource());
        sent = true;
      }
      return part.build();
    }
  }
}
