package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Workloads of another mesh, by its own roots, at the HBONE port of a pod. */
@ExtendWith(SharedShop.class)
@ResourceLock(SharedShop.LOCK)
@Tag("kernel")
class FederationTest {
  private static final int PORT = 8080;
  static final String PARTNER = "partner.example";
  static final String BUYER = "spiffe://" + PARTNER + "/ns/shop/sa/buyer";
  private static final String TARGET = "partner-to-store";

  /** The controller looks once a second, and the node follows at once. */
  private static final Duration CUT_LIMIT = Await.patience(3);

  @Tag("attack")
  @Test
  void whomATargetNamesIsAnsweredWhileTheMeshConfigNamesTheRoots(TwoNodes shop) throws IOException {
    assertFederation(shop, Mechanism.IPTABLES);
  }

  @Tag("long")
  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void whomATargetNamesIsAnsweredUnderEachMechanism(Mechanism mechanism) throws IOException {
    try (TwoNodes shop = TwoNodes.open(mechanism)) {
      assertFederation(shop, mechanism);
    }
  }

  /** Under the mechanism of the store's node. */
  private static void assertFederation(TwoNodes shop, Mechanism mechanism) throws IOException {
    List<ForeignCaller> open = new ArrayList<>();
    try (TcpServer four = TcpServer.echo(shop.store, Family.IPV4, PORT);
        TcpServer six = TcpServer.echo(shop.store, Family.IPV6, PORT)) {
      OpensslCertificate root = OpensslCertificate.root(shop.cluster.directory(), "partner");
      var buyer = root.signs("buyer", BUYER);
      var thief = root.signs("thief", BUYER.replace("buyer", "thief"));
      var posing = root.signs("posing", TwoNodes.identity(shop.buyer));

      for (Family family : Family.values()) {
        assertRefused(shop, buyer, family);
      }
      shop.change(() -> shop.cluster.registry().write(TARGET, target()));
      shop.configure(Map.of("certificate", "{federatesWith: [" + bundle(root) + "]}"));
      for (Family family : Family.values()) {
        Await.until(
            "the node believes the other mesh's root over " + family,
            () -> keep(ForeignCaller.connect(shop.stranger(), buyer, at(shop, family)), open));
        assertThat(open.getLast().exchange("hi")).isEqualTo("hi");
        assertThat(shop.call(shop.buyer, family, PORT, "ours").answered()).isTrue();
        assertRefused(shop, posing, family);
        ForeignCaller refused = assertRefused(shop, thief, family);
        JsonNode refusal = shop.servingView().record("inbound", refused.local(), refused.begun());
        assertThat(refusal.path("reason").asText()).isEqualTo("no_traffic_target");
        assertThat(refusal.path("source_principal").asText())
            .isEqualTo(BUYER.replace("buyer", "thief"));
      }
      assertThat(shop.servingView().metrics()).contains("source_principal=\"" + BUYER + "\"");

      // The same account of this mesh on the deny list is somebody else; the whole name is not.
      shop.configure(
          Map.of(
              "certificate",
              "{federatesWith: ["
                  + bundle(root)
                  + "], deniedIdentities: [\""
                  + TwoNodes.identity(shop.buyer)
                  + "\"]}"));
      assertThat(open).allMatch(ForeignCaller::isAlive);

      long begin = System.nanoTime();
      shop.cluster.registry().write(TwoNodes.MESH_CONFIG, Manifests.meshConfig(Map.of()));
      Await.untilPasses(CUT_LIMIT, () -> assertThat(open).noneMatch(ForeignCaller::isAlive));
      System.out.println(
          "federation: cut after "
              + Duration.ofNanos(System.nanoTime() - begin).toMillis()
              + " ms");
      for (ForeignCaller each : open) {
        JsonNode record = shop.servingView().record("inbound", each.local(), each.begun());
        assertThat(record.path("source_principal").asText()).isEqualTo(BUYER);
      }
      for (Family family : Family.values()) {
        assertRefused(shop, buyer, family);
        Await.until(
            "our own buyer is let in again",
            () -> shop.call(shop.buyer, family, PORT, "ours").answered());
      }
    } finally {
      open.forEach(ForeignCaller::close);
      shop.change(() -> {
        shop.cluster.registry().remove(TARGET);
        shop.cluster.registry().write(TwoNodes.MESH_CONFIG, Manifests.meshConfig(Map.of()));
      });
    }
    Attack.tried("a workload of another mesh that no TrafficTarget names, %s".formatted(mechanism))
        .refusedBy("the serving proxy's decision")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"no_traffic_target\"}");
    Attack.tried("another mesh's root for an identity of ours, %s".formatted(mechanism))
        .refusedBy("the serving proxy's handshake")
        .countedAs("sluice_tls_handshakes_total{side=\"server\",reason=\"untrusted\"}");
  }

  private static InetSocketAddress at(TwoNodes shop, Family family) {
    return shop.store.at(family, PORT);
  }

  private static boolean keep(ForeignCaller.Answer answer, List<ForeignCaller> open) {
    if (answer.isOpen()) {
      open.add(answer.caller());
    }
    return answer.isOpen();
  }

  private static ForeignCaller assertRefused(
      TwoNodes shop, OpensslCertificate shown, Family family) {
    ForeignCaller.Answer answer = ForeignCaller.connect(shop.stranger(), shown, at(shop, family));
    if (answer.isOpen()) {
      answer.caller().close();
    }
    assertThat(answer.problem()).as("%s over %s", shown.certificate(), family).isNotEmpty();
    return answer.caller();
  }

  /** An entry of {@code federatesWith}. */
  static String bundle(OpensslCertificate root) throws IOException {
    String pem = Files.readString(root.certificate()).replace("\n", "\\n");
    return "{trustDomain: " + PARTNER + ", trustBundle: \"" + pem + "\"}";
  }

  /** Names that mesh's buyer for a caller of the store. */
  static String target() {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: TCPRoute
    metadata: {name: %1$s, namespace: %2$s}
    ---
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      destination: {kind: ServiceAccount, name: store, namespace: %2$s}
      sources: [{kind: AuthenticatedPrincipal, name: "%3$s"}]
      rules: [{kind: TCPRoute, name: %1$s}]
    """
        .formatted(TARGET, Manifests.NAMESPACE, BUYER);
  }
}
