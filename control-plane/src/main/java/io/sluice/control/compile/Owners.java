package io.sluice.control.compile;

import io.sluice.control.objects.ObjectRef;
import org.jspecify.annotations.Nullable;

/** To whom things belong that several objects claim. */
interface Owners {
  /** Nobody claims anything but the one who asks. */
  Owners NOBODY_ELSE = (_, _) -> null;

  /** Why {@code claimant} does not have what it claims; null where it does. */
  @Nullable Refusal refusal(Object claim, ObjectRef claimant);

  /**
   * That a thing is not the claimant's.
   *
   * @param other who has it, or who claims it too
   * @param isDecided whether {@code other} has it; else nothing tells who was first, and nobody has
   */
  record Refusal(ObjectRef other, boolean isDecided) {
    /** A sentence about {@code thing}. */
    String reason(String thing) {
      return isDecided
          ? thing + " already belongs to " + other
          : thing + " is claimed by " + other + " too, and nothing tells who was first";
    }
  }
}
