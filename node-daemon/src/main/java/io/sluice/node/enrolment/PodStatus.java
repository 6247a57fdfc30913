package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;
import java.net.InetAddress;
import java.util.List;
import java.util.Locale;

/**
 * One pod as the node sees it.
 *
 * @param name of the Pod
 * @param state where it stands
 * @param netnsCookie its namespace; 0 while unknown
 * @param addresses its addresses by the registry
 * @param identity SPIFFE ID
 * @param protection what the mesh does for it now
 * @param problem why it is pending, or what is wrong with its interception; empty otherwise
 * @param earlierConnections connections older than its enrolment that live on, unprotected
 */
public record PodStatus(
    NamespacedName name,
    PodState state,
    long netnsCookie,
    List<InetAddress> addresses,
    String identity,
    Protection protection,
    String problem,
    int earlierConnections) {
  public PodStatus {
    addresses = List.copyOf(addresses);
  }

  /** Where a pod of the registry stands on this node. */
  public enum PodState {
    /** Its traffic is intercepted. */
    ENROLLED,
    /** It should be enrolled and cannot be yet; the problem says why. */
    PENDING,
    /** It was told not to be in the mesh, or never was. */
    OUTSIDE;

    /** As printed. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

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
}
