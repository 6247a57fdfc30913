package io.sluice.control.issuing;

import io.sluice.control.objects.Pod;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Which identities a node may have certificates for: those of enrolled pods that the newest
 * snapshot places on it, and no other. Any thread; never blocks.
 *
 * @param trustDomain the one that is signed for now
 * @param snapshot the newest one; its accounts count, in whatever trust domain
 */
public record Placements(Supplier<TrustDomain> trustDomain, Supplier<MeshSnapshot> snapshot) {
  /**
   * Returns where it is known whom the mesh denies; an empty registry has not been read yet.
   *
   * @throws RefusedException where it is not
   */
  public void requireDenials() {
    MeshSnapshot known = snapshot.get();
    if (!known.isGoverned() && known.revision() != MeshSnapshot.EMPTY.revision()) {
      throw refused(
          RefusalReason.REGISTRY_INCOMPLETE,
          "the controller does not know what the MeshConfig says, and so not whom it denies",
          "mend the MeshConfig that cannot be read, or leave a single one");
    }
  }

  /**
   * Returns where {@code nodeName} may have a certificate for {@code identity}.
   *
   * @throws RefusedException with the nearest reason where it may not
   */
  public void require(String nodeName, SpiffeId identity) {
    TrustDomain domain = trustDomain.get();
    if (!identity.trustDomain().equals(domain)) {
      throw refused(
          RefusalReason.TRUST_DOMAIN_FOREIGN,
          identity + " is not of trust domain " + domain,
          "ask the controller of that mesh, or again once the change of the trust domain is known");
    }
    if (identity.isNobody()) {
      throw withoutAccount(nodeName, identity);
    }
    if (SystemIdentity.isSystem(identity)) {
      throw refused(
          RefusalReason.IDENTITY_RESERVED,
          identity + " belongs to the mesh itself",
          "move the pod out of namespace " + SystemIdentity.NAMESPACE);
    }
    requireDenials();
    MeshSnapshot known = snapshot.get();
    List<Workload> pods = known.workloads().stream().filter(pod -> isSame(pod, identity)).toList();
    Predicate<Workload> here = pod -> pod.nodeName().filter(nodeName::equals).isPresent();
    if (pods.stream().anyMatch(here.and(Workload::enrolled))) {
      return;
    }
    if (!known.isComplete()) {
      throw refused(
          RefusalReason.REGISTRY_INCOMPLETE,
          "the controller cannot read all of its registry, and knows of no pod on this node with "
              + identity,
          "mend the files that the controller's log names");
    }
    if (isMeantByNobody(identity, here)) {
      throw withoutAccount(nodeName, identity);
    }
    throw nearest(nodeName, identity, pods, here);
  }

  /** Whether a pod of this node would have the identity by Kubernetes' default, and has none. */
  private boolean isMeantByNobody(SpiffeId identity, Predicate<Workload> here) {
    SpiffeId nobody = SpiffeId.nobody(identity.trustDomain(), identity.namespace());
    return identity.serviceAccount().equals(Pod.DEFAULT_ACCOUNT)
        && snapshot.get().workloads().stream().anyMatch(here.and(pod -> isSame(pod, nobody)));
  }

  private static boolean isSame(Workload pod, SpiffeId identity) {
    return pod.identity().serviceAccountName().equals(identity.serviceAccountName());
  }

  private static RefusedException withoutAccount(String nodeName, SpiffeId identity) {
    return refused(
        RefusalReason.POD_WITHOUT_ACCOUNT,
        "pods of namespace %s on node %s have no service account, as static pods have none"
            .formatted(identity.namespace(), nodeName),
        "run them as ordinary pods; 'control run --static-pod-namespace' trusts the static pods of"
            + " a namespace");
  }

  private static RefusedException nearest(
      String nodeName, SpiffeId identity, List<Workload> pods, Predicate<Workload> here) {
    if (pods.isEmpty()) {
      return refused(
          RefusalReason.IDENTITY_UNKNOWN,
          "no pod has the identity " + identity,
          "look at the pod's namespace and service account in the controller's registry");
    }
    for (Workload pod : pods) {
      if (here.test(pod)) {
        return pod.hostNetwork()
            ? refused(
                RefusalReason.POD_ON_HOST_NETWORK,
                "pod " + pod.name() + " shares the network of its node",
                "such a pod cannot be in the mesh")
            : refused(
                RefusalReason.POD_NOT_ENROLLED,
                "pod " + pod.name() + " is not in the mesh",
                "label the pod or its namespace sluice.io/mesh: enabled");
      }
    }
    for (Workload pod : pods) {
      if (pod.enrolled() && pod.nodeName().isEmpty()) {
        return refused(
            RefusalReason.POD_WITHOUT_NODE,
            "pod " + pod.name() + " says of no node that it runs there",
            "set spec.nodeName: " + nodeName + " if it is this one");
      }
    }
    return refused(
        RefusalReason.POD_ON_OTHER_NODE,
        "no pod on node " + nodeName + " has the identity " + identity,
        "ask from the node that spec.nodeName of the pod says");
  }

  private static RefusedException refused(RefusalReason reason, String problem, String mend) {
    return new RefusedException(reason, problem, mend);
  }
}
