package io.sluice.proxy;

import io.sluice.mesh.SpiffeId;
import io.sluice.proxy.tls.TlsIdentity;
import java.util.Optional;

/** The ends of mutual TLS that pods of this node have. Called on event loops: never blocks. */
public interface WorkloadIdentities {
  /** Nobody has one. */
  WorkloadIdentities NONE = identity -> Optional.empty();

  /**
   * The end that proves {@code identity}; empty while there is no certificate. May be another
   * object later; connections that stand keep the one they were made with, whose deny list goes on
   * being asked.
   */
  Optional<TlsIdentity> of(SpiffeId identity);
}
