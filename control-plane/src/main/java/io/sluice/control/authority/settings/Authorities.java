package io.sluice.control.authority.settings;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.builtin.BuiltInAuthority;
import io.sluice.control.authority.builtin.BuiltInSettings;
import io.sluice.control.authority.builtin.ImportedAuthority;
import io.sluice.control.authority.journal.IssueJournal;
import io.sluice.control.authority.journal.JournalLimits;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.vault.VaultAuthority;
import io.sluice.control.authority.vault.VaultSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Assembles the authority that the settings describe. */
public final class Authorities {
  private static final Duration VAULT_REQUEST_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration VAULT_PATIENCE = Duration.ofSeconds(20);

  private Authorities() {}

  /**
   * Opens it; the caller closes it. May block on disk; a Vault server is not asked yet.
   *
   * @throws AuthorityException naming what is wrong with files or settings, and what to do
   */
  public static CertificateAuthority open(AuthoritySettings settings, InstantSource clock) {
    return switch (settings.source()) {
      case AuthoritySettings.BuiltIn(SigningKey key) ->
          builtIn(settings, key, Optional.empty(), clock);
      case AuthoritySettings.Imported(Path certificate, Path privateKey, SigningKey key) ->
          builtIn(
              settings, key, Optional.of(ImportedAuthority.read(certificate, privateKey)), clock);
      case AuthoritySettings.Vault vault -> {
        VaultSettings connection = connection(settings, vault);
        yield new VaultAuthority(connection, journal(settings), clock);
      }
    };
  }

  private static BuiltInAuthority builtIn(
      AuthoritySettings settings, SigningKey key, Optional<Issuer> imported, InstantSource clock) {
    BuiltInSettings own =
        new BuiltInSettings(
            settings.directory().resolve("keys"),
            settings.profile(),
            key,
            settings.longestLeaf(),
            settings.distributeFor());
    IssueJournal journal = journal(settings);
    try {
      return BuiltInAuthority.open(own, imported, journal, clock);
    } catch (RuntimeException e) {
      journal.close();
      throw e;
    }
  }

  private static IssueJournal journal(AuthoritySettings settings) {
    return IssueJournal.open(settings.directory().resolve("journal"), JournalLimits.DEFAULT);
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
        VAULT_REQUEST_TIMEOUT,
        VAULT_PATIENCE,
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
      throw unreadable(file, "it cannot be read (" + e + ")", e);
    }
    throw unreadable(file, "there is no certificate in it", null);
  }

  private static AuthorityException unreadable(
      Path file, String problem, @Nullable IOException cause) {
    return new AuthorityException(
        Reason.STORE_DAMAGED, file.toString(), problem, "put PEM certificates there", cause);
  }
}
