package io.sluice.proxy.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.sluice.proxy.upstream.LocalPod;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A question to somebody else about what has arrived at a pod, which waits for the answer. On its
 * event loop.
 */
final class Inquiry<A> implements GrpcCall.Listener {
  private final GrpcClients owner;
  private final GrpcClients.Protocol<A> protocol;
  private final int octets;
  private final LocalPod pod;
  private final Consumer<Inquiry<A>> settled;
  private boolean failOpen;
  private @Nullable GrpcCall call; // until it is known
  private @Nullable A answer;
  private boolean waits = true;

  Inquiry(
      GrpcClients owner,
      GrpcClients.Protocol<A> protocol,
      boolean failOpen,
      int octets,
      LocalPod pod,
      Consumer<Inquiry<A>> settled) {
    this.owner = owner;
    this.protocol = protocol;
    this.failOpen = failOpen;
    this.octets = octets;
    this.pod = pod;
    this.settled = settled;
  }

  /** By that client; null: there are as many as may be. */
  void begin(@Nullable GrpcClient client, MessageLite message, long timeoutMillis) {
    int asking = pod.asking.incrementAndGet();
    int askingOctets = pod.askingOctets.addAndGet(octets);
    if (client != null
        && askingOctets <= GrpcClients.MOST_OCTETS_OF_POD
        && asking <= GrpcClients.MOST_OF_POD) {
      call = client.call(pod, protocol.path(), message, timeoutMillis, this);
    }
    if (call == null) {
      // Callers bring this about, so that it must open nothing.
      String why = client == null ? "more servers than may be asked" : "as many as may wait for it";
      owner.loop.execute(() -> failed(why, true));
    }
  }

  @Override
  public void answered(ByteString message) {
    try {
      answer = protocol.reads().apply(message);
    } catch (IllegalArgumentException e) {
      failed(String.valueOf(e.getMessage()), true);
      return;
    }
    end();
    settled.accept(this);
  }

  @Override
  public void failed(String why, boolean answered) {
    if (waits) {
      failOpen &= !answered;
      owner.troubles.accept(protocol.word() + "_failed reason=\"" + why + "\"");
      end();
      settled.accept(this);
    }
  }

  private void end() {
    waits = false;
    call = null;
    pod.asking.decrementAndGet();
    pod.askingOctets.addAndGet(-octets);
  }

  /** What was answered; null where nothing was that could be used. */
  @Nullable A answerOrNull() {
    return answer;
  }

  /** Whether what has arrived waits for it. */
  boolean isUnderWay() {
    return waits;
  }

  /** Whether that goes on without an answer. */
  boolean failsOpen() {
    return failOpen;
  }

  /** Nobody waits for it any more. */
  void cancel() {
    GrpcCall open = call;
    if (waits) {
      end();
    }
    if (open != null) {
      open.cancel();
    }
  }
}
