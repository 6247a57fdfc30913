package io.sluice.mesh;

import java.util.Optional;

/**
 * Identities of the mesh's own processes. They have the form of workloads', so that every authority
 * can sign them, in a Kubernetes namespace that is never enrolled. No pod is given one, and the
 * data path believes nobody by one.
 */
public final class SystemIdentity {
  /** Kubernetes namespace that is reserved for the mesh itself. */
  public static final String NAMESPACE = "sluice-system";

  /** Longest name of a node that fits into a service account's name. */
  public static final int LONGEST_NODE_NAME = 247;

  private static final String CONTROLLER = "controller";
  private static final String NODE_PREFIX = "node.";

  private SystemIdentity() {}

  /** Who signs certificates and tells nodes what they need. */
  public static SpiffeId controller(TrustDomain trustDomain) {
    return new SpiffeId(trustDomain, NAMESPACE, CONTROLLER);
  }

  /**
   * The daemon of one node.
   *
   * @throws IllegalArgumentException when the name is no Kubernetes node name, or too long
   */
  public static SpiffeId node(TrustDomain trustDomain, String nodeName) {
    if (nodeName.length() > LONGEST_NODE_NAME) {
      throw new IllegalArgumentException(
          "node name '" + nodeName + "' is longer than " + LONGEST_NODE_NAME + " characters");
    }
    return new SpiffeId(trustDomain, NAMESPACE, NODE_PREFIX + nodeName);
  }

  /** Name of the node that this identity stands for, if it stands for one. */
  public static Optional<String> nodeName(SpiffeId identity) {
    String account = identity.serviceAccount();
    return isSystem(identity) && account.length() > NODE_PREFIX.length()
        ? Optional.of(account)
            .filter(name -> name.startsWith(NODE_PREFIX))
            .map(name -> name.substring(NODE_PREFIX.length()))
        : Optional.empty();
  }

  /** Whether it belongs to the mesh itself, so that no pod may have it. */
  public static boolean isSystem(SpiffeId identity) {
    return identity.namespace().equals(NAMESPACE);
  }
}
