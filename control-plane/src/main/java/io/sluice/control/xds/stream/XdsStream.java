package io.sluice.control.xds.stream;

import com.google.protobuf.MessageLite;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.sluice.control.issuing.MeshMember;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.streaming.Coalesced;
import io.sluice.control.streaming.Outgoing;
import io.sluice.control.streaming.ServedStream;
import io.sluice.control.xds.stream.Subscription.Answer;
import io.sluice.control.xds.translate.Asker;
import io.sluice.control.xds.translate.Catalogue;
import io.sluice.control.xds.translate.Translation;
import io.sluice.control.xds.translate.XdsType;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The stream of one client. Responses are made when the connection takes them. Any thread; the lock
 * is this stream's alone.
 *
 * @param <Q> requests of its variant
 * @param <A> responses of its variant
 */
final class XdsStream<Q, A extends MessageLite> implements ServedStream<Q> {
  private final MeshMember member;
  private final Variant<Q, A> variant;
  private final Outgoing<A> out;
  private final XdsStreams streams;
  private final Instant since;
  private final Coalesced pump;
  private final Map<XdsType, Subscription> subscriptions = new EnumMap<>(XdsType.class);
  private @Nullable ClientDescription client;
  private @Nullable Translation considered;
  private long nonces;

  XdsStream(
      MeshMember member,
      Variant<Q, A> variant,
      ServerCallStreamObserver<A> out,
      Function<RefusedException, StatusRuntimeException> refusals,
      XdsStreams streams) {
    this.member = member;
    this.variant = variant;
    this.out = new Outgoing<>(out, refusals, this::left);
    this.streams = streams;
    this.since = streams.now();
    this.pump = streams.coalesced(this::pump);
  }

  MeshMember member() {
    return member;
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
  public void onNext(Q request) {
    try {
      take(variant.ask(request));
    } catch (RefusedException e) {
      out.refuse(e);
    }
  }

  private synchronized void take(Ask ask) {
    if (out.isEnded()) {
      return;
    }
    if (client == null) {
      client = ClientDescription.of(ask.node());
    }
    Optional<XdsType> type = XdsType.ofUrl(ask.typeUrl());
    if (type.isEmpty()) {
      return; // a type that we have nothing of: whoever waits for it goes on without
    }
    Subscription subscription =
        subscriptions.computeIfAbsent(
            type.get(), each -> new Subscription(each, variant.tellsRemovals()));
    Answer answer = subscription.take(ask);
    if (answer == Answer.TAKEN) {
      streams.metrics().acknowledged();
    } else if (answer == Answer.REFUSED) {
      streams.refused(member, client, subscription.state());
    }
    considered = null;
    pump.signal();
  }

  private void pump() {
    try {
      sendWhatIsNew();
    } catch (RefusedException e) {
      out.refuse(e);
    }
  }

  private synchronized void sendWhatIsNew() {
    Translation newest = streams.newest();
    ClientDescription describes = client;
    if (newest == null || newest == considered || describes == null) {
      return;
    }
    Catalogue catalogue = newest.of(new Asker(member.identity(), describes.certificateProvider()));
    for (Map.Entry<XdsType, Subscription> each : subscriptions.entrySet()) {
      if (!out.isReady()) {
        return;
      }
      Subscription subscription = each.getValue();
      if (subscription.isAnswered()) {
        subscription
            .next(catalogue, streams.isComplete(), Long.toString(++nonces))
            .ifPresent(this::send);
      }
    }
    considered = newest;
  }

  private void send(Batch batch) {
    A response = variant.response(batch);
    out.send(response);
    streams
        .metrics()
        .sent(batch.type().label(), batch.resources().size(), response.getSerializedSize());
  }

  /** How it stands; for people. */
  synchronized XdsClientState state() {
    ClientDescription describes = client;
    return new XdsClientState(
        describes == null ? "" : describes.id(),
        member.identity().toString(),
        describes == null ? "" : describes.software(),
        since,
        subscriptions.values().stream().map(Subscription::state).toList());
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
      subscriptions.clear();
    }
    streams.forget(this);
  }
}
