package io.sluice.mesh;

/**
 * A Kubernetes namespace that the registry knows.
 *
 * @param name at most {@value NamespacedName#MAX_NAMESPACE_LENGTH} characters
 * @param membership what it says of its pods
 */
public record KubernetesNamespace(String name, NamespaceMembership membership)
    implements MeshObject {
  @Override
  public Kind<KubernetesNamespace> kind() {
    return Kind.NAMESPACE;
  }
}
