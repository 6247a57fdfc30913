package io.sluice.control.admission;

import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;

/**
 * A node that has proven its name.
 *
 * @param nodeName Kubernetes name of the node, fit for {@link SystemIdentity#node}
 * @param how by which proof, for log and journal, such as {@code join-token 1f3a}; never a secret
 */
public record AdmittedNode(String nodeName, String how) {
  public AdmittedNode {
    SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, nodeName); // throws where it fits no identity
  }
}
