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
}
