package io.sluice.control.authority.token;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.mesh.Sha256;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.InvalidParameterException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.ProviderException;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.UnrecoverableKeyException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One PKCS#11 token with a session that is made anew when it was lost. Keys go by the SHA-256 of
 * their public key, in hexadecimal. The provider is not registered: nothing else of this process
 * can reach the token by accident.
 *
 * <p>Any thread: sessions are opened by one at a time, signatures are made side by side.
 */
final class Token {
  private static final Logger LOG = System.getLogger(Token.class.getName());
  private static final int P384_BITS = 384;

  /**
   * Provider and key store of one login; handles of keys are worth nothing in another. The lock of
   * {@code handles} guards the store too.
   */
  private record Session(Provider provider, KeyStore store, Map<String, PrivateKey> handles) {}

  private final TokenSettings settings;
  private final TokenSettings.Pin pin;
  private @Nullable Session session;
  private volatile @Nullable AuthorityException failed;

  Token(TokenSettings settings) {
    this.settings = settings;
    this.pin = new TokenSettings.Pin(settings.pinFile());
  }

  /** Why the last use failed; empty where it did not. */
  Optional<String> outage() {
    AuthorityException last = failed;
    return last == null ? Optional.empty() : Optional.ofNullable(last.getMessage());
  }

  private interface Use<T> {
    T apply(Session session) throws GeneralSecurityException, IOException;
  }

  /** Runs {@code use}, and once more in a new session where the first one turns out to be lost. */
  private <T> T with(Use<T> use) {
    try {
      Session first = session();
      try {
        return done(use.apply(first));
      } catch (GeneralSecurityException | IOException | ProviderException e) {
        LOG.log(Level.WARNING, "token_session_lost {0}: {1}", settings, e);
        return done(use.apply(reopened(first)));
      }
    } catch (AuthorityException e) {
      failed = e;
      throw e;
    } catch (GeneralSecurityException | IOException | ProviderException e) {
      AuthorityException gone =
          new AuthorityException(
              Reason.BACKEND_UNREACHABLE,
              settings.toString(),
              "it does not do what it is asked: " + innermost(e),
              "look whether the token is there and works",
              e);
      failed = gone;
      throw gone;
    }
  }

  private <T> T done(T result) {
    failed = null;
    return result;
  }

  private synchronized Session session() throws GeneralSecurityException {
    Session open = session;
    if (open == null) {
      open = login(provider());
      session = open;
    }
    return open;
  }

  /** A session other than {@code lost}: by the same provider if that works, else by a new one. */
  private synchronized Session reopened(Session lost) throws GeneralSecurityException {
    if (session != null && session != lost) {
      return session; // another thread was faster
    }
    session = null;
    Session open;
    try {
      open = login(lost.provider());
    } catch (AuthorityException e) {
      if (e.reason() == Reason.BACKEND_CREDENTIAL_REFUSED) {
        throw e;
      }
      open = login(provider());
    }
    session = open;
    return open;
  }

  private Provider provider() {
    if (!Files.isReadable(settings.library())) {
      throw new AuthorityException(
          Reason.BACKEND_UNREACHABLE,
          settings.library().toString(),
          "there is no such library",
          "install the token's PKCS#11 library, or set its path");
    }
    Provider unconfigured = Security.getProvider("SunPKCS11");
    if (unconfigured == null) {
      throw new AuthorityException(
          Reason.BACKEND_UNREACHABLE,
          settings.toString(),
          "this Java runtime has no SunPKCS11 provider",
          "use a runtime with the module jdk.crypto.cryptoki");
    }
    try {
      return unconfigured.configure(settings.providerConfiguration());
    } catch (InvalidParameterException | ProviderException e) {
      throw absent(e);
    }
  }

  private Session login(Provider provider) {
    KeyStore store;
    try {
      store = KeyStore.getInstance("PKCS11", provider);
    } catch (GeneralSecurityException e) {
      throw absent(e); // the provider has no services while its slot is empty
    }
    String secret = pin.read();
    try {
      store.load(null, secret.toCharArray());
      return new Session(provider, store, new HashMap<>());
    } catch (IOException | GeneralSecurityException | ProviderException e) {
      String cause = innermost(e);
      if (!cause.contains("CKR_PIN_") && !cause.contains("CKR_USER_PIN_")) {
        throw absent(e);
      }
      pin.refused(secret);
      throw new AuthorityException(
          Reason.BACKEND_CREDENTIAL_REFUSED,
          settings.toString(),
          "it does not take the PIN in " + settings.pinFile() + " (" + cause + ")",
          cause.contains("LOCKED")
              ? "it is locked: its security officer has to set a new PIN"
              : "put the right PIN there; the wrong one is not tried again",
          e);
    }
  }

