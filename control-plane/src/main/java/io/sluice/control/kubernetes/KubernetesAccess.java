package io.sluice.control.kubernetes;

import io.fabric8.kubernetes.client.Config;
import java.net.URI;
import java.nio.file.Path;

/** Where the API server is and how to prove to it who we are. */
public sealed interface KubernetesAccess {
  /** What a pod uses that has a service account. */
  InCluster IN_CLUSTER =
      new InCluster(
          URI.create("https://kubernetes.default.svc"),
          Path.of("/var/run/secrets/kubernetes.io/serviceaccount"));

  /**
   * From within a pod.
   *
   * @param server its name is in the certificate of every API server
   * @param serviceAccount directory with {@code token} and {@code ca.crt}; the token is read again
   *     for each request, since the kubelet replaces it
   */
  record InCluster(URI server, Path serviceAccount) implements KubernetesAccess {}

  /** From outside: the current context of a kubeconfig file. */
  record Kubeconfig(Path file) implements KubernetesAccess {}

  /** As somebody has found out already. */
  record Known(Config config) implements KubernetesAccess {
    /** Without credentials. */
    @Override
    public String toString() {
      return config.getMasterUrl();
    }
  }
}
