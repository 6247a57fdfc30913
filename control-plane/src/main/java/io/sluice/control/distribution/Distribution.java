package io.sluice.control.distribution;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.control.distribution.ResourceSets.ResourceSet;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.NodeCertificates.Caller;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.limit.BoundedMap;
import io.sluice.control.metrics.DistributionMetrics;
import io.sluice.control.streaming.Coalesced;
import io.sluice.control.streaming.ServedStream;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Every node's way to the newest snapshot. Any thread; nothing here waits for a node. Work is done
 * on virtual threads, of which a node has one only while there is something to send.
 */
public final class Distribution implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Distribution.class.getName());

  private static final int MOST_STATES = 4_096;

  private final NodeCertificates certificates;
  private final DistributionMetrics metrics;
  private final InstantSource clock;
  private final boolean tellsOfEveryPod;
  private final ExecutorService executor =
      Executors.newThreadPerTaskExecutor(
          Thread.ofVirtual().name("sluice-control-distribution-", 0).factory());
  private final Map<String, NodeStream> streams = new ConcurrentHashMap<>();
  private final Map<String, NodeState> states =
      BoundedMap.byUse(MOST_STATES); // guarded by itself; those that changed last are kept
  private final Coalesced builder = coalesced(this::build);
  private ResourceSets sets = new ResourceSets(); // the builder's alone
  private volatile @Nullable MeshSnapshot wanted;
  private volatile @Nullable ResourceSet newest;
  private volatile List<String> problems = List.of();
  private volatile boolean everComplete;
  private volatile boolean asksForTraffic;
  private volatile boolean closed;

  /**
   * With nothing to tell yet.
   *
   * @param tellsOfEveryPod whether a pod that a node is not told of is only not known yet
   */
  public Distribution(
      NodeCertificates certificates,
      DistributionMetrics metrics,
      InstantSource clock,
      boolean tellsOfEveryPod) {
    this.tellsOfEveryPod = tellsOfEveryPod;
    this.certificates = certificates;
    this.metrics = metrics;
    this.clock = clock;
  }

  /**
   * Tells every node, as far as it needs it; returns at once. Of several in a row the last counts.
   */
  public void publish(MeshSnapshot snapshot) {
    if (snapshot.revision() == MeshSnapshot.EMPTY.revision()) {
      return;
    }
    synchronized (builder) { // the registry's thread, and who listens to it from the middle
      MeshSnapshot before = wanted;
      if (before != null && before.revision() > snapshot.revision()) {
        return;
      }
      wanted = snapshot;
    }
    builder.signal();
  }

  private void build() {
    MeshSnapshot target = wanted;
    ResourceSet before = newest;
    if (target == null || (before != null && before.snapshot() == target)) {
      return;
    }
    ResourceSet set = next(target);
    if (!set.problems().isEmpty() && !set.problems().equals(problems)) {
      LOG.log(
          Level.ERROR,
          "objects_not_distributed count={0} first=\"{1}\"",
          set.problems().size(),
          set.problems().getFirst());
    }
    problems = set.problems();
    metrics.unusable(set.problems().size());
    if (!set.isUsable()) {
      return; // every node keeps what it has
    }
    everComplete |= target.isComplete();
    newest = set;
    metrics.revision(set.revision());
    streams.values().forEach(NodeStream::wake);
  }

  private ResourceSet next(MeshSnapshot target) {
    try {
      return sets.next(target);
    } catch (RuntimeException e) {
      sets = new ResourceSets(); // half of the change may be in the old one
      throw e;
    }
  }

  /**
   * Begins the stream of a node; ends an older one of the same node.
   *
   * @param refusals what to end it with, counted and logged
   * @return takes what the node sends
   */
  public ServedStream<DeltaDiscoveryRequest> follow(
      Caller caller,
      ServerCallStreamObserver<DeltaDiscoveryResponse> out,
      Function<RefusedException, StatusRuntimeException> refusals) {
    NodeStream stream = new NodeStream(caller, out, refusals, this);
    boolean isKnown;
    synchronized (states) {
      isKnown = states.containsKey(caller.nodeName());
    }
    if (isKnown) {
      metrics.reconnected();
    }
    NodeStream older = streams.put(caller.nodeName(), stream);
    if (older != null) {
      older.out().refuse(RefusedException.superseded(caller.nodeName()));
    }
    metrics.streams(streams.size());
    if (closed) {
      stream.out().stop();
    }
    return stream;
  }

  /**
   * Ends the streams of nodes whose certificate has ended, or proves them no more, and of those
   * that do not come to the point.
   */
  public void endThoseWithoutProof() {
    for (NodeStream stream : streams.values()) {
      certificates.noLongerProven(stream.caller()).ifPresent(stream.out()::refuse);
      stream.endLongGreeting();
      stream.forgetStaleAnswer();
    }
  }

  /** How each node stands, also after it has gone, in order of name. */
  public List<NodeState> nodes() {
    synchronized (states) {
      return states.values().stream().sorted(Comparator.comparing(NodeState::node)).toList();
    }
  }

  /** As in the newest snapshot. */
  public Optional<Workload> workload(NamespacedName name) {
    ResourceSet set = newest;
    return set == null ? Optional.empty() : set.snapshot().workload(name);
  }

  /** What a node that follows now has acknowledged, in order of name; empty for any other. */
  public Optional<List<Resource>> acknowledged(String node) {
    return Optional.ofNullable(streams.get(node)).map(stream -> stream.acknowledged().inOrder());
  }

  /** From now on nodes count requests by pods, to be asked for that. */
  public void countTraffic() {
    asksForTraffic = true;
    streams.values().forEach(NodeStream::askForTraffic);
  }

  boolean asksForTraffic() {
    return asksForTraffic;
  }

  /**
   * What a node has counted of requests of late; fails where it does not follow, or never comes.
   */
  public CompletableFuture<List<PodTraffic>> traffic(String node) {
    NodeStream stream = streams.get(node);
    return stream == null
        ? CompletableFuture.failedFuture(
            new IllegalStateException("node " + node + " does not follow this controller"))
        : stream.askForTraffic();
  }

  void noted(NodeState state) {
    synchronized (states) {
      states.put(state.node(), state);
    }
  }

  /** Objects that no node is told of, and why. */
  public List<String> problems() {
    return problems;
  }

  /** Whether the stream was the node's newest. */
  boolean forget(NodeStream stream) {
    boolean newestOfNode = streams.remove(stream.caller().nodeName(), stream);
    metrics.streams(streams.size());
    return newestOfNode;
  }

  Coalesced coalesced(Runnable task) {
    return new Coalesced(executor, task);
  }

  @Nullable ResourceSet newest() {
    return newest;
  }

  boolean tellsOfEveryPod() {
    return tellsOfEveryPod;
  }

  boolean wasEverComplete() {
    return everComplete;
  }

  Instant now() {
    return clock.instant();
  }

  DistributionMetrics metrics() {
    return metrics;
  }

  void logRefusal(String node, long revision, List<String> why) {
    LOG.log(
        Level.WARNING,
        "change_refused node={0} revision={1} problems={2} first=\"{3}\"",
        node,
        Long.toString(revision),
        why.size(),
        why.getFirst());
  }

  /** Ends every stream, so that connections can. */
  @Override
  public void close() {
    closed = true;
    streams.values().forEach(stream -> stream.out().stop());
    executor.shutdown();
  }
}
