package io.sluice.control.authority.domain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.RotationPhase;
import io.sluice.control.authority.RotationPhase.Distributing;
import io.sluice.control.authority.RotationPhase.RotationPhaseJson;
import io.sluice.control.authority.RotationPhase.Single;
import io.sluice.control.authority.RotationPhase.Using;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.TrustDomain;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/**
 * An authority whose trust domain can be changed while the mesh runs. As for a root, the next one
 * is made known first, then signed for while certificates of the former still live, then the former
 * counts no more; so a node may be one phase late. What it is to be says {@link #want}, which is
 * called regularly, since every step happens within it.
 *
 * <p>Any thread, {@link #want} for one at a time.
 */
public final class ChangingDomain implements CertificateAuthority {
  private static final Logger LOG = System.getLogger(ChangingDomain.class.getName());
  private static final Duration RETRY_AFTER = Duration.ofMinutes(1);

  private final CertificateAuthority authority;
  private final DomainFile file;
  private final Times times;
  private final InstantSource clock;
  private volatile DomainFile.Kept kept;
  private volatile String problem = "";
  private volatile Optional<FederatedBundles> federated = Optional.empty();

  /** Others with a root of the mesh itself, as of the last bundle: asking for roots may block. */
  private volatile List<TrustDomain> sharing = List.of();

  private Instant retryAt = Instant.MIN;

  /**
   * What is in force where no file says so yet.
   *
   * @param isKnown whether it is what the mesh is to have; else the first {@link #want} decides,
   *     and nobody is to be told before
   */
  public record First(TrustDomain domain, boolean isKnown) {}

  /**
   * How long the phases are.
   *
   * @param distributeFor for how long the next domain is made known before it is signed for
   * @param longestLeaf greatest lifetime of a certificate
   */
  public record Times(Duration distributeFor, Duration longestLeaf) {}

  private ChangingDomain(
      CertificateAuthority authority,
      DomainFile file,
      Times times,
      InstantSource clock,
      DomainFile.Kept kept) {
    this.authority = authority;
    this.file = file;
    this.times = times;
    this.clock = clock;
    this.kept = kept;
  }

  /**
   * The trust domain in force as {@code file} says; empty before the first start.
   *
   * @throws AuthorityException where the file is damaged
   */
  public static Optional<TrustDomain> inForce(Path file) {
    return new DomainFile(file).read().map(known -> new TrustDomain(known.phase().active()));
  }

  /**
   * Goes on from where {@code file} stands.
   *
   * @param authority closed with this
   * @throws AuthorityException where the file cannot be used or the authority cannot sign for it
   */
  public static ChangingDomain open(
      Path file, CertificateAuthority authority, First first, Times times, InstantSource clock) {
    DomainFile store = new DomainFile(file);
    Optional<DomainFile.Kept> known = store.read();
    DomainFile.Kept begun =
        known.orElse(new DomainFile.Kept(new Single(first.domain().name()), 0, first.isKnown()));
    DomainFile.Kept kept =
        new DomainFile.Kept(
            begun.phase().afterStart(clock.instant(), times.distributeFor()),
            begun.changes(),
            begun.settled());
    if (known.isEmpty()) {
      store.write(kept);
    }
    authority.signFor(new TrustDomain(kept.phase().active())); // a crash may lie between the two
    return new ChangingDomain(authority, store, times, clock, kept);
  }

  /** The trust domain that is signed for. */
  public TrustDomain inForce() {
    return new TrustDomain(phase().active());
  }

  /** Where a change stands; trust domains by name. */
  public RotationPhase phase() {
    return kept.phase();
  }

  /**
   * The mesh is to have the trust domain {@code wanted}: begins a change, drops one that is only
   * made known where another is wanted, and takes the step that is due. What cannot be stored or
   * signed is tried again after a minute, and told by {@link #health}.
   *
   * @param wanted empty while that cannot be read: then what has begun goes on
   */
  public void want(Optional<TrustDomain> wanted) {
    Instant now = clock.instant();
    RotationPhase phase = phase();
    RotationPhase next = next(wanted.map(TrustDomain::name), now);
    if (next.equals(phase) && (kept.settled() || wanted.isEmpty())) {
      problem = ""; // nothing is due, or the operator has taken it back
      return;
    }
    if (now.isBefore(retryAt)) {
      return;
    }
    boolean isTold = kept.settled() && !next.trusted().equals(phase.trusted());
    DomainFile.Kept following = new DomainFile.Kept(next, kept.changes() + (isTold ? 1 : 0), true);
    try {
      authority.signFor(new TrustDomain(next.active()));
      file.write(following);
    } catch (AuthorityException e) {
      problem = "the trust domain stays " + phase.active() + ": " + e.getMessage();
      retryAt = now.plus(RETRY_AFTER);
      LOG.log(Level.ERROR, "trust_domain_not_changed {0}", problem);
      return;
    }
    LOG.log(Level.INFO, "trust_domain_phase from={0} to={1}", phase, next);
    kept = following;
    problem = "";
    retryAt = Instant.MIN;
  }

