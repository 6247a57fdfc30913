package io.sluice.mesh;

/**
 * One of the things that make up a snapshot.
 *
 * @param type what it is
 * @param name {@code namespace/name}; {@link #SETTINGS} or the Kubernetes namespace where there is
 *     no such name
 */
public record ResourceName(Type type, String name) implements Comparable<ResourceName> {
  /** The settings, of which there is one. */
  public static final ResourceName SETTINGS = new ResourceName(Type.SETTINGS, "mesh");

  /** Types of resources. */
  public enum Type {
    /** {@link MeshSettings}. */
    SETTINGS,
    /** A Kubernetes namespace and its {@link NamespaceMembership}. */
    NAMESPACE,
    /** A {@link Workload}. */
    WORKLOAD,
    /** A {@link Service}. */
    SERVICE,
    /** A {@link Permission}. */
    PERMISSION
  }

  static ResourceName of(Type type, NamespacedName name) {
    return new ResourceName(type, name.toString());
  }

  @Override
  public int compareTo(ResourceName other) {
    int byType = type.compareTo(other.type);
    return byType != 0 ? byType : name.compareTo(other.name);
  }

  @Override
  public String toString() {
    return type + " " + name;
  }
}
