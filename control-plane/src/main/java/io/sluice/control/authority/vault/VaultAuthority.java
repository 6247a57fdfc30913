package io.sluice.control.authority.vault;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.remote.RemoteIssuing;
import io.sluice.control.authority.remote.RemoteRoots;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Vault's PKI secrets engine as the authority: {@code POST /v1/<mount>/sign/<role>}.
 *
 * <p>Any thread; {@link #sign} blocks as {@link RemoteIssuing} says, and for one more request.
 * Vault's answer is checked like a stranger's before it is handed out.
 */
public final class VaultAuthority implements CertificateAuthority {
  private static final System.Logger LOG = System.getLogger(VaultAuthority.class.getName());

  private final VaultSettings settings;
  private final IssueJournal journal;
  private final InstantSource clock;
  private final VaultClient client;
  private final VaultSession session;
  private final RemoteRoots roots;
  private final RemoteIssuing issuing;

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
    this.roots =
        new RemoteRoots(
            settings.profile().trustDomain(),
            settings.distributeFor(),
            () -> settings.trustedRoots().isEmpty() ? fetchedRoots() : settings.trustedRoots());
    RemoteIssuing.Terms terms =
        new RemoteIssuing.Terms(
            "Vault " + settings.address(),
            "correct the role: see \"Vault\" in docs/identity.md",
            settings.patience(),
            settings.longestLeaf(),
            settings.distributeFor());
    this.issuing = new RemoteIssuing(terms, roots, journal, clock);
    if ("http".equals(settings.address().getScheme())) {
      LOG.log(
          System.Logger.Level.WARNING,
          "vault_without_tls address={0}: tokens cross the network in the clear",
          settings.address());
    }
  }

  @Override
  public IssuedCertificate sign(CertificateRequest request) {
    return issuing.sign(request, (wish, _) -> certificates(withToken(wish).path("data")));
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

  /** The leaf, then whatever may be its issuers. */
  private List<X509Certificate> certificates(JsonNode data) {
    List<X509Certificate> certificates = new ArrayList<>(parsed(data.path("certificate")));
    if (!certificates.isEmpty()) {
      data.path("ca_chain").forEach(node -> certificates.addAll(parsed(node)));
      certificates.addAll(parsed(data.path("issuing_ca")));
    }
    return certificates;
  }

  private List<X509Certificate> parsed(JsonNode pem) {
    if (!pem.isTextual()) {
      return List.of();
    }
    try {
      return Pem.parse(pem.textValue(), "Vault's answer").certificates();
    } catch (AuthorityException e) {
      throw issuing.refused("a certificate in the answer cannot be read");
    }
  }

  private List<X509Certificate> fetchedRoots() {
    String path = settings.mount() + "/ca_chain";
    List<X509Certificate> fetched;
    try {
      fetched =
          Pem.parse(client.text(path), "Vault " + path).certificates().stream()
              .filter(RemoteRoots::isSelfSigned)
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
    if (fetched.isEmpty()) {
      throw new AuthorityException(
          Reason.BACKEND_ANSWER_REFUSED,
          "Vault " + path,
          "there is no self-signed root in it",
          "import the root into the mount, or set the mesh's roots in a file");
    }
    return fetched;
  }

  @Override
  public TrustBundle trustBundle() {
    return roots.bundle(clock.instant());
  }

  @Override
  public void signFor(TrustDomain domain) {
    roots.signFor(domain);
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
