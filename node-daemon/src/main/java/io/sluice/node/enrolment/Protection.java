package io.sluice.node.enrolment;

import java.util.Locale;

/** What the mesh does for a pod of the registry right now. */
public enum Protection {
  /** Its traffic is intercepted, as far as the last look could tell. */
  PROTECTED,
  /** It cannot be intercepted as it should; everything of it is refused. */
  REFUSED,
  /** It should be intercepted and is not; its traffic may pass unseen. */
  NOT_PROTECTED,
  /** It is not to be in the mesh. */
  OUTSIDE;

  /** As printed. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
