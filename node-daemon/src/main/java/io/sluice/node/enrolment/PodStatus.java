package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;
import java.net.InetAddress;
import java.util.List;

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
}
