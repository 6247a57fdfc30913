package io.sluice.node.identity.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Credentials as JSON, which is then sealed; binary values in base64, times in ISO 8601. */
final class CredentialFormat {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KEY_ALGORITHM = "EC";

  private CredentialFormat() {}

  static byte[] bytes(Credential credential) {
    return bytes(object(credential));
  }

  static byte[] bytes(KeptNode node) {
    ObjectNode object = JSON.createObjectNode();
    object.set("credential", object(node.credential()));
    object.put("trustDomain", node.roots().trustDomain().name());
    object.put("generation", node.roots().generation());
    certificates(object.putArray("roots"), node.roots().roots());
    ArrayNode others = object.putArray("otherTrustDomains");
    node.roots().otherDomains().forEach(domain -> others.add(domain.name()));
    node.roots().federated().ifPresent(bundles -> federated(object.putArray("federated"), bundles));
    object.put("usedToken", node.usedToken());
    return bytes(object);
  }

  private static void federated(ArrayNode array, FederatedBundles others) {
    others
        .roots()
        .forEach((domain, roots) -> {
          ObjectNode one = array.addObject().put("trustDomain", domain.name());
          certificates(one.putArray("roots"), roots);
        });
  }

  static byte[] bytes(List<Credential> credentials) {
    ArrayNode array = JSON.createArrayNode();
    credentials.forEach(one -> array.add(object(one)));
    return bytes(array);
  }

  private static ObjectNode object(Credential credential) {
    ObjectNode object = JSON.createObjectNode();
    object.put("identity", credential.identity().toString());
    certificates(object.putArray("chain"), credential.chain());
    object.put("key", credential.key().getEncoded());
    object.put("receivedAt", credential.receivedAt().toString());
    object.put("renewAt", credential.renewAt().toString());
    return object;
  }

  private static void certificates(ArrayNode array, List<X509Certificate> certificates) {
    try {
      for (X509Certificate one : certificates) {
        array.add(one.getEncoded());
      }
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate cannot be encoded", e);
    }
  }

  private static byte[] bytes(JsonNode object) {
    try {
      return JSON.writeValueAsBytes(object);
    } catch (IOException e) {
      throw new IllegalStateException("JSON in memory cannot be written", e);
    }
  }

  static Credential credential(byte[] bytes) {
    try {
      return credential(JSON.readTree(bytes));
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw unreadable(e);
    }
  }

  static List<Credential> credentials(byte[] bytes) {
    try {
      List<Credential> read = new ArrayList<>();
      for (JsonNode one : JSON.readTree(bytes)) {
        read.add(credential(one));
      }
      return read;
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw unreadable(e);
    }
  }

  static KeptNode node(byte[] bytes) {
    try {
      JsonNode object = JSON.readTree(bytes);
      TrustRoots own =
          TrustRoots.of(
              new TrustDomain(object.path("trustDomain").asText()),
              object.path("generation").asLong(),
              certificates(object.path("roots"), TrustRoots.MOST),
              domains(object.path("otherTrustDomains")),
              Optional.empty());
      return new KeptNode(
          credential(object.path("credential")),
          own.with(federated(object.path("federated"))),
          object.path("usedToken").asText());
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw unreadable(e);
    }
  }

  /** Earlier releases write none. */
  private static List<TrustDomain> domains(JsonNode array) {
    List<TrustDomain> domains = new ArrayList<>();
    array.forEach(one -> domains.add(new TrustDomain(one.asText())));
    return domains;
  }

  /** Earlier releases write none. Those that do not go together are none: the controller tells. */
  private static Optional<FederatedBundles> federated(JsonNode array)
      throws IOException, CertificateException {
    if (array.isMissingNode()) {
      return Optional.empty();
    }
    Map<TrustDomain, List<X509Certificate>> roots = new HashMap<>();
    for (JsonNode one : array) {
      roots.put(
          new TrustDomain(one.path("trustDomain").asText()),
          certificates(one.path("roots"), FederatedBundles.MOST_ROOTS));
    }
    try {
      return Optional.of(new FederatedBundles(roots));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** What was sealed by another release may have any form; parsers fail in many ways. */
  private static StoreException unreadable(Exception met) {
    return new StoreException(
        "what was kept is not as this release writes it, and is not used: " + met.getMessage(),
        met);
  }

  private static Credential credential(JsonNode object)
      throws IOException, GeneralSecurityException {
    return new Credential(
        SpiffeId.parse(object.path("identity").asText()),
        certificates(object.path("chain"), SvidJudge.LONGEST_CHAIN),
        KeyFactory.getInstance(KEY_ALGORITHM)
            .generatePrivate(new PKCS8EncodedKeySpec(object.path("key").binaryValue())),
        Instant.parse(object.path("receivedAt").asText()),
        Instant.parse(object.path("renewAt").asText()));
  }

  private static List<X509Certificate> certificates(JsonNode array, int most)
      throws IOException, CertificateException {
    List<byte[]> encoded = new ArrayList<>();
    for (JsonNode one : array) {
      encoded.add(one.binaryValue());
    }
    return Certificates.parse(encoded, most);
  }
}
