package io.sluice.control.authority.settings;

import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.certmanager.CertManagerSettings.IssuerRef;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.token.TokenSettings;
import io.sluice.control.authority.vault.VaultLogin;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.mesh.TrustDomain;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Everything about the authority that an operator can set. {@code docs/identity.md} has the list
 * for people.
 *
 * @param profile trust domain and form of certificates
 * @param directory state of the authority on this machine: keys, journal
 * @param longestLeaf greatest lifetime it signs; 60 s to 7 d
 * @param distributeFor how long a new root is made known before it signs
 * @param source who holds the signing key
 */
public record AuthoritySettings(
    SvidProfile profile,
    Path directory,
    Duration longestLeaf,
    Duration distributeFor,
    Source source) {

  /** Who holds the key that signs. */
  public sealed interface Source {}

  /** We do, and made it. */
  public record BuiltIn(SigningKey signingKey) implements Source {}

  /** We do, and somebody brought it along; {@code signingKey} is for intermediates below it. */
  public record Imported(Path certificate, Path privateKey, SigningKey signingKey)
      implements Source {}

  /**
   * A Vault server does.
   *
   * @param serverRoots PEM file with who signed Vault's TLS certificate; null for the system's
   *     trust
   * @param trustedRoots PEM file with the mesh's roots; null for the roots of the mount
   */
  public record Vault(
      URI address,
      String mount,
      String role,
      VaultLogin login,
      @Nullable Path serverRoots,
      @Nullable Path trustedRoots)
      implements Source {}

  /**
   * An issuer of cert-manager does.
   *
   * @param trustedRoots PEM file with the mesh's roots; null for the root that the issuer states
   */
  public record CertManager(
      KubernetesAccess cluster, String namespace, IssuerRef issuer, @Nullable Path trustedRoots)
      implements Source {}

  /** A PKCS#11 token does, and we log in to it; keys of {@code signingKey} are made there. */
  public record Token(TokenSettings token, SigningKey signingKey) implements Source {}

  /** The built-in authority with what is usual: P-256, 24 h, a day to distribute a root. */
  public static AuthoritySettings builtIn(TrustDomain trustDomain, Path directory) {
    return new AuthoritySettings(
        new SvidProfile(trustDomain, false, true),
        directory,
        CertificateRequest.DEFAULT_LIFETIME,
        Duration.ofDays(1),
        new BuiltIn(SigningKey.P256));
  }
}
