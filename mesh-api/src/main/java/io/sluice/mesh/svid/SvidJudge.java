package io.sluice.mesh.svid;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXReason;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a chain of certificates proves an identity by the roots of the trust domain that it names
 * (SPIFFE X.509-SVID §4 and §5, RFC 5280 §6.1). The path itself is the JDK's to follow (PKIX); the
 * rules here are what it leaves out: those of SPIFFE, the strength of keys and signatures, the
 * bounds that a root states for itself, and one measure for clocks.
 *
 * <p>Immutable; any thread; no I/O. One verdict costs as many signatures as the chain has.
 */
public final class SvidJudge {
  /** Most certificates from the leaf to below the root: a leaf and five issuers. */
  public static final int LONGEST_CHAIN = 6;

  /** Most that may be shown: some also send the root. */
  public static final int LONGEST_SHOWN = LONGEST_CHAIN + 1;

  /**
   * By how much clocks may differ, at the begin and the end of validity alike: what unsynchronised
   * small boards show soon after they start.
   */
  public static final Duration CLOCK_SKEW = Duration.ofMinutes(1);

  /** The side on which a key is used (RFC 5280 §4.2.1.12). */
  public enum Purpose {
    SERVER("1.3.6.1.5.5.7.3.1"),
    CLIENT("1.3.6.1.5.5.7.3.2");

    private final String oid;

    Purpose(String oid) {
      this.oid = oid;
    }
  }

  /** A workload is both ends. */
  public static final Set<Purpose> BOTH = Set.of(Purpose.SERVER, Purpose.CLIENT);

  /**
   * What a chain has proven.
   *
   * @param root the trusted certificate that it leads to
   */
  public record Proven(SpiffeId identity, X509Certificate root) {}

  /**
   * A trusted certificate. The JDK takes no constraints of an anchor, so one that states some is
   * followed like an intermediate below its own key.
   */
  private record Root(X509Certificate certificate, TrustAnchor anchor, boolean isFollowed) {
    static Root of(X509Certificate one) {
      return one.getExtensionValue(NAME_CONSTRAINTS) == null
          ? new Root(one, new TrustAnchor(one, null), false)
          : new Root(
              one, new TrustAnchor(one.getSubjectX500Principal(), one.getPublicKey(), null), true);
    }
  }

  private static final Duration ANY_BEGIN = Duration.ofDays(36_525);

  private static final String EXTENDED_KEY_USAGE = "2.5.29.37";
  private static final String NAME_CONSTRAINTS = "2.5.29.30";
  private static final int DNS_NAME = 2;
  private static final int URI_NAME = 6; // GeneralName, RFC 5280 §4.2.1.6
  private static final int DIGITAL_SIGNATURE = 0; // bits of KeyUsage, RFC 5280 §4.2.1.3
  private static final int KEY_CERT_SIGN = 5;
  private static final int CRL_SIGN = 6;

  private final Map<TrustDomain, List<Root>> roots;

  /** By bundles; a chain is never judged by the roots of another domain than its own. */
  public SvidJudge(Map<TrustDomain, ? extends Collection<X509Certificate>> bundles) {
    Map<TrustDomain, List<Root>> prepared = new HashMap<>();
    bundles.forEach((domain, certificates) ->
        prepared.put(domain, certificates.stream().map(Root::of).toList()));
    this.roots = Map.copyOf(prepared);
  }

  /** By the bundle of one trust domain alone. */
  public static SvidJudge of(TrustDomain domain, Collection<X509Certificate> bundle) {
    return of(List.of(domain), bundle);
  }

  /** By one bundle, where a mesh has several trust domains at a time. */
  public static SvidJudge of(List<TrustDomain> domains, Collection<X509Certificate> bundle) {
    Map<TrustDomain, Collection<X509Certificate>> bundles = new HashMap<>();
    domains.forEach(domain -> bundles.put(domain, bundle));
    return new SvidJudge(bundles);
  }

