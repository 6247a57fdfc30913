package io.sluice.control.compile;

import io.sluice.control.objects.ObjectMeta;
import io.sluice.mesh.NamespacedName;
import java.time.Duration;
import java.util.List;

/**
 * A certificate for a client outside the mesh that goes into a Secret.
 *
 * @param owner the AccessCert or MeshConfig that asks for it
 * @param names DNS names below the trust domain, in lower case, in order
 * @param lifetime of each that is issued
 * @param secret where it goes
 */
public record OutsideCertificate(
    ObjectMeta owner, List<String> names, Duration lifetime, NamespacedName secret) {
  public OutsideCertificate {
    names = List.copyOf(names);
  }
}
