package io.sluice.control.validate;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.mesh.NamespaceMembership;
import java.util.List;

/** What is known of a mesh by whoever judges an object that is to come into it; any thread. */
@FunctionalInterface
public interface ObjectsPresent {
  /** Whether pods of a namespace are in the mesh. */
  NamespaceMembership membership(String namespace);

  /**
   * Others of its kind in its namespace, as far as they were read; of an UpstreamTrafficSetting
   * also the Egresses there, which may name one.
   */
  default List<KubernetesObject> beside(KubernetesObject object) {
    return List.of();
  }
}