  /**
   * The identity that {@code chain} proves.
   *
   * @param chain leaf first, as it was shown; trusted roots behind the leaf are passed over
   * @param purposes what the leaf's key has to be for, where its certificate limits that
   * @throws SvidRefused by the first rule that it breaks; nothing else is thrown, whatever it is
   */
  public Proven prove(List<X509Certificate> chain, Set<Purpose> purposes, Instant now)
      throws SvidRefused {
    return prove(chain, purposes, now, CLOCK_SKEW);
  }

  /** The same by a clock: begins do not count where it has only a lower bound of the time. */
  public Proven prove(List<X509Certificate> chain, Set<Purpose> purposes, SiteTime time)
      throws SvidRefused {
    Duration early = time.isLowerBound() ? ANY_BEGIN : CLOCK_SKEW;
    return prove(chain, purposes, time.instant(), early);
  }

  /**
   * As {@link #prove} for a chain that was judged when it came, and that is our own: neither its
   * purposes nor its begin count now. A machine without a battery wakes up in the past.
   */
  public Proven proveKept(List<X509Certificate> chain, Instant now) throws SvidRefused {
    return prove(chain, Set.of(), now, ANY_BEGIN);
  }

  private Proven prove(
      List<X509Certificate> shown, Set<Purpose> purposes, Instant now, Duration early)
      throws SvidRefused {
    return judged(
        shown,
        chain -> {
          SpiffeId identity = identity(chain);
          List<Root> trusted = roots.getOrDefault(identity.trustDomain(), List.of());
          if (trusted.isEmpty()) {
            throw new SvidRefused(
                SvidReason.FOREIGN_TRUST_DOMAIN, "no bundle for the trust domain of " + identity);
          }
          return new Proven(identity, root(chain, trusted, identity, purposes, now, early));
        });
  }

  /**
   * By which names {@code chain} proves a client that is no workload, by the roots of any of the
   * domains: the URI of its certificate where there is one, as of a workload's, else its DNS names
   * in lower case.
   *
   * @param chain leaf first, as it was shown
   * @throws SvidRefused as {@link #prove}
   */
  public Set<String> principals(List<X509Certificate> chain, SiteTime time) throws SvidRefused {
    Duration early = time.isLowerBound() ? ANY_BEGIN : CLOCK_SKEW;
    return judged(
        chain,
        read -> {
          X509Certificate leaf = requireLeaf(read, "a client outside the mesh");
          List<String> uris = names(leaf, URI_NAME);
          Set<String> principals =
              uris.isEmpty()
                  ? names(leaf, DNS_NAME).stream()
                      .map(name -> name.toLowerCase(Locale.ROOT))
                      .collect(Collectors.toUnmodifiableSet())
                  : Set.copyOf(uris);
          List<Root> trusted = roots.values().stream().flatMap(List::stream).distinct().toList();
          var _ = root(read, trusted, principals, Set.of(Purpose.CLIENT), time.instant(), early);
          return principals;
        });
  }

  /** What is asked of a chain that has been read. */
  private interface Judgement<T> {
    T of(List<X509Certificate> chain) throws CertificateException;
  }

  private static <T> T judged(List<X509Certificate> shown, Judgement<T> judgement)
      throws SvidRefused {
    if (shown.size() > LONGEST_SHOWN) {
      throw new SvidRefused(
          SvidReason.CHAIN_TOO_LONG,
          "a chain of " + shown.size() + " certificates; at most " + LONGEST_SHOWN);
    }
    try {
      List<X509Certificate> chain = new ArrayList<>(shown.size());
      for (X509Certificate one : shown) {
        chain.add(read(one));
      }
      return judgement.of(chain);
    } catch (CertificateException e) {
      throw e instanceof SvidRefused refused ? refused : unreadable(e);
    } catch (RuntimeException e) {
      throw unreadable(e); // hostile certificates reach many parsers
    }
  }

