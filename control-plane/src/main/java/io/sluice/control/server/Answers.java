package io.sluice.control.server;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.sluice.control.admission.AdmissionException;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.limit.Allowances;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.metrics.ControllerMetrics.Call;
import io.sluice.mesh.CallRefusal;
import io.sluice.mesh.Printable;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Supplier;

/** Ends calls: counts each, and gives every refusal its status, its word and a line of the log. */
final class Answers {
  /** Trailer with the word for a refusal. */
  static final Metadata.Key<String> REASON =
      Metadata.Key.of(CallRefusal.REASON, Metadata.ASCII_STRING_MARSHALLER);

  private static final Logger LOG = System.getLogger(Answers.class.getName());

  private static final int LONGEST_MESSAGE = 600;

  /** Lines about one caller; the metrics count what is not written. */
  private static final int LINES_AT_ONCE = 20;

  private static final Duration ONE_MORE_LINE = Duration.ofSeconds(6);
  private static final int MOST_CALLERS = 1_024;

  private final ControllerMetrics metrics;
  private final NodeCalls calls;
  private final Allowances<String> logLines;

  Answers(ControllerMetrics metrics, NodeCalls calls, InstantSource clock) {
    this.metrics = metrics;
    this.calls = calls;
    this.logLines = new Allowances<>(LINES_AT_ONCE, ONE_MORE_LINE, MOST_CALLERS, clock);
  }

  /**
   * Answers with what {@code work} returns, or refuses by what it throws.
   *
   * @param who the node's name where it is proven, else the remote address
   */
  <T> void answer(Call call, String who, StreamObserver<T> out, Supplier<T> work) {
    T answer;
    try {
      answer = work.get();
    } catch (RuntimeException e) {
      out.onError(refusal(call, who, e));
      return;
    }
    served(call, who);
    out.onNext(answer);
    out.onCompleted();
  }

  /** Counts a call that was, or is being, served. */
  void served(Call call, String who) {
    metrics.served(call);
    calls.served(who, call);
  }

  /** What a call ends with where {@code failure} was thrown; counted and logged here. */
  StatusRuntimeException refusal(Call call, String who, RuntimeException failure) {
    RefusedException refused =
        switch (failure) {
          case RefusedException known -> known;
          case AdmissionException token -> RefusedException.of(token);
          case AuthorityException authority -> RefusedException.of(authority);
          default -> {
            // Top frame of the call.
            LOG.log(Level.ERROR, "control_call_failed call=" + call + " who=" + who, failure);
            yield new RefusedException(
                RefusalReason.INTERNAL_FAULT,
                "the controller could not answer",
                "its log says why; please report it");
          }
        };
    RefusalReason reason = refused.reason();
    metrics.refused(call, reason);
    calls.refused(who, reason);
    String message = String.valueOf(refused.getMessage());
    Throwable cause = refused.getCause();
    if (logLines.take(who)) {
      LOG.log(
          Level.WARNING,
          "control_call_refused call={0} who={1} reason={2} {3}{4}",
          call,
          who,
          reason.label(),
          printable(message),
          cause == null || message.equals(cause.getMessage())
              ? ""
              : " (" + printable(String.valueOf(cause.getMessage())) + ")");
    }
    return status(refused);
  }

  /** What a peer wrote into its certificate must not begin a line of our log. */
  private static String printable(String text) {
    return Printable.text(text, LONGEST_MESSAGE);
  }

  /** The status and trailer of a refusal. */
  static StatusRuntimeException status(RefusedException refused) {
    Metadata trailers = new Metadata();
    trailers.put(REASON, refused.reason().label());
    return Status.fromCode(refused.reason().status())
        .withDescription(refused.getMessage())
        .asRuntimeException(trailers);
  }
}
