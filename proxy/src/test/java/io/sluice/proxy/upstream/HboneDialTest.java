package io.sluice.proxy.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.proxy.hbone.HboneRequest;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HboneDialTest {
  private static final InetSocketAddress DESTINATION =
      new InetSocketAddress(IpAddresses.parse("10.0.0.2"), 80);

  @ParameterizedTest
  @CsvSource({"10.0.0.1, for=\"10.0.0.1:40000\"", "fd00::1, for=\"[fd00::1]:40000\""})
  void theClientIsForwardedAsRfc7239Writes(String client, String expected) {
    assertThat(request(Map.of(), client).forwardedOrNull()).isEqualTo(expected);
    assertThat(request(Map.of(), client).destination()).isEqualTo(DESTINATION);
  }

  @Test
  void labelsCannotAddEntriesOrLinesToTheBaggage() {
    Map<String, String> labels = Map.of("app", "a,b=c\r\nd", "version", "x".repeat(64));

    assertThat(request(labels, "10.0.0.1").baggageOrNull())
        .isEqualTo(
            "k8s.namespace.name=shop,k8s.pod.name=buyer-1,"
                + "service.name=a%2Cb%3Dc%0D%0Ad,service.version=");
  }

  private static HboneRequest request(Map<String, String> labels, String client) {
    Workload caller =
        new Workload(
            new NamespacedName("shop", "buyer-1"),
            new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "buyer"),
            List.of(),
            labels,
            true,
            null,
            null,
            null,
            false,
            InterceptionSettings.EVERYTHING,
            Set.of(),
            MtlsMode.STRICT);
    return HboneDial.request(
        caller, new InetSocketAddress(IpAddresses.parse(client), 40_000), DESTINATION, false);
  }
}
