package io.sluice.proxy.hbone;

import io.netty.channel.EventLoop;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Incoming;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One CONNECT that waits for its answer. Without one in time it is refused. */
public final class HboneExchange implements Incoming {
  private static final String PROXY_STATUS = "proxy-status";

  private final HboneStream stream;
  private final HboneRequest request;
  private boolean answered;
  private boolean gone;
  private @Nullable Consumer<ChannelEnd> goneListener;
  private ChannelEnd endBeforeAnswer = ChannelEnd.CONNECTION_LOST;
  private @Nullable Future<?> deadline;

  HboneExchange(HboneStream stream, HboneRequest request) {
    this.stream = stream;
    this.request = request;
  }

  void expectAnswerWithin(Duration time) {
    deadline = eventLoop().schedule(this::late, time.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Whoever was to answer gives up what it holds for that. */
  private void late() {
    Consumer<ChannelEnd> listener = goneListener;
    if (listener != null) {
      listener.accept(ChannelEnd.TIMEOUT);
    }
    refuse(HboneStatus.UPSTREAM_TIMEOUT);
  }

  /** The timer would hold the stream for as long as it runs. */
  private void settle() {
    Timers.cancel(deadline);
    deadline = null;
  }

  /** What is asked for. */
  public HboneRequest request() {
    return request;
  }

  /** Who asks, as proven by TLS. */
  public VerifiedPeer peer() {
    return stream.peer();
  }

  /** Address of the connection's other end, which is the calling pod's where nothing translates. */
  public InetSocketAddress remoteAddress() {
    return stream.remoteAddress();
  }

  /** Where to answer, and where a socket that is joined with the stream has to live. */
  public EventLoop eventLoop() {
    return stream.eventLoop();
  }

  @Override
  public void whenGone(Consumer<ChannelEnd> listener) {
    goneListener = listener;
    if (gone) {
      listener.accept(endBeforeAnswer);
    }
  }

  /** Answers 200; if the peer has gone the stream says so. */
  @Override
  public HboneStream accept() {
    if (!answered && !gone) {
      answered = true;
      settle();
      stream.writeHead(new DefaultHttp2Headers(false).status("200"), false);
    }
    return stream;
  }

  @Override
  public void refuse(Reason reason) {
    refuse(HboneStatus.of(reason));
  }

  /** Answers with an error and ends the stream. */
  public void refuse(HboneStatus status) {
    if (answered || gone) {
      return;
    }
    answered = true;
    settle();
    answer(stream, status);
  }

  static void answer(HboneStream stream, HboneStatus status) {
    Http2Headers headers =
        new DefaultHttp2Headers(false)
            .status(Integer.toString(status.code()))
            .add(PROXY_STATUS, status.proxyStatus());
    stream.writeHead(headers, true);
    stream.endUnwanted();
  }

  void gone(ChannelEnd end) {
    gone = true;
    endBeforeAnswer = end;
    settle();
    Consumer<ChannelEnd> listener = goneListener;
    if (listener != null && !answered) {
      listener.accept(end);
    }
  }

  /** Status and reason of an answer. */
  static int status(Http2Headers headers) {
    CharSequence text = headers.status();
    try {
      return text == null ? 0 : Integer.parseInt(text, 0, text.length(), 10);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  static HboneStatus refusal(Http2Headers headers) {
    return HboneStatus.of(status(headers), Optional.ofNullable(headers.get(PROXY_STATUS)));
  }
}
