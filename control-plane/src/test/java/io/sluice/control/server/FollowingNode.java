package io.sluice.control.server;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.sluice.api.discovery.v1.Answer;
import io.sluice.api.discovery.v1.DiscoveryGrpc;
import io.sluice.api.discovery.v1.FollowRequest;
import io.sluice.api.discovery.v1.FollowResponse;
import io.sluice.api.discovery.v1.Held;
import io.sluice.api.discovery.v1.Hello;
import io.sluice.api.discovery.v1.ResourceType;
import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceDecoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.SnapshotAssembly;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A node's end of the stream of resources, as a test wants it: prompt, slow, or refusing. */
final class FollowingNode implements ClientResponseObserver<FollowRequest, FollowResponse> {
  private final boolean prompt;
  private final Map<ResourceKey, Long> versions = new TreeMap<>();
  private final Map<ResourceKey, MeshResource> objects = new TreeMap<>();
  private final List<FollowResponse> parts = new ArrayList<>();
  private @Nullable ClientCallStreamObserver<FollowRequest> out;
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
    DiscoveryGrpc.newStub(node.channel()).follow(made);
    return made;
  }

  private static FollowingNode begun(
      NodeClient node, FollowingNode made, Map<ResourceKey, Long> held) {
    DiscoveryGrpc.newStub(node.channel()).follow(made);
    Map<ResourceType, Held.Builder> byType = new EnumMap<>(ResourceType.class);
    held.forEach((key, version) ->
        byType
            .computeIfAbsent(key.type(), type -> Held.newBuilder().setType(type))
            .putVersions(key.name(), version));
    // In as many messages as there are types.
    byType.values().forEach(one -> made.send(hello().addHeld(one).setMoreFollow(true)));
    made.send(hello());
    return made;
  }

  static Hello.Builder hello() {
    return Hello.newBuilder().setFormat(1).setSoftware("test");
  }

  void send(Hello.Builder hello) {
    send(FollowRequest.newBuilder().setHello(hello).build());
  }

  synchronized void send(FollowRequest request) {
    Objects.requireNonNull(out).onNext(request);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<FollowRequest> stream) {
    out = stream;
  }

  @Override
  public synchronized void onNext(FollowResponse part) {
    parts.add(part);
    bytes += part.getSerializedSize();
    if (part.getLastPart() && prompt) {
      answer(refusing);
    }
  }

  /** Takes the change that has come, or refuses it by these problems. */
  synchronized void answer(List<String> problems) {
    if (problems.isEmpty()) {
      for (FollowResponse part : parts) {
        part.getResourcesList()
            .forEach(resource -> {
              versions.put(ResourceKey.of(resource), resource.getVersion());
              objects.put(ResourceKey.of(resource), ResourceDecoder.decode(resource));
            });
        part.getRemovedList()
            .forEach(removed -> {
              versions.remove(ResourceKey.of(removed));
              objects.remove(ResourceKey.of(removed));
            });
      }
    }
    long nonce = parts.getLast().getNonce();
    parts.clear();
    changes++;
    send(
        FollowRequest.newBuilder()
            .setAnswer(Answer.newBuilder().setNonce(nonce).addAllProblems(problems))
            .build());
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
    return SnapshotAssembly.of(1, objects.values());
  }

  synchronized List<ResourceKey> holds() {
    return List.copyOf(versions.keySet());
  }

  /** Changes that were answered. */
  synchronized int changes() {
    return changes;
  }

  /** Parts that came and were not answered. */
  synchronized List<FollowResponse> unanswered() {
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
