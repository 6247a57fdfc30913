package io.sluice.control.authority.vault;

import java.nio.file.Path;

/**
 * How to prove to Vault who we are. Files are read again at each login, so they may be replaced.
 */
public sealed interface VaultLogin {
  /** A token that somebody put into {@code file}; renewed while Vault lets us. */
  record TokenFile(Path file) implements VaultLogin {}

  /**
   * The Kubernetes auth method: our service account's token for one of Vault's.
   *
   * @param mount path of the auth method, usually {@code kubernetes}
   * @param role Vault's role that binds our service account
   * @param serviceAccountToken file that the kubelet keeps fresh
   */
  record Kubernetes(String mount, String role, Path serviceAccountToken) implements VaultLogin {
    public Kubernetes {
      VaultSettings.requirePath(mount);
      VaultSettings.requirePath(role);
    }
  }
}
