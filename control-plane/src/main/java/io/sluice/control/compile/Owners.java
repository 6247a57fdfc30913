package io.sluice.control.compile;

import io.sluice.control.objects.ObjectRef;

/** To whom things belong that several objects claim: to the first in order of reference. */
interface Owners {
  /** The owner of {@code claim}, which {@code claimant} claims: itself, or another. */
  ObjectRef of(Object claim, ObjectRef claimant);
}
