package io.sluice.mesh.decision;

import io.sluice.mesh.Decider;
import io.sluice.mesh.NamespacedName;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Answer to a flow.
 *
 * @param outcome {@link Outcome#ALLOWED} or {@link Outcome#REFUSED} from policy; the others from
 *     interception
 * @param reason why
 * @param ruleOrNull what decided, when it was an object or a part of one
 */
public record Verdict(Outcome outcome, Reason reason, @Nullable Decider ruleOrNull) {

  /** A verdict that rests on no particular object. */
  public static Verdict of(Outcome outcome, Reason reason) {
    return new Verdict(outcome, reason, null);
  }

  /** Whether the flow may go on. */
  public boolean isAllowed() {
    return outcome != Outcome.REFUSED;
  }

  /** As of any record; written out, for it is asked for with every request. */
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof Verdict that
            && outcome == that.outcome
            && reason == that.reason
            && Objects.equals(ruleOrNull, that.ruleOrNull));
  }

  @Override
  public int hashCode() {
    return 31 * reason.hashCode() + Objects.hashCode(ruleOrNull);
  }

  /** The object that decided, when one as a whole did. */
  public Optional<NamespacedName> rule() {
    return ruleOrNull instanceof NamespacedName name ? Optional.of(name) : Optional.empty();
  }
}
