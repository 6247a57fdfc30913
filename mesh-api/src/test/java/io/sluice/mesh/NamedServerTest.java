package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamedServerTest {
  private static final int PORT = 9191;
  private static final InetSocketAddress READY = address("10.0.0.1");
  private static final InetSocketAddress READY6 = address("fd00::1");

  private static final MeshSnapshot SNAPSHOT =
      new MeshSnapshot(
          1,
          MeshSettings.CLOSED.onNodeWith(
              List.of(),
              new HostNames(
                  Map.of(
                      "opa.example",
                      Set.of(IpAddresses.parse("192.0.2.7"), IpAddresses.parse("127.0.0.1")),
                      "opa.tools",
                      Set.of()))),
          List.of(),
          List.of(
              new Service(
                  new NamespacedName("tools", "opa"),
                  List.of(IpAddresses.parse("10.96.0.9")),
                  List.of(
                      new ServicePort(
                          "grpc",
                          PORT,
                          AppProtocol.GRPC,
                          List.of(
                              new Endpoint(READY, true),
                              new Endpoint(READY6, true),
                              new Endpoint(address("127.0.0.1"), true),
                              new Endpoint(address("169.254.169.254"), true),
                              new Endpoint(address("224.0.0.1"), true),
                              new Endpoint(address("::"), true),
                              new Endpoint(address("10.0.0.2"), false)))))),
          List.of());

  private static InetSocketAddress address(String literal) {
    return new InetSocketAddress(IpAddresses.parse(literal), PORT);
  }

  private static NamedServer at(String host, int port) {
    return new NamedServer(host, port);
  }

  @ParameterizedTest
  @ValueSource(strings = {"OPA.tools.svc", "opa.tools.svc.cluster.local"})
  void theNameOfAServiceMeansItsReadyEndpoints(String name) {
    assertThat(at(name, PORT).addresses(SNAPSHOT)).containsExactly(READY, READY6);
    assertThat(at(name, PORT).nameToFind(SNAPSHOT)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"opa", "opa.tools", "opa.example", "opa.tools.example", "opa.other.svc"})
  void anotherNameIsToBeFound(String name) {
    assertThat(at(name, PORT).nameToFind(SNAPSHOT)).contains(name);
    assertThat(at(name, PORT).addresses(SNAPSHOT))
        .isEqualTo(name.equals("opa.example") ? List.of(address("192.0.2.7")) : List.of());
    assertThat(at("opa.tools.svc", 1).nameToFind(SNAPSHOT)).as("without that port").isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.9", "2001:db8::9"})
  void anAddressIsItself(String address) {
    assertThat(at(address, PORT).addresses(SNAPSHOT)).containsExactly(address(address));
    assertThat(at(address, PORT).nameToFind(SNAPSHOT)).isEmpty();
  }

  /** Else whoever may name a server would send there what its pods are asked. */
  @ParameterizedTest
  @ValueSource(strings = {"opa.tools.svc", "opa.example", "192.0.2.9", "2001:db8::9"})
  void nobodyIsAskedInAnIsolatedRange(String host) {
    SnapshotEditor editor = SNAPSHOT.edit();
    editor.put(
        SNAPSHOT
            .settings()
            .isolating(
                List.of(
                    Cidr.parse("10.0.0.0/24"),
                    Cidr.parse("192.0.2.0/24"),
                    Cidr.parse("2001:db8::/32"))));

    assertThat(at(host, PORT).addresses(editor.snapshot(2)))
        .isEqualTo(host.endsWith("svc") ? List.of(READY6) : List.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "a..b", "http://opa", "opa:9191", "1.2.3", "-a.b", "a b", "[::1]", "opa/x"})
  void whatIsNoHostIsRefused(String text) {
    assertThatThrownBy(() -> at(text, PORT)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Else whoever may name a server would reach what listens for the node alone. */
  @ParameterizedTest
  @ValueSource(
      strings = {"127.0.0.1", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1", "224.0.0.1"})
  void whatIsNobodyElsesAddressIsToldApart(String address) {
    assertThat(at(address, PORT).isSpecial()).isTrue();
    assertThat(at("192.0.2.9", PORT).isSpecial()).isFalse();
  }

  @Test
  void portAndTimeHaveBounds() {
    assertThatThrownBy(() -> at("opa", 0)).hasMessageContaining("65535");
    assertThatThrownBy(() -> new ExternalAuthorization(at("opa", 1), "", 30_001, false))
        .hasMessageContaining("30000");
    assertThatThrownBy(() -> new ExternalAuthorization(at("opa", 1), "", 0, false))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