  /** The root that {@code chain}, which is of {@code whose}, leads to. */
  private static X509Certificate root(
      List<X509Certificate> chain,
      List<Root> trusted,
      Object whose,
      Set<Purpose> purposes,
      Instant now,
      Duration early)
      throws CertificateException {
    X509Certificate leaf = chain.getFirst();
    List<X509Certificate> path =
        chain.stream().filter(one -> one == leaf || !isRoot(one, trusted)).toList();
    if (path.size() > LONGEST_CHAIN) {
      throw new SvidRefused(
          SvidReason.CHAIN_TOO_LONG,
          "a chain of " + path.size() + " certificates below the root of " + whose);
    }
    requirePurposes(leaf, whose, purposes);
    for (X509Certificate one : path) {
      Strength.requireKey(one, whose);
      Strength.requireSignature(one, whose);
    }
    requireSigners(path, whose);
    return root(path, trusted, whose, now, early);
  }

  private static SvidRefused unreadable(Exception cause) {
    return new SvidRefused(
        SvidReason.UNREADABLE, "a certificate cannot be read: " + cause.getMessage(), cause);
  }

  private static boolean isRoot(X509Certificate one, List<Root> trusted) {
    return trusted.stream().anyMatch(root -> one.equals(root.certificate()));
  }

  /**
   * The identity that the leaf of {@code chain} names, if it keeps the rules for leaves by itself
   * (SPIFFE X.509-SVID §2 to §4): exactly one URI, of the form that the mesh issues; no authority;
   * a key that signs handshakes and neither certificates nor revocation lists. Who signed it, and
   * for how long, is not looked at.
   */
  public static SpiffeId identity(List<X509Certificate> chain) throws SvidRefused {
    String uri = onlyUri(chain);
    X509Certificate _ = requireLeaf(chain, uri);
    try {
      return SpiffeId.parse(uri);
    } catch (IllegalArgumentException e) {
      throw new SvidRefused(SvidReason.NOT_AN_SVID, String.valueOf(e.getMessage()), e);
    }
  }

  private static String onlyUri(List<X509Certificate> chain) throws SvidRefused {
    List<String> uris = names(first(chain), URI_NAME);
    if (uris.size() != 1) {
      throw notAnSvid("the leaf has " + uris.size() + " URI names instead of exactly one");
    }
    return uris.getFirst();
  }

  private static X509Certificate first(List<X509Certificate> chain) throws SvidRefused {
    if (chain.isEmpty()) {
      throw new SvidRefused(SvidReason.NO_CERTIFICATE, "an empty chain");
    }
    return chain.getFirst();
  }

  /** The first of {@code chain}, of a key that signs handshakes, and nothing else. */
  private static X509Certificate requireLeaf(List<X509Certificate> chain, Object whose)
      throws SvidRefused {
    X509Certificate leaf = first(chain);
    if (leaf.getBasicConstraints() != -1) {
      throw notAnSvid("the leaf of " + whose + " is a certificate authority's");
    }
    boolean[] usage = leaf.getKeyUsage();
    if (usage == null || !usage[DIGITAL_SIGNATURE]) {
      throw notAnSvid("the key of " + whose + " may not sign handshakes");
    }
    if (usage[KEY_CERT_SIGN] || usage[CRL_SIGN]) {
      throw notAnSvid("the key of " + whose + " may sign certificates or CRLs");
    }
    return leaf;
  }

  private static List<String> names(X509Certificate leaf, int kind) throws SvidRefused {
    try {
      Collection<List<?>> names = leaf.getSubjectAlternativeNames();
      return names == null
          ? List.of()
          : names.stream()
              .filter(name -> name.getFirst().equals(kind))
              .map(name -> String.valueOf(name.get(1)))
              .toList();
    } catch (CertificateException e) {
      throw new SvidRefused(
          SvidReason.NOT_AN_SVID, "its names cannot be read: " + e.getMessage(), e);
    }
  }

