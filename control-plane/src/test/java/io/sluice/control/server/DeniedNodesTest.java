package io.sluice.control.server;

import static io.sluice.control.server.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.issuing.RefusalReason;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes on the deny list of the MeshConfig. */
class DeniedNodesTest {
  private static final Duration PROMPTLY = Duration.ofSeconds(2);

  @TempDir private Path home;
  @AutoClose private ControlSite site;
  private NodeClient edge1;
  private NodeClient edge2;
  private BigInteger serial;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    site.pod("buyer", "nodeName: edge1");
    site.pod("store", "nodeName: edge2");
    edge1 = site.stranger();
    List<X509Certificate> chain =
        edge1.join("edge1", site.tokens().create("edge1", Duration.ofHours(1)));
    serial = chain.getFirst().getSerialNumber();
    edge2 = site.joined("edge2");
  }

  @Tag("attack")
  @Test
  void everyCertificateOfADeniedIdentityIsRefused() throws Exception {
    KeyPair next = Requests.keyPair("secp256r1");
    edge1.showing(next, edge1.renew(next));

    deny("deniedIdentities: ['spiffe://cluster.local/ns/sluice-system/sa/node.edge1']");

    assertDenied();
    deny("deniedIdentities: []");
    assertThat(edge1.issue(ControlSite.id("buyer"))).isNotEmpty();

    refused("a denied identity, renewed");
  }

  @Tag("attack")
  @Test
  void aDeniedSerialEndsThatCertificateAlone() throws Exception {
    KeyPair next = Requests.keyPair("secp256r1");
    List<X509Certificate> renewed = edge1.renew(next);

    deny("deniedSerials: ['" + serial.toString(16) + "']");

    assertDenied();
    edge1.showing(next, renewed);
    assertThat(edge1.issue(ControlSite.id("buyer"))).isNotEmpty();

    refused("a denied serial");
  }

  @Tag("attack")
  @Test
  void streamsOfADeniedNodeEndPromptlyAndThoseOfOthersGoOn() throws Exception {
    Followed denied = Followed.by(edge1);
    Followed other = Followed.by(edge2);

    deny("deniedSerials: ['" + serial.toString(16) + "']");

    long since = System.nanoTime();
    Await.until("the stream of the denied node ends", () -> denied.failure() != null);
    assertThat(Duration.ofNanos(System.nanoTime() - since)).isLessThan(PROMPTLY);
    assertThat(denied.reason()).isEqualTo("certificate_denied");
    assertThat(edge2.issue(ControlSite.id("store"))).isNotEmpty();
    assertThat(other.failure()).isNull();

    refused("a denied node that stays connected");
  }

  @Tag("attack")
  @Test
  void whereItIsNotKnownWhomTheMeshDeniesNobodyGetsACertificate() throws Exception {
    site.restartWith("mesh-config.yaml", meshConfig("deniedSerials: perhaps"));
    NodeClient node = site.joined("edge1");

    assertRefused(RefusalReason.REGISTRY_INCOMPLETE, () -> node.issue(ControlSite.id("buyer")));
    assertRefused(
        RefusalReason.REGISTRY_INCOMPLETE, () -> node.renew(Requests.keyPair("secp256r1")));
    deny("deniedSerials: ['" + serial.toString(16) + "']");

    assertThat(node.issue(ControlSite.id("buyer"))).isNotEmpty();
    Attack.tried("a certificate of a controller that has never read the deny list")
        .refusedBy("the controller, until it knows the MeshConfig")
        .countedAs("sluice_control_refusals_total{reason=\"registry_incomplete\"}");
  }

  private void refused(String what) {
    assertThat(site.controller().metrics())
        .containsPattern("sluice_control_refusals_total\\{[^}]*reason=\"certificate_denied\"");
    Attack.tried(what)
        .refusedBy("the controller, each call and stream")
        .countedAs("sluice_control_refusals_total{reason=\"certificate_denied\"}");
  }

  private void assertDenied() {
    assertRefused(RefusalReason.CERTIFICATE_DENIED, () -> edge1.issue(ControlSite.id("buyer")));
    assertRefused(
        RefusalReason.CERTIFICATE_DENIED, () -> edge1.renew(Requests.keyPair("secp256r1")));
    assertThat(Followed.by(edge1).reason()).isEqualTo("certificate_denied");
  }

  private void deny(String field) throws Exception {
    site.manifest("mesh-config.yaml", meshConfig(field));
  }

  private static String meshConfig(String field) {
    return """
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: MeshConfig
    metadata: {name: osm-mesh-config, namespace: osm-system}
    spec: {certificate: {%s}}
    """
        .formatted(field);
  }
}
