package io.sluice.control.outside;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.compile.Ground;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.compile.OutsideCertificate;
import io.sluice.control.compile.Severity;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.metrics.ReplicaMetrics;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.registry.Rounds;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrustDomain;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a Secret for each certificate that a client outside the mesh is to have, while {@code
 * mayWrite}: issues it, looks at it every so often, issues it anew before it ends and when the
 * roots change, and removes it when nobody asks for it any more. A Secret that somebody else has
 * made is left alone. What is removed while no controller runs goes with its AccessCert, whose it
 * is; of an ingress it ends by itself. One virtual thread; keys are made on it and kept until they
 * are written.
 */
public final class SecretsPublisher implements AutoCloseable {
  /** Time between two looks at a Secret that was as it should be. */
  public static final Duration USUAL_LOOK = Duration.ofSeconds(15);

  private static final Logger LOG = System.getLogger(SecretsPublisher.class.getName());
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);
  private static final Duration AFTER_MANY = Duration.ofMinutes(1);

  private final KubernetesApi api;
  private final BooleanSupplier mayWrite;
  private final Wishes wishes;
  private final Supplier<Optional<TrustBundle>> bundles;
  private final CertificateAuthority authority;
  private final ReplicaMetrics metrics;
  private final InstantSource clock;
  private final Duration look;
  private final Rounds rounds = new Rounds("sluice-control-secrets", this::round);
  private final Map<NamespacedName, Kept> kept = new HashMap<>();
  private final Map<NamespacedName, Trial> trials = new HashMap<>();
  private final SigningRate rate = new SigningRate();
  private volatile Map<ObjectRef, ObjectStatus> problems = Map.of();

  /**
   * What there is to be.
   *
   * @param certificates asked for at any time
   * @param accounts those that workloads of the mesh have; empty until all of them were read
   */
  public record Wishes(
      Supplier<List<OutsideCertificate>> certificates,
      Supplier<Optional<Set<NamespacedName>>> accounts) {}

  /**
   * What was seen of a Secret, or written.
   *
   * @param dueNanos when to look again
   * @param renewAt when to issue anew; null where there is no certificate of ours
   */
  private record Kept(
      OutsideCertificate wish, TrustBundle bundle, long dueNanos, @Nullable Instant renewAt) {}

  /** What has not succeeded yet: an entry of the journal is there for each that is signed. */
  private static final class Trial {
    final Backoff backoff = new Backoff(AFTER_FAILURE, AFTER_MANY);
    @Nullable Signed signed;
  }

  private record Signed(
      OutsideCertificate wish, TrustBundle bundle, KeyPair key, List<X509Certificate> chain) {
    boolean isFor(OutsideCertificate other, TrustBundle roots) {
      return wish.owner().ref().equals(other.owner().ref())
          && wish.names().equals(other.names())
          && wish.lifetime().equals(other.lifetime())
          && bundle.equals(roots);
    }
  }

  /**
   * Begins.
   *
   * @param api not owned
   * @param mayWrite asked before each write; nobody else may write while it says yes
   * @param bundles the present roots; empty until they are known
   * @param look time between two looks at a Secret that was as it should be
   */
  public SecretsPublisher(
      KubernetesApi api,
      BooleanSupplier mayWrite,
      Wishes wishes,
      Supplier<Optional<TrustBundle>> bundles,
      CertificateAuthority authority,
      ReplicaMetrics metrics,
      InstantSource clock,
      Duration look) {
    this.api = api;
    this.mayWrite = mayWrite;
    this.wishes = wishes;
    this.bundles = bundles;
    this.authority = authority;
    this.metrics = metrics;
    this.clock = clock;
    this.look = look;
    rounds.start();
  }

  /** Why certificates are not in their Secrets, by who asks for them. */
  public Map<ObjectRef, ObjectStatus> problems() {
    return problems;
  }

  /** Returns the pause until the next. */
  private Duration round() {
    try {
      see();
    } catch (RuntimeException e) {
      // Top frame: without this thread certificates would end.
      LOG.log(Level.ERROR, "secrets_publishing_failed", e);
    }
    return look.compareTo(LONGEST_PAUSE) < 0 ? look : LONGEST_PAUSE;
  }

  private void see() {
    TrustBundle bundle = bundles.get().orElse(null);
    if (!mayWrite.getAsBoolean() || bundle == null) {
      kept.clear();
      trials.clear();
      problems = Map.of();
      return;
    }
    Set<NamespacedName> accounts = wishes.accounts().get().orElse(null);
    if (accounts == null) {
      return; // who is not read yet could be passed for
    }
    Map<NamespacedName, OutsideCertificate> wanted = new HashMap<>();
    Map<ObjectRef, ObjectStatus> found = new HashMap<>();
    for (OutsideCertificate wish : wishes.certificates().get()) {
      Optional<ObjectStatus> refused = passingForWorkload(wish, accounts, bundle.trustDomain());
      if (refused.isPresent()) {
        found.put(wish.owner().ref(), refused.get());
      } else {
        wanted.put(wish.secret(), wish);
      }
    }
    removeOthers(wanted);
    trials.keySet().retainAll(wanted.keySet());
    for (OutsideCertificate wish : wanted.values()) {
      if (rounds.areClosing() || !mayWrite.getAsBoolean()) {
        return;
      }
      if (isFresh(wish, bundle)) {
        ObjectStatus before = problems.get(wish.owner().ref());
        if (before != null) {
          found.put(wish.owner().ref(), before);
        }
      } else {
        keep(wish, bundle).ifPresent(problem -> tell(wish, problem, found));
      }
    }
    problems = Map.copyOf(found);
  }

  /** A name of the form of an account's is nobody's but that account's, once a workload has it. */
  private static Optional<ObjectStatus> passingForWorkload(
      OutsideCertificate wish, Set<NamespacedName> accounts, TrustDomain domain) {
    String ending = "." + domain.name();
    for (String name : wish.names()) {
      String[] labels =
          name.endsWith(ending)
              ? name.substring(0, name.length() - ending.length()).split("\\.")
              : new String[0];
      if (labels.length == 2 && accounts.contains(new NamespacedName(labels[1], labels[0]))) {
        return Optional.of(
            status(
                wish,
                name + " would pass for a workload of the mesh, so its certificate is taken away",
                "write a name that no service account of the mesh has"));
      }
    }
    return Optional.empty();
  }

  private boolean isFresh(OutsideCertificate wish, TrustBundle bundle) {
    Kept known = kept.get(wish.secret());
    return known != null
        && known.wish().equals(wish)
        && known.bundle().equals(bundle)
        && System.nanoTime() - known.dueNanos() < 0
        && (known.renewAt() == null || clock.instant().isBefore(known.renewAt()));
  }

  /** Sees to one; a sentence with what to do where that could not be. */
  private Optional<String> keep(OutsideCertificate wish, TrustBundle bundle) {
    ClientSecret secret = new ClientSecret(wish);
    try {
      JsonNode stored = api.find(secret.path()).orElse(null);
      if (stored != null && !secret.isOurs(stored)) {
        note(wish, bundle, null, look);
        return Optional.of(
            "Secret "
                + wish.secret()
                + " is somebody else's and is left as it is; delete it, or name another");
      }
      Optional<Instant> renewAt =
          stored == null ? Optional.empty() : secret.renewal(stored, bundle, clock.instant());
      if (renewAt.isEmpty()) {
        String namespace = wish.owner().namespace();
        Signed before = signedBefore(secret, bundle);
        long wait = before == null ? rate.take(namespace, System.nanoTime()) : 0;
        if (wait > 0) {
          note(wish, bundle, null, Duration.ofNanos(wait));
          return Optional.of(
              "too many certificates of namespace "
                  + namespace
                  + " were signed; it is tried again within a minute");
        }
        Signed signed = before == null ? sign(secret, bundle) : before;
        renewAt = Optional.of(write(secret, stored, signed));
      }
      trials.remove(wish.secret());
      note(wish, bundle, renewAt.get(), look);
      return Optional.empty();
    } catch (KubernetesApiException e) {
      if (e.failure() == Failure.CONFLICT) {
        note(wish, bundle, null, Duration.ZERO);
        return Optional.empty();
      }
      note(wish, bundle, null, trial(wish).backoff.failed());
      return Optional.of(e.getMessage() + "; " + mend(wish, e.failure()));
    } catch (AuthorityException e) {
      note(wish, bundle, null, trial(wish).backoff.failed());
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private Trial trial(OutsideCertificate wish) {
    return trials.computeIfAbsent(wish.secret(), first -> new Trial());
  }

  private @Nullable Signed signedBefore(ClientSecret secret, TrustBundle bundle) {
    Signed signed = trial(secret.wish()).signed;
    boolean fits =
        signed != null
            && signed.isFor(secret.wish(), bundle)
            && clock.instant().isBefore(secret.renewal(signed.chain().getFirst()));
    return fits ? signed : null;
  }

  private Signed sign(ClientSecret secret, TrustBundle bundle) {
    OutsideCertificate wish = secret.wish();
    KeyPair key = SigningKey.P256.generate();
    List<X509Certificate> chain =
        authority.signClient(wish.names(), key.getPublic(), wish.lifetime(), secret.owner());
    Signed signed = new Signed(wish, bundle, key, chain);
    trial(wish).signed = signed;
    return signed;
  }

  private Instant write(ClientSecret secret, @Nullable JsonNode stored, Signed signed) {
    if (!mayWrite.getAsBoolean()) {
      return clock.instant(); // another one issues its own
    }
    List<X509Certificate> chain = signed.chain();
    if (stored == null) {
      api.post(secret.collection(), secret.first(signed.key(), chain, signed.bundle()));
    } else {
      api.put(secret.path(), secret.changed(stored, signed.key(), chain, signed.bundle()));
    }
    metrics.secretWritten();
    X509Certificate leaf = chain.getFirst();
    LOG.log(
        Level.INFO,
        "client_certificate_issued owner={0} secret={1} serial={2} until={3}",
        secret.owner(),
        secret.wish().secret(),
        leaf.getSerialNumber().toString(16),
        leaf.getNotAfter().toInstant());
    return secret.renewal(leaf);
  }

  private void note(
      OutsideCertificate wish, TrustBundle bundle, @Nullable Instant renewAt, Duration until) {
    kept.put(wish.secret(), new Kept(wish, bundle, System.nanoTime() + until.toNanos(), renewAt));
  }

  /** Those that nobody asks for any more, or somebody else does. */
  private void removeOthers(Map<NamespacedName, OutsideCertificate> wanted) {
    for (Kept known : List.copyOf(kept.values())) {
      OutsideCertificate now = wanted.get(known.wish().secret());
      if (now != null && now.owner().ref().equals(known.wish().owner().ref())) {
        continue;
      }
      ClientSecret secret = new ClientSecret(known.wish());
      try {
        Optional<JsonNode> stored = api.find(secret.path()).filter(secret::isOurs);
        if (stored.isPresent() && mayWrite.getAsBoolean()) {
          api.delete(secret.path(), stored.get());
          LOG.log(
              Level.INFO,
              "client_certificate_removed owner={0} secret={1}",
              secret.owner(),
              known.wish().secret());
        }
        kept.remove(known.wish().secret());
      } catch (KubernetesApiException e) {
        LOG.log(Level.WARNING, "client_certificate_not_removed {0}", e.getMessage());
      }
    }
  }

  private void tell(OutsideCertificate wish, String problem, Map<ObjectRef, ObjectStatus> found) {
    ObjectStatus status = status(wish, problem, "");
    if (!status.equals(problems.get(wish.owner().ref()))) {
      LOG.log(Level.WARNING, "client_certificate_not_issued {0}: {1}", wish.secret(), problem);
    }
    found.put(wish.owner().ref(), status);
  }

  private static ObjectStatus status(OutsideCertificate wish, String problem, String mend) {
    boolean isGateway = wish.owner().ref().kind().equals("MeshConfig");
    return new ObjectStatus(
        wish.owner().ref(),
        wish.owner().file(),
        wish.owner().line(),
        isGateway ? Severity.WARNING : Severity.UNUSABLE,
        isGateway ? "spec.certificate.ingressGateway" : "spec",
        problem,
        mend,
        "",
        null,
        Ground.SAID);
  }

  private static String mend(OutsideCertificate wish, Failure failure) {
    return switch (failure) {
      case FORBIDDEN ->
          "add {namespace: %s, names: [%s]} to the chart value controller.certificateSecrets"
              .formatted(wish.secret().namespace(), wish.secret().name());
      case UNAUTHENTICATED -> "give the controller a credential that the API server knows";
      case NOT_FOUND -> "make the namespace " + wish.secret().namespace();
      case REJECTED -> "delete the Secret, or let the API server take it";
      case UNREACHABLE, BUSY, CONFLICT -> "it is tried again";
    };
  }

  /** Stops; a write that is under way ends first. */
  @Override
  public void close() {
    rounds.close();
  }
}
