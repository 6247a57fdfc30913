package io.sluice.control.server;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.metrics.ControllerMetrics.Call;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Ends calls whose request does not come, or whose first one where there are several: a call that
 * says nothing would otherwise hold its place for ever, and needs no certificate.
 */
record RequestDeadline(Duration limit, ScheduledExecutorService timer, Answers answers)
    implements ServerInterceptor {
  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    AtomicBoolean settled = new AtomicBoolean();
    ScheduledFuture<?> deadline =
        timer.schedule(
            () -> {
              if (settled.compareAndSet(false, true)) {
                end(call);
              }
            },
            limit.toMillis(),
            TimeUnit.MILLISECONDS);
    boolean single = call.getMethodDescriptor().getType().clientSendsOneMessage();
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      private boolean begun;

      /** Of several requests the first is what the timer waits for. */
      @Override
      public void onMessage(Q message) {
        if (single || begun || begins()) {
          super.onMessage(message);
        }
      }

      private boolean begins() {
        deadline.cancel(false);
        begun = settled.compareAndSet(false, true);
        return begun;
      }

      /** Until here the services do nothing, so that the timer has the call for itself. */
      @Override
      public void onHalfClose() {
        if (begun || begins()) {
          super.onHalfClose();
        }
      }

      @Override
      public void onCancel() {
        settle();
        super.onCancel();
      }

      /** Also of a call that was refused before its first message. */
      @Override
      public void onComplete() {
        settle();
        super.onComplete();
      }

      private void settle() {
        settled.set(true);
        deadline.cancel(false);
      }
    };
  }

  private void end(ServerCall<?, ?> call) {
    StatusRuntimeException ending =
        answers.refusal(
            Call.OTHER,
            Peer.of(call.getAttributes()).text(),
            new RefusedException(
                RefusalReason.REQUEST_TOO_SLOW,
                "the request did not come within " + limit,
                "look at the network between node and controller"));
    Metadata trailers = ending.getTrailers();
    call.close(ending.getStatus(), trailers == null ? new Metadata() : trailers);
  }
}
