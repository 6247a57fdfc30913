package io.sluice.control.server;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.rpc.Status;
import io.sluice.await.Await;
import io.sluice.mesh.Marker;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A node's end of the stream of resources, as a test wants it: prompt, slow, or refusing. */
final class FollowingNode
    implements ClientResponseObserver<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  private final boolean prompt;
  private final Map<String, String> versions = new TreeMap<>();
  private final Map<String, MeshObject> objects = new TreeMap<>();
  private final List<DeltaDiscoveryResponse> parts = new ArrayList<>();
  private @Nullable ClientCallStreamObserver<DeltaDiscoveryRequest> out;
  private @Nullable Throwable failure;
  private boolean ended;
  private int changes;
  private long bytes;
  private List<String> refusing = List.of();

  private FollowingNode(boolean prompt) {
    this.prompt = prompt;
  }

  /** Answers every change at once. */
  static FollowingNode prompt(NodeClient node) {
    return begun(node, new FollowingNode(true), Map.of());
  }

  /** The same, with what {@code earlier} had in the end. */
  static FollowingNode again(NodeClient node, FollowingNode earlier) {
    FollowingNode next = new FollowingNode(true);
    next.versions.putAll(earlier.versions);
    next.objects.putAll(earlier.objects);
    return begun(node, next, earlier.versions);
  }

  /** Reads what it is given and never answers by itself. */
  static FollowingNode silent(NodeClient node) {
    return begun(node, new FollowingNode(false), Map.of());
  }

  /** Says nothing yet. */
  static FollowingNode mute(NodeClient node) {
    FollowingNode made = new FollowingNode(false);
    AggregatedDiscoveryServiceGrpc.newStub(node.channel()).deltaAggregatedResources(made);
    return made;
  }

  private static FollowingNode begun(
      NodeClient node, FollowingNode made, Map<String, String> held) {
    AggregatedDiscoveryServiceGrpc.newStub(node.channel()).deltaAggregatedResources(made);
    // In as many messages as there are names.
    held.forEach(
        (name, version) -> made.send(request().putInitialResourceVersions(name, version).build()));
    made.send(hello().build());
    return made;
  }

  static DeltaDiscoveryRequest.Builder request() {
    return DeltaDiscoveryRequest.newBuilder().setTypeUrl(Marker.TYPE_URL);
  }

  static DeltaDiscoveryRequest.Builder hello() {
    return request()
        .setNode(Node.newBuilder().setUserAgentVersion("test"))
        .addResourceNamesSubscribe(Marker.EVERYTHING);
  }

  /** What ends the change of which this is a part, if it is the last one. */
  static Optional<Marker> marker(DeltaDiscoveryResponse part) {
    try {
      return Marker.in(part);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }

  synchronized void send(DeltaDiscoveryRequest request) {
    Objects.requireNonNull(out).onNext(request);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<DeltaDiscoveryRequest> stream) {
    out = stream;
  }

  @Override
  public synchronized void onNext(DeltaDiscoveryResponse part) {
    parts.add(part);
    bytes += part.getSerializedSize();
    if (prompt && marker(part).isPresent()) {
      answer(refusing);
    }
  }

  /** Takes the change that has come, or refuses it by these problems. */
  synchronized void answer(List<String> problems) {
    if (problems.isEmpty()) {
      for (DeltaDiscoveryResponse part : parts) {
        part.getResourcesList().stream()
            .limit(part.getResourcesCount() - marker(part).stream().count())
            .forEach(resource -> {
              versions.put(resource.getName(), resource.getVersion());
              objects.put(resource.getName(), ResourceDecoder.decode(resource));
            });
        part.getRemovedResourcesList()
            .forEach(removed -> {
              versions.remove(removed);
              objects.remove(removed);
            });
      }
    }
    String nonce = parts.getLast().getNonce();
    parts.clear();
    changes++;
    DeltaDiscoveryRequest.Builder answer = request().setResponseNonce(nonce);
    if (!problems.isEmpty()) {
      answer.setErrorDetail(Status.newBuilder().setMessage(String.join("\n", problems)));
    }
    send(answer.build());
  }

  @Override
  public synchronized void onError(Throwable e) {
    failure = e;
    ended = true;
  }

  @Override
  public synchronized void onCompleted() {
    ended = true;
  }

  synchronized void refuseFromNowOn(List<String> problems) {
    refusing = problems;
  }

  synchronized MeshSnapshot snapshot() {
    return MeshSnapshot.of(1, true, objects.values());
  }

  synchronized List<String> holds() {
    return List.copyOf(versions.keySet());
  }

  /** Changes that were answered. */
  synchronized int changes() {
    return changes;
  }

  /** Parts that came and were not answered. */
  synchronized List<DeltaDiscoveryResponse> unanswered() {
    return List.copyOf(parts);
  }

  synchronized long bytes() {
    return bytes;
  }

  synchronized boolean hasEnded() {
    return ended;
  }

  synchronized String reason() {
    return failure instanceof StatusRuntimeException refused
            && refused.getTrailers() != null
            && refused.getTrailers().containsKey(Answers.REASON)
        ? String.valueOf(refused.getTrailers().get(Answers.REASON))
        : String.valueOf(failure);
  }

  FollowingNode awaitChanges(int least) {
    Await.until(least + " changes", () -> changes() >= least || hasEnded());
    return this;
  }

  FollowingNode awaitPod(String name) {
    Await.until(
        "pod " + name,
        () ->
            snapshot().workload(new io.sluice.mesh.NamespacedName("shop", name)).isPresent()
                || hasEnded());
    return this;
  }

  void awaitEnd() {
    Await.until("the stream ends", this::hasEnded);
  }
}
