package io.sluice.node.enrolment;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.node.placement.PodNamespaces;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Into which network namespaces the pods that are not enrolled would be, looked at before any of
 * them is: where several would be in one, no order decides between them. For one thread at a time;
 * looking may block.
 */
final class NamespaceClaims {
  private static final System.Logger LOG = System.getLogger(NamespaceClaims.class.getName());

  private final PodNamespaces places;
  private final Map<Claim, Set<NamespacedName>> claims = new HashMap<>();

  /** What equal claims have in common: the namespace, and whether an annotation is all there is. */
  private record Claim(long inode, boolean annotated) {
    static Claim of(Workload workload, NetnsHandle netns) {
      return new Claim(netns.inode(), workload.netns().isPresent());
    }
  }

  NamespaceClaims(PodNamespaces places) {
    this.places = places;
  }

  /** Looks anew, at those of {@code wanted} that are not {@code enrolled}. */
  void compare(Collection<Workload> wanted, Set<NamespacedName> enrolled) {
    claims.clear();
    for (Workload workload : wanted) {
      if (!enrolled.contains(workload.name())) {
        claim(workload);
      }
    }
  }

  private void claim(Workload workload) {
    try (NetnsHandle netns = places.open(workload).netns()) {
      claims.computeIfAbsent(Claim.of(workload, netns), _ -> new TreeSet<>()).add(workload.name());
    } catch (RuntimeException e) {
      // Whatever is wrong with it is told when it is to be enrolled.
      LOG.log(System.Logger.Level.DEBUG, "namespace_not_claimed pod=" + workload.name(), e);
    }
  }

  /** Whose claims are equal to this one, itself among them. */
  Set<NamespacedName> of(Workload workload, NetnsHandle netns) {
    return claims.getOrDefault(Claim.of(workload, netns), Set.of());
  }

  /** A pod that was found in a network namespace that is, or may be, another pod's. */
  static final class NamespaceConflictException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final String ADVICE =
        "; give each Pod its own metadata.uid, or its own sluice.io/netns";

    private NamespaceConflictException(String problem) {
      super(problem + ADVICE);
    }

    /** The namespace is the holder's already. */
    static NamespaceConflictException held(NamespacedName claimant, NamespacedName holder) {
      return new NamespaceConflictException(
          "pod %s was found in the network namespace of %s, which keeps it"
              .formatted(claimant, holder));
    }

    /** Nobody holds the namespace, and nothing says whose it is. */
    static NamespaceConflictException undecided(NamespacedName claimant, NamespacedName rival) {
      return new NamespaceConflictException(
          "pod %s was found in the same network namespace as %s, which nobody holds: none is enrolled"
              .formatted(claimant, rival));
    }
  }
}
