package io.sluice.control.objects;

/** An object of the registry. */
public sealed interface KubernetesObject
    permits ClusterNode,
        EndpointSlice,
        HttpRouteGroup,
        KubernetesService,
        MeshConfig,
        Namespace,
        OtherObject,
        Pod,
        ServiceAccount,
        TcpRoute,
        TrafficTarget {
  /** Name, labels and origin. */
  ObjectMeta meta();

  /** Which object it is. */
  default ObjectRef ref() {
    return meta().ref();
  }
}
