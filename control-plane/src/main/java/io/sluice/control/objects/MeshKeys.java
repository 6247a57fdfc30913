package io.sluice.control.objects;

import java.util.List;

/** Names of the labels and annotations by which manifests talk to a mesh. */
public final class MeshKeys {
  /** Key prefixes of OSM and osm-edge, of FSM, and of Sluice. */
  public static final List<String> PREFIXES =
      List.of("openservicemesh.io/", "flomesh.io/", "sluice.io/");

  /** Label of a Pod or a Namespace: {@code enabled} or {@code disabled}. */
  public static final String MESH = "sluice.io/mesh";

  /** Annotation that places a Pod: a path, or a name below {@code /run/netns}. */
  public static final String NETNS = "sluice.io/netns";

  /** Annotation of a Pod or a Namespace: {@code STRICT} or {@code PERMISSIVE}. */
  public static final String MTLS_MODE = "sluice.io/mtls-mode";

  /** Annotation of a mirror Pod: the UID of the static pod on the node that it stands for. */
  public static final String STATIC_POD_UID = "kubernetes.io/config.mirror";

  /** Label of an EndpointSlice: the Service that it belongs to. */
  public static final String SERVICE_NAME = "kubernetes.io/service-name";

  /** Label of a Namespace, after the prefix: name of the mesh that watches it. */
  public static final String MONITORED_BY = "monitored-by";

  /** Label of a Namespace, after the prefix: {@code "true"} keeps it out of the mesh. */
  public static final String IGNORE = "ignore";

  /** Annotation of a Pod or a Namespace, after the prefix: {@code enabled} or {@code disabled}. */
  public static final String INJECTION = "sidecar-injection";

  private MeshKeys() {}
}
