package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.sluice.control.issuing.RefusalReason;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What a refused call tells. */
final class Refusals {
  private Refusals() {}

  static void assertRefused(RefusalReason reason, ThrowingCallable call) {
    StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(refused).as("a refusal: %s", reason).isNotNull();
    Metadata trailers = refused.getTrailers();
    assertThat(trailers).as("trailers of %s", refused).isNotNull();
    assertThat(trailers.get(Answers.REASON)).as("%s", refused).isEqualTo(reason.label());
    assertThat(refused.getStatus().getCode()).isEqualTo(reason.status());
    assertThat(refused.getStatus().getDescription()).contains("; ");
  }
}
