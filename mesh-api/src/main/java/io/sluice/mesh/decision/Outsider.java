package io.sluice.mesh.decision;

import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a client outside the mesh has shown in TLS that this node has ended.
 *
 * @param host that it named (SNI), in lower case; empty where it named none
 * @param principals of the certificate that it proved; empty where none was asked for
 * @param serialOrNull of that certificate
 */
public record Outsider(String host, Set<String> principals, @Nullable BigInteger serialOrNull) {
  public Outsider {
    principals = Set.copyOf(principals);
  }

  /** Whether {@code denied} names its certificate, or an identity that this is of. */
  boolean isDeniedBy(DeniedPeers denied) {
    return (serialOrNull != null && denied.serials().contains(serialOrNull))
        || denied.identities().stream().map(SpiffeId::toString).anyMatch(principals::contains)
        || denied.foreign().stream().map(SpiffeId::toString).anyMatch(principals::contains);
  }
}
