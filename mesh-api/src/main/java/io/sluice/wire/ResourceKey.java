package io.sluice.wire;

import io.sluice.api.discovery.v1.RemovedResource;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.api.discovery.v1.ResourceType;
import io.sluice.mesh.NamespacedName;

/**
 * Which resource is meant.
 *
 * @param name {@code namespace/name}; of a namespace its own name, of the settings {@value
 *     #SETTINGS_NAME}
 */
public record ResourceKey(ResourceType type, String name) implements Comparable<ResourceKey> {
  /** What the one resource of its type is called. */
  public static final String SETTINGS_NAME = "mesh";

  /** The settings. */
  public static final ResourceKey SETTINGS = new ResourceKey(ResourceType.SETTINGS, SETTINGS_NAME);

  /** The workload of that name. */
  public static ResourceKey workload(NamespacedName name) {
    return new ResourceKey(ResourceType.WORKLOAD, name.toString());
  }

  /** The service of that name. */
  public static ResourceKey service(NamespacedName name) {
    return new ResourceKey(ResourceType.SERVICE, name.toString());
  }

  /** The permission of that name. */
  public static ResourceKey permission(NamespacedName name) {
    return new ResourceKey(ResourceType.PERMISSION, name.toString());
  }

  /** The Kubernetes namespace of that name. */
  public static ResourceKey namespace(String name) {
    return new ResourceKey(ResourceType.NAMESPACE, name);
  }

  /** What {@code resource} is called. */
  public static ResourceKey of(Resource resource) {
    return new ResourceKey(resource.getType(), resource.getName());
  }

  /** What is to be removed. */
  public static ResourceKey of(RemovedResource removed) {
    return new ResourceKey(removed.getType(), removed.getName());
  }

  @Override
  public int compareTo(ResourceKey other) {
    int byType = type.compareTo(other.type);
    return byType != 0 ? byType : name.compareTo(other.name);
  }

  /** {@code WORKLOAD shop/buyer-0}. */
  @Override
  public String toString() {
    return type + " " + name;
  }
}