  private AuthorityException absent(Exception e) {
    return new AuthorityException(
        Reason.BACKEND_UNREACHABLE,
        settings.toString(),
        "there is no token that answers (" + innermost(e) + ")",
        "look at the slots with pkcs11-tool --list-slots",
        e);
  }

  private static String innermost(Exception e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.toString();
  }

  /** A pair for a certificate that is to be stored; lost with the session until then. */
  KeyPair generate(SigningKey kind) {
    String curve =
        kind.ellipticCurve()
            .orElseThrow(() ->
                new AuthorityException(
                    Reason.KEY_REFUSED,
                    settings.toString(),
                    kind + " keys are not offered by the JDK's PKCS#11 provider",
                    "use P256 or P384"));
    return with(open -> {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", open.provider());
      generator.initialize(new ECGenParameterSpec(curve));
      KeyPair pair = generator.generateKeyPair();
      X509EncodedKeySpec encoded = new X509EncodedKeySpec(pair.getPublic().getEncoded());
      PublicKey publicKey = KeyFactory.getInstance("EC").generatePublic(encoded);
      synchronized (open.handles()) {
        open.handles().put(Sha256.hex(publicKey.getEncoded()), pair.getPrivate());
      }
      return new KeyPair(publicKey, key(publicKey));
    });
  }

  /** The name of the private key that belongs to {@code publicKey}, whether it is there or not. */
  TokenKey key(PublicKey publicKey) {
    String signature = "SHA256withRSA";
    if (publicKey instanceof ECKey ec) {
      int bits = ec.getParams().getCurve().getField().getFieldSize();
      signature = bits >= P384_BITS ? "SHA384withECDSA" : "SHA256withECDSA";
    }
    return new TokenKey(
        this, Sha256.hex(publicKey.getEncoded()), publicKey.getAlgorithm(), signature);
  }

  byte[] sign(TokenKey key, byte[] content) {
    return with(open -> {
      Signature signature = Signature.getInstance(key.signatureAlgorithm(), open.provider());
      signature.initSign(handle(open, key));
      signature.update(content);
      return signature.sign();
    });
  }

  private PrivateKey handle(Session open, TokenKey key) throws GeneralSecurityException {
    synchronized (open.handles()) {
      PrivateKey known = open.handles().get(key.id());
      if (known != null) {
        return known;
      }
      for (String alias : Collections.list(open.store().aliases())) {
        Certificate certificate = open.store().getCertificate(alias);
        if (certificate != null
            && Sha256.hex(certificate.getPublicKey().getEncoded()).equals(key.id())
            && open.store().getKey(alias, null) instanceof PrivateKey found) {
          open.handles().put(key.id(), found);
          return found;
        }
      }
    }
    // Also the look of a token that has forgotten our login; in a new session it is an error.
    throw new UnrecoverableKeyException("the private key of a certificate is not in it");
  }

  /** Labels of private keys that have their certificate. */
  List<String> labels() {
    return with(open -> {
      List<String> labels = new ArrayList<>();
      synchronized (open.handles()) {
        for (String alias : Collections.list(open.store().aliases())) {
          if (open.store().isKeyEntry(alias)) {
            labels.add(alias);
          }
        }
      }
      return labels;
    });
  }

  /** The certificate of a key, then its issuers as far as the token holds them. */
  List<X509Certificate> chain(String label) {
    return with(open -> {
      Certificate[] chain;
      synchronized (open.handles()) {
        chain = open.store().getCertificateChain(label);
      }
      return chain == null
          ? List.of()
          : Arrays.stream(chain).map(X509Certificate.class::cast).toList();
    });
  }

  /** Keeps a key that was generated, and its certificate, for good. */
  void store(String label, TokenKey key, X509Certificate certificate) {
    with(open -> {
      X509Certificate[] chain = {certificate};
      synchronized (open.handles()) {
        open.store().setKeyEntry(label, handle(open, key), null, chain);
        open.handles().remove(key.id()); // the key of the session has become one of the token
      }
      return true;
    });
  }

  /** Removes a key and its certificate. */
  void delete(String label) {
    with(open -> {
      synchronized (open.handles()) {
        open.store().deleteEntry(label);
        open.handles().clear();
      }
      return true;
    });
  }
}
