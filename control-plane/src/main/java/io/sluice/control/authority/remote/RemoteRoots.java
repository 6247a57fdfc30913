package io.sluice.control.authority.vault;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.Pem;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The trust bundle where Vault holds the roots: those of the settings, or the self-signed ones of
 * the mount's chain, looked up again from time to time. A root that disappears stays for as long as
 * its leaves may live; one that appears is distributed before leaves below it are used.
 *
 * <p>Generations are milliseconds of the clock at the change, so that they grow across restarts.
 * Any thread.
 */
final class VaultRoots {
  private static final Duration LOOK_AGAIN_AFTER = Duration.ofMinutes(5);

  private record Seen(Instant first, Instant last) {}

  private final VaultClient client;
  private final VaultSettings settings;
  private final Map<X509Certificate, Seen> seen = new LinkedHashMap<>();
  private Instant lookedAt = Instant.MIN;
  private @Nullable TrustBundle published;

  VaultRoots(VaultClient client, VaultSettings settings) {
    this.client = client;
    this.settings = settings;
  }

  /** What to distribute; looks into Vault where that was not done lately. */
  synchronized TrustBundle bundle(Instant now) {
    TrustBundle known = published;
    if (known == null) {
      return refreshed(now);
    }
    if (now.isBefore(lookedAt.plus(LOOK_AGAIN_AFTER))) {
      return known;
    }
    try {
      return refreshed(now);
    } catch (AuthorityException e) {
      lookedAt = now; // Vault is away; what was trusted stays trusted
      return known;
    }
  }

  /** Looks into Vault now: something was signed below a root that is not in the bundle. */
  synchronized TrustBundle refreshed(Instant now) {
    List<X509Certificate> present =
        settings.trustedRoots().isEmpty() ? fetched() : settings.trustedRoots();
    boolean first = seen.isEmpty();
    for (X509Certificate root : present) {
      Seen before = seen.get(root);
      seen.put(root, new Seen(before != null ? before.first() : first ? Instant.MIN : now, now));
    }
    Duration keep = CertificateRequest.LONGEST_LIFETIME;
    seen.values().removeIf(entry -> entry.last().plus(keep).isBefore(now));
    lookedAt = now;
    List<X509Certificate> roots = List.copyOf(seen.keySet());
    TrustBundle before = published;
    if (before != null && before.roots().equals(roots)) {
      return before;
    }
    long generation = Math.max(now.toEpochMilli(), before == null ? 1 : before.generation() + 1);
    TrustBundle bundle = new TrustBundle(settings.profile().trustDomain(), generation, roots);
    published = bundle;
    return bundle;
  }

  /** Roots that have been distributed for long enough to sign below. */
  synchronized List<X509Certificate> usable(Instant now) {
    bundle(now);
    return seen.entrySet().stream()
        .filter(entry ->
            entry.getValue().first().equals(Instant.MIN)
                || !now.isBefore(entry.getValue().first().plus(settings.distributeFor())))
        .map(Map.Entry::getKey)
        .toList();
  }

  private List<X509Certificate> fetched() {
    String path = settings.mount() + "/ca_chain";
    List<X509Certificate> roots;
    try {
      roots =
          Pem.parse(client.text(path), "Vault " + path).certificates().stream()
              .filter(VaultRoots::isSelfSigned)
              .toList();
    } catch (AuthorityException e) {
      if (e.reason() == Reason.STORE_DAMAGED) {
        throw new AuthorityException(
            Reason.BACKEND_UNREACHABLE,
            "Vault " + path,
            "the answer is no chain in PEM",
            "check the address and the mount",
            e);
      }
      throw e;
    }
    if (roots.isEmpty()) {
      throw new AuthorityException(
          Reason.BACKEND_ANSWER_REFUSED,
          "Vault " + path,
          "there is no self-signed root in it",
          "import the root into the mount, or set the mesh's roots in a file");
    }
    return roots;
  }

  static boolean isSelfSigned(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
  }
}
