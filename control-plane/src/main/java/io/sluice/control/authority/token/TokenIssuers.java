package io.sluice.control.authority.token;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.builtin.IssuerStore;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.mesh.svid.Certificates;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Issuers in a PKCS#11 token: roots and intermediates alike, so that no key that signs is on a
 * disk. A key without its certificate is invisible to the JDK, so both are written together. What
 * somebody else put into the token is used and never removed.
 */
public final class TokenIssuers implements IssuerStore {
  private final TokenSettings settings;
  private final Token token;
  private final String rootPrefix;
  private final String intermediatePrefix;

  /** Opens nothing yet. */
  public TokenIssuers(TokenSettings settings) {
    this(settings, new Token(settings));
  }

  TokenIssuers(TokenSettings settings, Token token) {
    this.settings = settings;
    this.token = token;
    this.rootPrefix = settings.keyLabel() + "-root-";
    this.intermediatePrefix = settings.keyLabel() + "-intermediate-";
  }

  /** The authority that somebody put into the token under the label of the settings. */
  public Optional<Issuer> broughtAlong() {
    return Optional.of(settings.keyLabel()).filter(token.labels()::contains).map(this::issuer);
  }

  private Issuer issuer(String label) {
    List<X509Certificate> chain = token.chain(label);
    if (chain.isEmpty()) {
      throw damaged("key '" + label + "' has no certificate");
    }
    return Issuer.checked(
        chain, token.key(chain.getFirst().getPublicKey()), "key '" + label + "' of " + settings);
  }

  @Override
  public KeyPair newKey(SigningKey kind) {
    return token.generate(kind);
  }

  @Override
  public List<String> rootIds() {
    return token.labels().stream()
        .filter(label -> label.startsWith(rootPrefix))
        .map(label -> label.substring(rootPrefix.length()))
        .sorted()
        .toList();
  }

  @Override
  public Issuer root(String id) {
    Issuer root =
        found(id).orElseThrow(() -> damaged("the state names root " + id + ", it is not there"));
    if (!root.id().equals(id)) {
      throw damaged("key '" + rootPrefix + id + "' has another certificate (" + root.id() + ")");
    }
    return root;
  }

  private Optional<Issuer> found(String id) {
    if (token.labels().contains(rootPrefix + id)) {
      return Optional.of(issuer(rootPrefix + id));
    }
    return broughtAlong().filter(root -> root.id().equals(id));
  }

  @Override
  public void writeRoot(Issuer root) {
    if (found(root.id()).isEmpty()) {
      write(rootPrefix + root.id(), root);
    }
  }

  private void write(String label, Issuer issuer) {
    if (!(issuer.key() instanceof TokenKey key)) {
      throw new IllegalArgumentException("a key that is not in the token cannot be brought there");
    }
    token.store(label, key, issuer.certificate());
  }

  @Override
  public Optional<Issuer> intermediate(String rootId) {
    return intermediateLabels(rootId).stream()
        .map(this::issuer)
        .max(Comparator.comparing(Issuer::notBefore));
  }

  private List<String> intermediateLabels(String rootId) {
    return token.labels().stream()
        .filter(label -> label.startsWith(intermediatePrefix))
        .filter(label -> isBelow(rootId, token.chain(label)))
        .toList();
  }

  private static boolean isBelow(String rootId, List<X509Certificate> chain) {
    return chain.size() > 1 && Certificates.id(chain.get(1)).equals(rootId);
  }

  /** The new one first: at no time is there none. */
  @Override
  public void writeIntermediate(String rootId, Issuer intermediate) {
    List<String> old = intermediateLabels(rootId);
    write(intermediatePrefix + intermediate.id(), intermediate);
    old.forEach(token::delete);
  }

  /** Intermediates first: their way to the root is lost with the root. */
  @Override
  public void forget(String rootId) {
    intermediateLabels(rootId).forEach(token::delete);
    Optional.of(rootPrefix + rootId).filter(token.labels()::contains).ifPresent(token::delete);
  }

  @Override
  public Optional<String> outage() {
    return token.outage();
  }

  private AuthorityException damaged(String problem) {
    return new AuthorityException(
        Reason.STORE_DAMAGED,
        settings.toString(),
        problem,
        "restore the token from its backup, or set the right slot");
  }
}