  /**
   * The roots of other meshes that nodes are to believe, in their own trust domains: domains and
   * roots that are the mesh's own by now, or still, are left out and told by {@link #health}.
   *
   * @param wanted empty while that cannot be read: what was wanted last goes on
   */
  public void federate(Optional<FederatedBundles> wanted) {
    if (wanted.isPresent() && !wanted.equals(federated)) {
      federated = wanted;
      LOG.log(Level.INFO, "federation_changed bundles={0}", wanted.get());
    }
  }

  private RotationPhase next(Optional<String> known, Instant now) {
    RotationPhase phase = phase();
    RotationPhase due = phase.at(now, times.longestLeaf.plus(SvidProfile.CLOCK_SKEW));
    if (known.isEmpty()) {
      return due;
    }
    String wanted = known.get();
    if (!kept.settled()) {
      return new Single(wanted);
    }
    return switch (phase) {
      case Single(String active) when !active.equals(wanted) ->
          new Distributing(active, wanted, now.plus(times.distributeFor));
      case Distributing(String active, String _, Instant _) when active.equals(wanted) ->
          new Single(active);
      case Distributing(String active, String next, Instant _) when !next.equals(wanted) ->
          new Distributing(active, wanted, now.plus(times.distributeFor));
      case Single _, Distributing _, Using _ -> due;
    };
  }

  @Override
  public IssuedCertificate sign(CertificateRequest request) {
    requireSettled();
    return authority.sign(request);
  }

  @Override
  public List<X509Certificate> signClient(
      List<String> names, PublicKey key, Duration lifetime, String requester) {
    requireSettled();
    return authority.signClient(names, key, lifetime, requester);
  }

  private void requireSettled() {
    if (!kept.settled()) {
      throw new AuthorityException(
          AuthorityException.Reason.BACKEND_UNAVAILABLE,
          "trust domain of the mesh",
          "the MeshConfig could not be read yet, so nothing is signed for the first time",
          "look at what the registry says");
    }
  }

  @Override
  public TrustBundle trustBundle() {
    requireSettled();
    TrustBundle bundle = authority.trustBundle();
    DomainFile.Kept now = kept;
    List<TrustDomain> others =
        now.phase().trusted().stream()
            .map(TrustDomain::new)
            .filter(domain -> !domain.equals(bundle.trustDomain()))
            .toList();
    // The authority knows of one domain at a time, so not of changes of the others.
    long generation = bundle.generation() + now.changes();
    Optional<FederatedBundles> theirs =
        federated.map(wanted -> wanted.without(others).without(List.of(bundle.trustDomain())));
    sharing = theirs.map(bundles -> bundles.sharing(bundle.roots())).orElse(List.of());
    return new TrustBundle(
        bundle.trustDomain(),
        generation,
        bundle.roots(),
        others,
        theirs.map(bundles -> bundles.withoutRoots(bundle.roots())));
  }

  @Override
  public void signFor(TrustDomain domain) {
    throw new UnsupportedOperationException("its trust domain changes by phases");
  }

  @Override
  public AuthorityHealth health() {
    AuthorityHealth health = authority.health();
    String trouble = problem.isEmpty() ? conflict() : problem;
    return trouble.isEmpty() || health.condition() == Condition.UNAVAILABLE
        ? health
        : new AuthorityHealth(Condition.DEGRADED, trouble);
  }

  private String conflict() {
    Optional<FederatedBundles> wanted = federated;
    if (wanted.isEmpty()) {
      return "";
    }
    FederatedBundles others = wanted.get();
    List<TrustDomain> domains =
        phase().trusted().stream().map(TrustDomain::new).filter(others::includes).toList();
    if (!domains.isEmpty()) {
      return "spec.certificate.federatesWith names "
          + domains
          + ", of the mesh itself while its trust domain changes, so those roots are not used;"
          + " remove the entry, or wait for the end of the change";
    }
    List<TrustDomain> shared = sharing;
    return shared.isEmpty()
        ? ""
        : "spec.certificate.federatesWith has a root of the mesh itself for "
            + shared
            + ", which is not used; take it out of the bundle, each mesh needs an authority of its"
            + " own";
  }

  @Override
  public void close() {
    authority.close();
  }

  /** The trust domain in force, and where a change of it stands, over a restart. Any thread. */
  private record DomainFile(Path file) {
    private static final int FORMAT = 1;
    private static final int LONGEST = 4_096;

    /**
     * What is kept.
     *
     * @param changes of the domains that nodes are told of, since the mesh began; files of earlier
     *     releases count none
     * @param settled whether it is what the mesh is to have: keys that were made before that was
     *     known say a trust domain too
     */
    record Kept(RotationPhase phase, long changes, boolean settled) {}

    /** Empty before the first start. */
    Optional<Kept> read() {
      return DurableFiles.read(file, LONGEST, FORMAT, DomainFile::parse);
    }

    void write(Kept kept) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("format", FORMAT).put("changes", kept.changes()).put("settled", kept.settled());
      RotationPhaseJson.put(kept.phase(), node);
      DurableFiles.write(file, node.toPrettyString() + "\n");
    }

    private static Kept parse(JsonNode node) {
      RotationPhase phase = RotationPhaseJson.read(node, domain -> new TrustDomain(domain).name());
      return new Kept(phase, node.path("changes").asLong(), node.path("settled").asBoolean(true));
    }
  }
}
