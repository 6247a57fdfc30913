package io.sluice.mesh.decision;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import java.util.Optional;

/**
 * What the node of a pod has to ask of a client outside the mesh whose TLS it ends, by the
 * IngressBackends and AccessControls of the port called.
 *
 * @param certificate whether a certificate is asked for
 * @param http2 whether the application is declared to speak HTTP/2, which is led on as it is
 */
public record OutsideTls(Certificate certificate, boolean http2) {
  /** Whether the client has to show one. */
  public enum Certificate {
    REQUIRED,
    /** It may do without by one of several that let it in. */
    WANTED,
    NOT_ASKED
  }

  /**
   * What is asked of {@code flow}, which has arrived at the listener of {@code pod}; nothing where
   * its TLS, if it speaks any, is the application's. Never throws; does not block.
   */
  public static Optional<OutsideTls> of(MeshSnapshot snapshot, NamespacedName pod, Flow flow) {
    return snapshot
        .workload(pod)
        .or(() ->
            Optional.ofNullable(flow.destination().getAddress()).flatMap(snapshot::workloadAt))
        .flatMap(own -> Outsiders.tls(snapshot, flow, own));
  }
}