  private static SvidRefused notAnSvid(String problem) {
    return new SvidRefused(SvidReason.NOT_AN_SVID, problem);
  }

  /**
   * As the JDK reads it, whosever class it is of; bounded; and nothing in it that the JDK passes
   * over: it drops an extension that it cannot read and that is not critical, so that a limit would
   * be none and a second one not be seen.
   */
  private static X509Certificate read(X509Certificate shown) throws CertificateException {
    byte[] encoded = shown.getEncoded();
    if (encoded.length > Certificates.LONGEST_BYTES) {
      throw Certificates.oversized(encoded.length);
    }
    X509Certificate one =
        shown.getClass().getModule().equals(Object.class.getModule())
            ? shown
            : Certificates.parse(encoded);
    if (!Extensions.areDistinct(one.getTBSCertificate())) {
      throw new SvidRefused(SvidReason.UNREADABLE, "one extension is there twice (RFC 5280 §4.2)");
    }
    if (one.getExtendedKeyUsage() == null && one.getExtensionValue(EXTENDED_KEY_USAGE) != null) {
      throw new SvidRefused(SvidReason.UNREADABLE, "its extended key usage cannot be read");
    }
    byte[] constraints = one.getExtensionValue(NAME_CONSTRAINTS);
    if (constraints != null && !one.getCriticalExtensionOIDs().contains(NAME_CONSTRAINTS)) {
      // An unchecked exception where they cannot be read; critical ones have been.
      var _ =
          new TrustAnchor(
              one.getSubjectX500Principal(), one.getPublicKey(), Extensions.value(constraints));
    }
    return one;
  }

  private static void requirePurposes(X509Certificate leaf, Object identity, Set<Purpose> purposes)
      throws CertificateException {
    List<String> allowed = leaf.getExtendedKeyUsage();
    if (allowed == null) {
      return; // SPIFFE X.509-SVID §4.4: it may be absent
    }
    for (Purpose purpose : purposes) {
      if (!allowed.contains(purpose.oid)) {
        throw new SvidRefused(
            SvidReason.WRONG_PURPOSE, "the key of " + identity + " is not for a " + purpose);
      }
    }
  }

  /** SPIFFE X.509-SVID §4.1, §4.3. The JDK would take an issuer that states no key usage. */
  private static void requireSigners(List<X509Certificate> path, Object identity)
      throws SvidRefused {
    for (X509Certificate issuer : path.subList(1, path.size())) {
      boolean[] usage = issuer.getKeyUsage();
      if (issuer.getBasicConstraints() < 0 || usage == null || !usage[KEY_CERT_SIGN]) {
        throw new SvidRefused(
            SvidReason.UNTRUSTED,
            "an issuer in the chain of " + identity + " is no certificate authority");
      }
    }
  }

  private static X509Certificate root(
      List<X509Certificate> path, List<Root> trusted, Object identity, Instant now, Duration early)
      throws CertificateException {
    Instant judgedAt = judgedAt(path, identity, now, early);
    SvidRefused refusal = null;
    for (Root root : trusted) {
      if (root.certificate()
          .getSubjectX500Principal()
          .equals(path.getLast().getIssuerX500Principal())) {
        try {
          follow(path, root, identity, now, early, judgedAt);
          return root.certificate();
        } catch (SvidRefused e) {
          refusal = e; // perhaps another root has the same name
        }
      }
    }
    throw refusal != null
        ? refusal
        : new SvidRefused(
            SvidReason.UNTRUSTED, "the chain of " + identity + " leads to no trusted root");
  }

