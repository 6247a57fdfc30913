package io.sluice.control.streaming;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.sluice.control.issuing.RefusedException;
import java.util.function.Function;

/**
 * The controller's side of one stream, which the client, the controller and whoever finds a
 * certificate ended may all end. gRPC wants its observer to be used by one thread at a time, so all
 * of it is used here. Any thread.
 *
 * @param <A> what is sent
 */
public final class Outgoing<A> {
  private final ServerCallStreamObserver<A> out;
  private final Function<RefusedException, StatusRuntimeException> refusals;
  private final Runnable left;
  private boolean ended;

  /**
   * @param refusals what to end it with, counted and logged
   * @param left called once, when the stream is no more
   */
  public Outgoing(
      ServerCallStreamObserver<A> out,
      Function<RefusedException, StatusRuntimeException> refusals,
      Runnable left) {
    this.out = out;
    this.refusals = refusals;
    this.left = left;
  }

  /** Whether it takes more now; never again once it has ended. */
  public synchronized boolean isReady() {
    return !ended && out.isReady();
  }

  /** Whether nothing is sent any more. */
  public synchronized boolean isEnded() {
    return ended;
  }

  /** Sends; nothing happens where it has ended. */
  public synchronized void send(A response) {
    if (!ended) {
      out.onNext(response);
    }
  }

  /** Ends it with that reason. */
  public void refuse(RefusedException why) {
    if (!isEnded()) {
      StatusRuntimeException refusal = refusals.apply(why);
      end(() -> out.onError(refusal));
    }
  }

  /** Ends it as the client has. */
  public void complete() {
    end(out::onCompleted);
  }

  /** Ends it; the client comes again, here or elsewhere. */
  public void stop() {
    end(() ->
        out.onError(
            Status.UNAVAILABLE.withDescription("the controller stops").asRuntimeException()));
  }

  /** Notes that the client has gone. */
  public void gone() {
    end(() -> {});
  }

  private void end(Runnable lastWord) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      if (!out.isCancelled()) {
        lastWord.run();
      }
    }
    left.run();
  }
}
