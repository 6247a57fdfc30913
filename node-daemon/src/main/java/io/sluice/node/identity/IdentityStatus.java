package io.sluice.node.identity;

import io.sluice.mesh.TrustDomain;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How identity stands on this node.
 *
 * @param controller address of the controller
 * @param trustDomainOrNull learned at the first admission; null before
 * @param nodeEndOrNull end of the node's own certificate; null before the first admission
 * @param workloadEndOrNull earliest end over those of workloads that are there; null without any
 * @param rootEndOrNull earliest end over the trust bundle; null before the first admission
 * @param valid identities with a certificate that is valid now
 * @param expired identities whose certificate has ended
 * @param missing identities that got none yet
 * @param connected whether the controller is followed now
 * @param lastContactOrNull when the controller last answered; null for never
 * @param failingSinceOrNull when asking began to fail, of what fails the longest; null if it does
 *     not
 * @param failure why it fails; empty if it does not
 * @param bundleGeneration of the trust bundle; 0 before the first admission
 * @param rootIds of the trust bundle
 * @param federated other trust domains that peers are believed in, in order
 * @param bundleProblem why the latest bundle from the controller is not used; empty if it is
 * @param storeProblem why something is not kept that should be; empty if it is
 */
public record IdentityStatus(
    String controller,
    @Nullable TrustDomain trustDomainOrNull,
    @Nullable Instant nodeEndOrNull,
    @Nullable Instant workloadEndOrNull,
    @Nullable Instant rootEndOrNull,
    int valid,
    int expired,
    int missing,
    boolean connected,
    @Nullable Instant lastContactOrNull,
    @Nullable Instant failingSinceOrNull,
    String failure,
    long bundleGeneration,
    List<String> rootIds,
    List<String> federated,
    String bundleProblem,
    String storeProblem) {
  public IdentityStatus {
    rootIds = List.copyOf(rootIds);
    federated = List.copyOf(federated);
  }

  /** The earliest of all ends: until then all that works now goes on without the controller. */
  public Optional<Instant> validUntil() {
    Instant earliest = null;
    for (Instant end : new @Nullable Instant[] {nodeEndOrNull, workloadEndOrNull, rootEndOrNull}) {
      if (end != null && (earliest == null || end.isBefore(earliest))) {
        earliest = end;
      }
    }
    return Optional.ofNullable(earliest);
  }
}
