package io.sluice.control.authority.vault;

import io.sluice.control.authority.svid.SvidProfile;
import java.net.URI;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Where Vault is and what to ask it for.
 *
 * @param address such as {@code https://vault.example:8200}
 * @param mount path of the PKI secrets engine, such as {@code pki}
 * @param role the engine's role to sign with
 * @param login how to get a token
 * @param serverRoots who may have signed Vault's own TLS certificate; empty for the system's trust
 * @param trustedRoots what the mesh trusts; empty for the self-signed certificates of the mount's
 *     chain
 * @param profile trust domain, and whether a DNS name is asked for
 * @param requestTimeout for one request, from connecting to the last byte
 * @param patience for one signature with all its retries
 * @param longestLeaf greatest lifetime asked for; Vault's role may allow less
 * @param distributeFor how long a root that appears in Vault is made known before leaves below it
 *     are handed out
 */
public record VaultSettings(
    URI address,
    String mount,
    String role,
    VaultLogin login,
    List<X509Certificate> serverRoots,
    List<X509Certificate> trustedRoots,
    SvidProfile profile,
    Duration requestTimeout,
    Duration patience,
    Duration longestLeaf,
    Duration distributeFor) {
  private static final Pattern PATH = Pattern.compile("[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*");

  public VaultSettings {
    boolean web = "http".equals(address.getScheme()) || "https".equals(address.getScheme());
    if (!web || address.getHost() == null) {
      throw new IllegalArgumentException(
          "Vault's address '" + address + "' is not of the form https://host:port");
    }
    requirePath(mount);
    requirePath(role);
    serverRoots = List.copyOf(serverRoots);
    trustedRoots = List.copyOf(trustedRoots);
    if (!requestTimeout.isPositive() || patience.compareTo(requestTimeout) < 0) {
      throw new IllegalArgumentException(
          "the time for all tries (%s) must hold one request (%s)"
              .formatted(patience, requestTimeout));
    }
  }

  /** Parts of a URL that need no escaping. */
  static void requirePath(String path) {
    if (!PATH.matcher(path).matches() || path.contains("..")) {
      throw new IllegalArgumentException("'" + path + "' cannot be a path or role in Vault");
    }
  }
}
