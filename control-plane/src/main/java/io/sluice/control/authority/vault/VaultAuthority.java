package io.sluice.control.authority.vault;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.AuthorityHealth;
import io.sluice.control.authority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.IssuedCertificate;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.journal.IssueJournal;
import io.sluice.control.authority.journal.JournalEntry;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.svid.SvidRules;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Vault's PKI secrets engine as the authority: {@code POST /v1/<mount>/sign/<role>}.
 *
 * <p>Any thread; {@link #sign} blocks for at most the patience of the settings and one more
 * request. Vault's answer is checked like a stranger's before it is handed out: a role that lets
 * requests choose their names, or signs for longer, is refused and not corrected.
 */
public final class VaultAuthority implements CertificateAuthority {
  private static final System.Logger LOG = System.getLogger(VaultAuthority.class.getName());

  /** Requests on the way at once; the others wait, so that a slow Vault is not buried. */
  private static final int MOST_AT_ONCE = 16;

  private static final int LONGEST_CHAIN = 5;

  private final VaultSettings settings;
  private final IssueJournal journal;
  private final InstantSource clock;
  private final VaultClient client;
  private final VaultSession session;
  private final VaultRoots roots;
  private final Semaphore slots = new Semaphore(MOST_AT_ONCE, true);

  /**
   * Connects to nothing yet.
   *
   * @param journal closed with the authority
   */
  public VaultAuthority(VaultSettings settings, IssueJournal journal, InstantSource clock) {
    this.settings = settings;
    this.journal = journal;
    this.clock = clock;
    this.client =
        new VaultClient(settings.address(), settings.serverRoots(), settings.requestTimeout());
    this.session = new VaultSession(client, settings.login(), clock);
    this.roots = new VaultRoots(client, settings);
    if ("http".equals(settings.address().getScheme())) {
      LOG.log(
          System.Logger.Level.WARNING,
          "vault.without-tls address={0}: tokens cross the network in the clear",
          settings.address());
    }
  }

  @Override
  public IssuedCertificate sign(CertificateRequest request) {
    if (!request.identity().trustDomain().equals(settings.profile().trustDomain())) {
      throw new AuthorityException(
          Reason.TRUST_DOMAIN_FOREIGN,
          "certificate for " + request.identity(),
          "this authority signs for " + settings.profile().trustDomain(),
          "ask the authority of that trust domain");
    }
    if (request.lifetime().compareTo(settings.longestLeaf()) > 0) {
      throw new AuthorityException(
          Reason.LIFETIME_REFUSED,
          "certificate for " + request.identity(),
          "a lifetime of " + request.lifetime() + " is asked for",
          "ask for at most " + settings.longestLeaf());
    }
    acquireSlot();
    try {
      return new Retries(settings.patience()).run(() -> signOnce(request));
    } finally {
      slots.release();
    }
  }

  private void acquireSlot() {
    try {
      if (slots.tryAcquire(settings.patience().toMillis(), TimeUnit.MILLISECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new AuthorityException(
        Reason.BACKEND_UNAVAILABLE,
        "Vault " + settings.address(),
        MOST_AT_ONCE + " requests are on the way and none came back",
        "look at Vault's load");
  }

  private IssuedCertificate signOnce(CertificateRequest request) {
    JsonNode data = withToken(request).path("data");
    Instant now = clock.instant();
    List<X509Certificate> chain = chain(data);
    IssuedCertificate issued = checked(request, chain, now);
    journal.append(JournalEntry.of(now, issued, request.requester()));
    return issued;
  }

  /** A refused token is replaced once: it may have expired, or been revoked, since the last use. */
  private JsonNode withToken(CertificateRequest request) {
    String token = session.token();
    String path = settings.mount() + "/sign/" + settings.role();
    try {
      return client.post(path, token, body(request));
    } catch (AuthorityException e) {
      if (e.reason() != Reason.BACKEND_CREDENTIAL_REFUSED) {
        throw e;
      }
      session.refused(token);
      return client.post(path, session.token(), body(request));
    }
  }

  private ObjectNode body(CertificateRequest request) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("csr", request.proof().pem());
    body.put("uri_sans", request.identity().toString());
    body.put("ttl", request.lifetime().toSeconds() + "s");
    body.put("format", "pem");
    body.put("exclude_cn_from_sans", true);
    if (settings.profile().dnsNames()) {
      SvidProfile.dnsName(request.identity()).ifPresent(name -> body.put("alt_names", name));
    }
    return body;
  }

  /** Leaf and its issuers in order, whatever order they came in; without roots. */
  private List<X509Certificate> chain(JsonNode data) {
    List<X509Certificate> answered = certificates(data.path("certificate"));
    if (answered.isEmpty()) {
      throw refused("there is no certificate in the answer");
    }
    List<X509Certificate> issuers = new ArrayList<>(answered.subList(1, answered.size()));
    data.path("ca_chain").forEach(node -> issuers.addAll(certificates(node)));
    issuers.addAll(certificates(data.path("issuing_ca")));
    List<X509Certificate> chain = new ArrayList<>();
    Optional<X509Certificate> next = Optional.of(answered.getFirst());
    while (next.isPresent() && chain.size() < LONGEST_CHAIN) {
      X509Certificate certificate = next.get();
      chain.add(certificate);
      next =
          issuers.stream()
              .filter(issuer -> !VaultRoots.isSelfSigned(issuer))
              .filter(issuer ->
                  issuer.getSubjectX500Principal().equals(certificate.getIssuerX500Principal()))
              .findFirst();
    }
    return chain;
  }

  private static List<X509Certificate> certificates(JsonNode pem) {
    if (!pem.isTextual()) {
      return List.of();
    }
    try {
      return Pem.parse(pem.textValue(), "Vault's answer").certificates();
    } catch (AuthorityException e) {
      throw refused("a certificate in the answer cannot be read");
    }
  }

  private IssuedCertificate checked(
      CertificateRequest request, List<X509Certificate> chain, Instant now) {
    Optional<String> violation = violation(request, chain, roots.usable(now), now);
    if (violation.isEmpty()) {
      return new IssuedCertificate(request.identity(), chain);
    }
    // The root may be new in Vault. Then it is distributed from now on, and used later.
    if (violation(request, chain, roots.refreshed(now).roots(), now).isEmpty()) {
      throw new AuthorityException(
          Reason.BACKEND_UNAVAILABLE,
          "Vault " + settings.mount(),
          "it signs below a root that nodes do not know yet",
          "the root is being distributed; certificates below it are used after "
              + settings.distributeFor());
    }
    throw refused(violation.get());
  }

  private static Optional<String> violation(
      CertificateRequest request,
      List<X509Certificate> chain,
      List<X509Certificate> roots,
      Instant now) {
    return SvidRules.violation(
        chain,
        new SvidRules.Expectation(
            request.identity(), request.proof().publicKey(), request.lifetime(), roots),
        now);
  }

  private static AuthorityException refused(String violation) {
    return new AuthorityException(
        Reason.BACKEND_ANSWER_REFUSED,
        "what Vault signed",
        violation,
        "correct the role: see \"Vault\" in docs/identity.md");
  }

  @Override
  public TrustBundle trustBundle() {
    return roots.bundle(clock.instant());
  }

  @Override
  public AuthorityHealth health() {
    try {
      client.get("auth/token/lookup-self", session.token());
      return new AuthorityHealth(Condition.READY, "Vault " + settings.address());
    } catch (AuthorityException e) {
      return new AuthorityHealth(Condition.UNAVAILABLE, String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void close() {
    session.close();
    client.close();
    journal.close();
  }
}