  private static void follow(
      List<X509Certificate> path,
      Root root,
      Object identity,
      Instant now,
      Duration early,
      Instant judgedAt)
      throws CertificateException {
    X509Certificate trusted = root.certificate();
    requireRoot(root, identity, now, early);
    // RFC 5280 §6.2 leaves an anchor's own bounds to us; the JDK does not look at them.
    if (trusted.getBasicConstraints() < path.size() - 1) {
      throw new SvidRefused(
          SvidReason.UNTRUSTED,
          "the root of " + identity + " may have fewer authorities below it, or is none itself");
    }
    try {
      PKIXParameters parameters = new PKIXParameters(Set.of(root.anchor()));
      parameters.setRevocationEnabled(false); // short lives and the deny list stand in for CRLs
      parameters.setDate(Date.from(judgedAt));
      List<X509Certificate> followed =
          root.isFollowed() ? Stream.concat(path.stream(), Stream.of(trusted)).toList() : path;
      CertPathValidator.getInstance("PKIX")
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(followed), parameters);
    } catch (CertPathValidatorException e) {
      throw new SvidRefused(
          reason(e),
          "the chain of " + identity + " leads to no trusted root: " + e.getMessage(),
          e);
    } catch (GeneralSecurityException e) {
      throw new SvidRefused(
          SvidReason.UNREADABLE, "the chain of " + identity + " cannot be judged", e);
    }
  }

  /**
   * That a root could prove somebody now, by its own key and time, as {@link #prove} looks at them.
   *
   * @param domain that it vouches for
   * @throws SvidRefused {@code WEAK}, {@code NOT_YET_VALID}, {@code EXPIRED} or {@code UNREADABLE};
   *     nothing else is thrown, whatever it is
   */
  public static void requireRoot(X509Certificate root, TrustDomain domain, Instant now)
      throws SvidRefused {
    try {
      requireRoot(Root.of(root), domain, now, CLOCK_SKEW);
    } catch (CertificateException e) {
      throw e instanceof SvidRefused refused ? refused : unreadable(e);
    } catch (RuntimeException e) {
      throw unreadable(e);
    }
  }

  private static void requireRoot(Root root, Object whose, Instant now, Duration early)
      throws CertificateException {
    X509Certificate trusted = root.certificate();
    if (root.isFollowed()) {
      var _ = read(trusted);
    }
    Strength.requireKey(trusted, whose);
    judgedAt(List.of(trusted), whose, now, early);
  }

  private static SvidReason reason(CertPathValidatorException met) {
    CertPathValidatorException.@Nullable Reason reason = met.getReason();
    if (reason == PKIXReason.INVALID_NAME) {
      return SvidReason.NAME_CONSTRAINED;
    }
    if (reason == BasicReason.ALGORITHM_CONSTRAINED) {
      return SvidReason.WEAK;
    }
    // Where no instant is within all validities, although each is within the skew.
    return reason == BasicReason.EXPIRED || reason == BasicReason.NOT_YET_VALID
        ? SvidReason.EXPIRED
        : SvidReason.UNTRUSTED;
  }

  /** An instant inside the validity of every certificate, as near to now as there is one. */
  private static Instant judgedAt(
      List<X509Certificate> certificates, Object whose, Instant now, Duration early)
      throws SvidRefused {
    Instant judgedAt = now;
    for (X509Certificate one : certificates) {
      Instant begin = one.getNotBefore().toInstant();
      Instant end = one.getNotAfter().toInstant();
      if (now.isBefore(begin.minus(early))) {
        throw new SvidRefused(
            SvidReason.NOT_YET_VALID,
            "a certificate of " + whose + " begins at " + begin + ", it is " + now + " here");
      }
      if (now.isAfter(end.plus(CLOCK_SKEW))) {
        throw new SvidRefused(
            SvidReason.EXPIRED,
            "a certificate of " + whose + " ended at " + end + ", it is " + now + " here");
      }
      judgedAt = judgedAt.isBefore(begin) ? begin : judgedAt.isAfter(end) ? end : judgedAt;
    }
    return judgedAt;
  }
}
