package io.sluice.control.outside;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.compile.OutsideCertificate;
import io.sluice.control.objects.ObjectRef;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** A Secret of type {@code kubernetes.io/tls} with the certificate of a client outside the mesh. */
record ClientSecret(OutsideCertificate wish) {
  private static final String OWNER_LABEL = "app.kubernetes.io/managed-by";
  private static final String OWNER = "sluice-controller";

  /**
   * Of which object it is, beside the label: one that asks for another's Secret does not get it.
   */
  private static final String OF = "sluice.io/certificate-of";

  private static final String CHAIN = "tls.crt";
  private static final String KEY = "tls.key";
  private static final String ROOTS = "ca.crt";
  private static final String ACCESS_CERT = "AccessCert";
  private static final int DNS_NAME = 2; // GeneralName, RFC 5280 §4.2.1.6
  private static final int THIRDS = 3;

  String collection() {
    return "/api/v1/namespaces/" + wish.secret().namespace() + "/secrets";
  }

  String path() {
    return collection() + "/" + wish.secret().name();
  }

  /** Kind, namespace and name of who asks for it. */
  String owner() {
    ObjectRef ref = wish.owner().ref();
    return ref.kind() + "/" + ref.namespace() + "/" + ref.name();
  }

  boolean isOurs(JsonNode stored) {
    JsonNode metadata = stored.path("metadata");
    return metadata.path("labels").path(OWNER_LABEL).asText().equals(OWNER)
        && metadata.path("annotations").path(OF).asText().equals(owner());
  }

  ObjectNode first(KeyPair key, List<X509Certificate> chain, TrustBundle bundle) {
    ObjectNode secret = JsonNodeFactory.instance.objectNode();
    secret.put("apiVersion", "v1").put("kind", "Secret").put("type", "kubernetes.io/tls");
    ObjectNode metadata = secret.putObject("metadata");
    metadata.put("namespace", wish.secret().namespace()).put("name", wish.secret().name());
    metadata.putObject("labels").put(OWNER_LABEL, OWNER).put("app.kubernetes.io/part-of", "sluice");
    metadata.putObject("annotations").put(OF, owner());
    return with(secret, key, chain, bundle);
  }

  /** {@code stored} with another certificate; its version, and what others have added, stay. */
  ObjectNode changed(
      JsonNode stored, KeyPair key, List<X509Certificate> chain, TrustBundle bundle) {
    return with(stored.deepCopy(), key, chain, bundle);
  }

  private ObjectNode with(
      ObjectNode secret, KeyPair key, List<X509Certificate> chain, TrustBundle bundle) {
    if (isOfAccessCert()) {
      // Who removes the AccessCert removes the Secret, whether a controller runs then or not.
      secret
          .withObject("/metadata")
          .putArray("ownerReferences")
          .addObject()
          .put("apiVersion", "policy.openservicemesh.io/v1alpha1")
          .put("kind", ACCESS_CERT)
          .put("name", wish.owner().name())
          .put("uid", wish.owner().birth().uid());
    }
    ObjectNode data = secret.putObject("data");
    data.put(CHAIN, encoded(new Pem(chain, List.of())));
    data.put(KEY, encoded(new Pem(List.of(), List.of(key.getPrivate()))));
    data.put(ROOTS, encoded(new Pem(bundle.roots(), List.of())));
    return secret;
  }

  private boolean isOfAccessCert() {
    return wish.owner().ref().kind().equals(ACCESS_CERT);
  }

  private static String encoded(Pem pem) {
    return Base64.getEncoder().encodeToString(pem.text().getBytes(StandardCharsets.US_ASCII));
  }

  /** When what is stored has to be issued anew; nothing where that is now, or it is damaged. */
  Optional<Instant> renewal(JsonNode stored, TrustBundle bundle, Instant now) {
    try {
      List<X509Certificate> chain = pem(stored, CHAIN).certificates();
      List<PrivateKey> keys = pem(stored, KEY).keys();
      if (chain.isEmpty() || keys.size() != 1) {
        return Optional.empty();
      }
      X509Certificate leaf = chain.getFirst();
      PublicKey key = leaf.getPublicKey();
      boolean fits =
          names(leaf).equals(Set.copyOf(wish.names()))
              && key.getAlgorithm().equals(keys.getFirst().getAlgorithm())
              && Set.copyOf(pem(stored, ROOTS).certificates()).equals(Set.copyOf(bundle.roots()))
              && isSignedBelow(chain, bundle)
              && (!isOfAccessCert() || isReferred(stored))
              && !leaf.getNotAfter().toInstant().isAfter(now.plus(wish.lifetime()));
      return Optional.of(renewal(leaf)).filter(at -> fits && now.isBefore(at));
    } catch (AuthorityException | CertificateParsingException | IllegalArgumentException e) {
      return Optional.empty(); // damaged: it is written anew
    }
  }

  /** With a third of its life left. */
  Instant renewal(X509Certificate leaf) {
    Instant end = leaf.getNotAfter().toInstant();
    return end.minus(wish.lifetime().dividedBy(THIRDS));
  }

  /** By the root that signs now, which comes first. */
  private static boolean isSignedBelow(List<X509Certificate> chain, TrustBundle bundle) {
    return chain
        .getLast()
        .getIssuerX500Principal()
        .equals(bundle.roots().getFirst().getSubjectX500Principal());
  }

  private boolean isReferred(JsonNode stored) {
    for (JsonNode one : stored.path("metadata").path("ownerReferences")) {
      if (one.path("uid").asText().equals(wish.owner().birth().uid())) {
        return true;
      }
    }
    return false;
  }

  private static Set<String> names(X509Certificate leaf) throws CertificateParsingException {
    var names = leaf.getSubjectAlternativeNames();
    return names == null
        ? new HashSet<>()
        : names.stream()
            .filter(name -> name.getFirst().equals(DNS_NAME))
            .map(name -> String.valueOf(name.get(1)))
            .collect(Collectors.toSet());
  }

  private static Pem pem(JsonNode stored, String key) {
    byte[] text = Base64.getDecoder().decode(stored.path("data").path(key).asText());
    return Pem.parse(new String(text, StandardCharsets.US_ASCII), key);
  }
}
