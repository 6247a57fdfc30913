package io.sluice.node.identity.control;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.sluice.mesh.svid.SvidRefused;
import io.sluice.node.identity.control.ControlFailure.Reason;
import java.security.cert.CertificateException;
import org.jspecify.annotations.Nullable;

/** What a gRPC status means here. */
final class CallStatus {
  private static final Metadata.Key<String> REASON =
      Metadata.Key.of("sluice-reason", Metadata.ASCII_STRING_MARSHALLER);

  private static final int LONGEST_TEXT = 300;

  private CallStatus() {}

  static ControlFailure failure(
      String what,
      ControlAddress address,
      StatusRuntimeException met,
      ControllerVerifier verifier) {
    Status status = met.getStatus();
    boolean answered = said(met) != null; // by the service itself, not by the transport
    CertificateException refusal = verifier.refusal().orElse(null);
    if (!answered && refusal != null) {
      return new ControlFailure(
          Reason.UNTRUSTED_CONTROLLER,
          what
              + ": who answers at "
              + address
              + " is not believed: "
              + printable(refusal.getMessage())
              + clockAdvice(refusal),
          refusal);
    }
    Reason reason =
        switch (status.getCode()) {
          case UNAVAILABLE -> answered ? Reason.AUTHORITY_UNAVAILABLE : Reason.UNREACHABLE;
          case DEADLINE_EXCEEDED -> Reason.TIMEOUT;
          case UNAUTHENTICATED -> Reason.UNAUTHENTICATED;
          case PERMISSION_DENIED -> Reason.PERMISSION_DENIED;
          case INVALID_ARGUMENT,
              ABORTED,
              FAILED_PRECONDITION,
              NOT_FOUND,
              OUT_OF_RANGE,
              ALREADY_EXISTS ->
              Reason.REFUSED;
          case RESOURCE_EXHAUSTED -> answered ? Reason.OVERLOADED : Reason.BAD_ANSWER;
          case CANCELLED -> Reason.UNREACHABLE;
          case OK, UNKNOWN, UNIMPLEMENTED, INTERNAL, DATA_LOSS -> Reason.BAD_ANSWER;
        };
    String word = said(met);
    return new ControlFailure(
        reason,
        what
            + ": the controller at "
            + address
            + (answered ? " says " + printable(word) + ", " : ": ")
            + printable(text(status))
            + (reason == Reason.UNREACHABLE ? "; is it running, and is the way to it open?" : ""),
        met);
  }

  private static @Nullable String said(StatusRuntimeException met) {
    Metadata trailers = met.getTrailers();
    return trailers == null ? null : trailers.get(REASON);
  }

  private static String text(Status status) {
    Throwable cause = status.getCause();
    String description = status.getDescription();
    String first = description == null ? status.getCode().toString() : description;
    return cause == null || cause.getMessage() == null
        ? first
        : first + " (" + cause.getMessage() + ")";
  }

  private static String clockAdvice(CertificateException refusal) {
    return refusal instanceof SvidRefused refused && refused.reason().isOfTime()
        ? "; compare the clocks"
        : "";
  }

  /** It comes from outside and goes to a log: one line, bounded. */
  private static String printable(@Nullable String text) {
    String one = String.valueOf(text).replaceAll("[^\\x20-\\x7e]", "?");
    return one.length() > LONGEST_TEXT ? one.substring(0, LONGEST_TEXT) + "..." : one;
  }
}
