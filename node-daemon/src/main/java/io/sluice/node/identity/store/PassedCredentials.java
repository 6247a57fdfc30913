package io.sluice.node.identity.store;

import io.sluice.node.identity.x509.Credential;
import java.util.List;

/**
 * Workloads' certificates and keys on their way from one daemon of a node to the next, over a
 * socket that only root can open. They are never written anywhere.
 */
public final class PassedCredentials {
  private PassedCredentials() {}

  /** JSON of all of them; it holds keys. */
  public static byte[] bytes(List<Credential> credentials) {
    return CredentialFormat.bytes(credentials);
  }

  /**
   * The reverse of {@link #bytes}.
   *
   * @throws StoreException when this release cannot read them
   */
  public static List<Credential> read(byte[] bytes) {
    return CredentialFormat.credentials(bytes);
  }
}
