package io.sluice.proxy.hbone;

import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.socket.Timers;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One wanted stream until the peer's answer. Event loop of the pool. */
final class ClientOpening implements HboneStream.Opener {
  private static final int OK = 200;

  private final PoolGroup group;
  private final HboneRequest request;
  private final Duration patience;
  private final HbonePool.Opening opening;
  private @Nullable HboneStream stream;
  private @Nullable Future<?> waitingDeadline;
  private boolean triedAgain;
  private boolean settled;

  ClientOpening(
      PoolGroup group, HboneRequest request, Duration patience, HbonePool.Opening opening) {
    this.group = group;
    this.request = request;
    Duration usual = group.pool.settings.times().connect();
    this.patience = patience.compareTo(usual) > 0 ? patience : usual;
    this.opening = opening;
  }

  /** For a connection. */
  void await() {
    waitingDeadline =
        group.pool.loop.schedule(this::waitedTooLong, patience.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void waitedTooLong() {
    group.noLongerWaits(this);
    fail(OpenFailure.of(OpenFailure.Kind.CONNECT_TIMEOUT));
  }

  void placed(HboneStream made) {
    stopWaiting();
    stream = made;
  }

  /** Sends the request. */
  void ask() {
    HboneStream asked = stream;
    if (asked == null || settled) {
      return;
    }
    asked.deadline(patience, ChannelEnd.TIMEOUT);
    asked.writeHead(request.toHeaders(), false);
  }

  @Override
  public void headers(HboneStream answered, Http2Headers headers) {
    int status = HboneExchange.status(headers);
    if (status == OK) {
      settle();
      opening.opened(answered);
    } else {
      fail(OpenFailure.refused(HboneExchange.refusal(headers)));
      answered.reset();
    }
  }

  @Override
  public void closed(ChannelEnd end) {
    if (settled) {
      return;
    }
    boolean mayTryAgain = end == ChannelEnd.NOT_PROCESSED || end == ChannelEnd.CONNECTION_LOST;
    if (mayTryAgain && !triedAgain) {
      // No byte of the application has been sent before the answer, so nothing is sent twice.
      triedAgain = true;
      stream = null;
      group.place(this);
      return;
    }
    fail(
        OpenFailure.of(
            end == ChannelEnd.TIMEOUT
                ? OpenFailure.Kind.ANSWER_TIMEOUT
                : OpenFailure.Kind.CONNECTION_LOST));
  }

  /** Nobody wants it any more. */
  void giveUp() {
    if (settled) {
      return;
    }
    group.noLongerWaits(this);
    settle();
    HboneStream asked = stream;
    if (asked != null) {
      asked.reset();
    }
  }

  void fail(OpenFailure failure) {
    if (settled) {
      return;
    }
    settle();
    opening.failed(failure);
  }

  private void settle() {
    settled = true;
    stopWaiting();
    group.settled();
  }

  private void stopWaiting() {
    Timers.cancel(waitingDeadline);
    waitingDeadline = null;
  }
}
