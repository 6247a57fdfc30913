package io.sluice.node.identity.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.node.identity.TestAuthority;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.SigningRequests;
import io.sluice.node.identity.x509.TrustRoots;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What another daemon kept of other meshes, where this one would not believe it. */
class CredentialFormatTest {
  private static final TrustDomain SITE = new TrustDomain("site-6.example");
  private static final TrustDomain PARTNER = new TrustDomain("partner.example");
  private static final TrustDomain THIRD = new TrustDomain("third.example");
  private static final TestAuthority AUTHORITY = new TestAuthority(SITE);

  private static KeptNode kept(TrustDomain... federated) {
    KeyPair key = SigningRequests.newKey();
    SpiffeId identity = new SpiffeId(SITE, "shop", "buyer");
    Instant now = Instant.now();
    Map<TrustDomain, List<X509Certificate>> others = new HashMap<>();
    for (TrustDomain one : federated) {
      others.put(one, List.of(new TestAuthority(one).root));
    }
    return new KeptNode(
        new Credential(
            identity,
            AUTHORITY.issue(identity, key.getPublic(), Duration.ofHours(1)),
            key.getPrivate(),
            now,
            now.plusSeconds(60)),
        new TrustRoots(
            SITE,
            3,
            List.of(AUTHORITY.root),
            List.of(PARTNER),
            Optional.of(new FederatedBundles(others))),
        "token");
  }

  @Test
  void anEntryOfADomainThatIsTheMeshsIsLeftOut() {
    KeptNode read = CredentialFormat.node(CredentialFormat.bytes(kept(PARTNER, THIRD)));

    assertThat(read.usedToken()).isEqualTo("token");
    assertThat(read.roots().domains()).containsExactly(SITE, PARTNER);
    assertThat(read.roots().federated().orElseThrow().roots()).containsOnlyKeys(THIRD);
  }

  @Test
  void entriesThatDoNotGoTogetherCostTheOtherMeshesAlone() throws Exception {
    ObjectMapper json = new ObjectMapper();
    ObjectNode object = (ObjectNode) json.readTree(CredentialFormat.bytes(kept(THIRD)));
    ArrayNode federated = (ArrayNode) object.path("federated");
    ObjectNode same = federated.get(0).deepCopy();
    federated.add(same.put("trustDomain", "fourth.example"));

    KeptNode read = CredentialFormat.node(json.writeValueAsBytes(object));

    assertThat(read.roots().generation()).isEqualTo(3);
    assertThat(read.roots().federated()).as("until the controller tells").isEmpty();
  }
}
