package io.sluice.control.authority.settings;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.IssueJournal.JournalLimits;
import io.sluice.control.authority.builtin.BuiltInAuthority;
import io.sluice.control.authority.builtin.BuiltInSettings;
import io.sluice.control.authority.builtin.ImportedAuthority;
import io.sluice.control.authority.certmanager.CertManagerAuthority;
import io.sluice.control.authority.certmanager.CertManagerSettings;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.token.TokenIssuers;
import io.sluice.control.authority.token.TokenSettings;
import io.sluice.control.authority.vault.VaultAuthority;
import io.sluice.control.authority.vault.VaultSettings;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Assembles the authority that the settings describe. */
public final class Authorities {
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private Authorities() {}

  /**
   * Opens it; the caller closes it. May block on disk and token; a server is not waited for.
   *
   * @throws AuthorityException naming what is wrong with files or settings, and what to do
   */
  public static CertificateAuthority open(AuthoritySettings settings, InstantSource clock) {
    return switch (settings.source()) {
      case AuthoritySettings.BuiltIn(SigningKey key) ->
          journalled(
              settings,
              journal ->
                  BuiltInAuthority.open(own(settings, key), Optional.empty(), journal, clock));
      case AuthoritySettings.Imported(Path certificate, Path privateKey, SigningKey key) -> {
        Optional<Issuer> imported = Optional.of(ImportedAuthority.read(certificate, privateKey));
        yield journalled(
            settings,
            journal -> BuiltInAuthority.open(own(settings, key), imported, journal, clock));
      }
      case AuthoritySettings.Token(TokenSettings token, SigningKey key) -> {
        TokenIssuers issuers = new TokenIssuers(token);
        Optional<Issuer> there = issuers.broughtAlong();
        yield journalled(
            settings,
            journal -> BuiltInAuthority.open(own(settings, key), issuers, there, journal, clock));
      }
      case AuthoritySettings.Vault vault -> {
        VaultSettings connection = connection(settings, vault);
        yield journalled(settings, journal -> new VaultAuthority(connection, journal, clock));
      }
      case AuthoritySettings.CertManager source -> {
        CertManagerSettings asked = asked(settings, source);
        yield journalled(
            settings,
            journal -> new CertManagerAuthority(asked, cluster(source.cluster()), journal, clock));
      }
    };
  }

  private static BuiltInSettings own(AuthoritySettings settings, SigningKey key) {
    return new BuiltInSettings(
        settings.directory().resolve("keys"),
        settings.profile(),
        key,
        settings.longestLeaf(),
        settings.distributeFor());
  }

  /** The authority owns the journal from its birth on; one that is not born leaves it to us. */
  private static CertificateAuthority journalled(
      AuthoritySettings settings, Function<IssueJournal, CertificateAuthority> opening) {
    IssueJournal journal =
        IssueJournal.open(settings.directory().resolve("journal"), JournalLimits.DEFAULT);
    try {
      return opening.apply(journal);
    } catch (RuntimeException e) {
      journal.close();
      throw e;
    }
  }

  private static KubernetesApi cluster(KubernetesAccess access) {
    try {
      return new KubernetesApi(access, REQUEST_TIMEOUT);
    } catch (KubernetesApiException e) {
      throw new AuthorityException(
          Reason.BACKEND_CREDENTIAL_REFUSED,
          "access to Kubernetes",
          String.valueOf(e.getMessage()),
          "correct the kubeconfig, or run as a pod with a service account",
          e);
    }
  }

  private static CertManagerSettings asked(
      AuthoritySettings settings, AuthoritySettings.CertManager source) {
    return new CertManagerSettings(
        source.namespace(),
        source.issuer(),
        roots(source.trustedRoots()),
        settings.profile(),
        PATIENCE,
        settings.longestLeaf(),
        settings.distributeFor());
  }

  private static VaultSettings connection(
      AuthoritySettings settings, AuthoritySettings.Vault vault) {
    return new VaultSettings(
        vault.address(),
        vault.mount(),
        vault.role(),
        vault.login(),
        roots(vault.serverRoots()),
        roots(vault.trustedRoots()),
        settings.profile(),
        REQUEST_TIMEOUT,
        PATIENCE,
        settings.longestLeaf(),
        settings.distributeFor());
  }

  private static List<X509Certificate> roots(@Nullable Path file) {
    if (file == null) {
      return List.of();
    }
    try {
      List<X509Certificate> roots =
          Pem.parse(Files.readString(file), file.toString()).certificates();
      if (!roots.isEmpty()) {
        return roots;
      }
    } catch (IOException e) {
      throw unreadable(file, "it cannot be read (" + FileFault.reason(e) + ")", e);
    }
    throw unreadable(file, "there is no certificate in it", null);
  }

  private static AuthorityException unreadable(
      Path file, String problem, @Nullable IOException cause) {
    return new AuthorityException(
        Reason.STORE_DAMAGED, file.toString(), problem, "put PEM certificates there", cause);
  }
}
