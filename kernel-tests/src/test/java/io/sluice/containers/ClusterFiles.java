package io.sluice.containers;

import java.nio.file.Path;
import java.util.Map;

/** Where a kubelet has the contents of volumes from. */
interface ClusterFiles {
  /** Where this directory of the node is on the machine. */
  Path onNode(Path directory);

  /** Files of a ConfigMap by name. */
  Map<String, byte[]> configMap(String name);

  /** Files of a Secret by name. */
  Map<String, byte[]> secret(String name);

  /** The directory of a claim; outlives the pod. */
  Path claim(String name);

  /** A token of the pod's account for this audience. */
  byte[] token(String audience);

  /** The directory with token and root for the API server, for pods that have one. */
  Path account();
}
