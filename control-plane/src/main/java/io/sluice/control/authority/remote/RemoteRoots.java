package io.sluice.control.authority.remote;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The trust bundle where somebody else holds the roots: looked up there again from time to time. A
 * root that disappears stays for as long as its leaves may live; one that appears is distributed
 * before leaves below it are used.
 *
 * <p>Generations are milliseconds of the clock at the change, so that they grow across restarts.
 * Any thread.
 */
public final class RemoteRoots {
  /** How old what is known of the roots may be. */
  public static final Duration LOOK_AGAIN_AFTER = Duration.ofMinutes(5);

  private record Seen(Instant first, Instant last) {}

  private volatile TrustDomain trustDomain;
  private final Duration distributeFor;
  private final Supplier<List<X509Certificate>> source;
  private final Map<X509Certificate, Seen> seen = new LinkedHashMap<>();
  private Instant lookedAt = Instant.MIN;
  private @Nullable TrustBundle published;

  /**
   * Looks nothing up yet.
   *
   * @param distributeFor how long a new root is made known before it counts as {@link #usable}
   * @param source the roots that are in use there, at least one; may block and throw {@link
   *     AuthorityException}; called by one thread at a time
   */
  public RemoteRoots(
      TrustDomain trustDomain, Duration distributeFor, Supplier<List<X509Certificate>> source) {
    this.trustDomain = trustDomain;
    this.distributeFor = distributeFor;
    this.source = source;
  }

  /** The roots are those of {@code domain} from now on. */
  public synchronized void signFor(TrustDomain domain) {
    TrustBundle known = published;
    trustDomain = domain;
    if (known != null && !known.trustDomain().equals(domain)) {
      published = new TrustBundle(domain, known.generation() + 1, known.roots());
    }
  }

  /** The trust domain that is signed for. Never waits for the source. */
  TrustDomain trustDomain() {
    return trustDomain;
  }

  /** What to distribute; looks it up where that was not done lately. */
  public synchronized TrustBundle bundle(Instant now) {
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
      lookedAt = now; // the source is away; what was trusted stays trusted
      return known;
    }
  }

  /** Looks it up now: something was signed below a root that is not in the bundle. */
  synchronized TrustBundle refreshed(Instant now) {
    List<X509Certificate> present = source.get();
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
    TrustBundle bundle = new TrustBundle(trustDomain, generation, roots);
    published = bundle;
    return bundle;
  }

  /** Roots that have been distributed for long enough to sign below. */
  synchronized List<X509Certificate> usable(Instant now) {
    bundle(now);
    return seen.entrySet().stream()
        .filter(entry ->
            entry.getValue().first().equals(Instant.MIN)
                || !now.isBefore(entry.getValue().first().plus(distributeFor)))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Whether it names itself as its issuer. */
  public static boolean isSelfSigned(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
  }
}
