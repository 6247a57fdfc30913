package io.sluice.control.objects;

/** Who wrote an object, and so what is believed of it. */
public enum Provenance {
  /** The node's or the mesh's administrator, into a folder: all of it. */
  FOLDER,
  /**
   * Whoever may write the object in a cluster. A Pod's namespace annotation would let its author
   * name a file of the node, and a Pod to which the API server's admission gave no service account
   * has none: a kubelet makes mirror pods in every namespace.
   */
  API_SERVER
}
