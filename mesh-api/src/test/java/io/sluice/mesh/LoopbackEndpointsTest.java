package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LoopbackEndpointsTest {
  private static final String OWN = "10.0.0.1";

  @Test
  void areThoseOfEveryPortOfEveryServiceThatLeadsToThePod() {
    assertThat(
            endpoints(
                LocalProxyMode.LOCALHOST,
                service("shop", "a", at(OWN, 8080), at(OWN, 8081)),
                service("shop", "b", at(OWN, 9090), at("10.0.0.2", 7070))))
        .containsExactlyInAnyOrder(at(OWN, 8080), at(OWN, 8081), at(OWN, 9090));
  }

  @Test
  void areNoneOfAServiceOfAnotherNamespace() {
    assertThat(endpoints(LocalProxyMode.LOCALHOST, service("thieves", "a", at(OWN, 8080))))
        .isEmpty();
  }

  @Test
  void areNoneInModePodIp() {
    assertThat(endpoints(LocalProxyMode.POD_IP, service("shop", "a", at(OWN, 8080)))).isEmpty();
  }

  private static Set<InetSocketAddress> endpoints(LocalProxyMode mode, Service... services) {
    Workload plain = Samples.workload("db", OWN);
    Workload workload =
        new Workload(
            plain.name(),
            plain.identity(),
            plain.addresses(),
            plain.labels(),
            true,
            null,
            null,
            null,
            false,
            plain.interception(),
            plain.probePorts(),
            plain.mtlsMode(),
            new ConnectionSettings(Duration.ZERO, SameNodeMtls.DISABLED, mode, true),
            List.of(),
            null);
    MeshSnapshot snapshot =
        new MeshSnapshot(1, MeshSettings.CLOSED, List.of(workload), List.of(services), List.of());
    return LoopbackEndpoints.of(snapshot, workload);
  }

  private static Service service(String namespace, String name, InetSocketAddress... endpoints) {
    return new Service(
        new NamespacedName(namespace, name),
        List.of(),
        IntStream.range(0, endpoints.length)
            .mapToObj(i ->
                new ServicePort(
                    "p" + i,
                    80 + i,
                    AppProtocol.TCP,
                    List.of(new Endpoint(endpoints[i], i % 2 == 0))))
            .toList());
  }

  private static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(IpAddresses.parse(address), port);
  }
}
