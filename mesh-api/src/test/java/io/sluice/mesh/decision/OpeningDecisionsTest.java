package io.sluice.mesh.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.HostNames;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Samples;
import io.sluice.mesh.TrustDomain;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the proxy says of DNS over TCP, and of metadata services that a Service leads to. */
class OpeningDecisionsTest {
  @ParameterizedTest
  @CsvSource({
    "192.0.2.53, 53, false, false, ALLOWED, DNS",
    "192.0.2.53, 443, false, false, REFUSED, EGRESS_DISABLED",
    "203.0.113.9, 53, false, false, REFUSED, DNS_REFUSED",
    "203.0.113.9, 53, true, false, REFUSED, DNS_REFUSED",
    "203.0.113.9, 53, false, true, ALLOWED, EGRESS_ALLOWED",
    "169.254.169.254, 80, true, true, REFUSED, METADATA_REFUSED",
    "fd00:ec2::254, 53, true, true, REFUSED, METADATA_REFUSED",
    "169.254.169.252, 988, true, true, REFUSED, METADATA_REFUSED",
    "fd00:100::100:200, 80, true, true, REFUSED, METADATA_REFUSED",
    "fd00:a9fe:a9fe::1, 80, true, true, REFUSED, METADATA_REFUSED",
    "fd00:c1::a9fe:a9fe, 80, true, true, REFUSED, METADATA_REFUSED",
    "64:ff9b::a9fe:a9fe, 80, true, true, REFUSED, METADATA_REFUSED",
    "64:ff9b::6464:64c8, 80, true, true, REFUSED, METADATA_REFUSED",
    "64:ff9b::a9fe:a9fd, 80, false, true, ALLOWED, EGRESS_ALLOWED",
    "169.254.169.254, 53, false, false, ALLOWED, DNS", // a resolver too, as in some clouds
  })
  void asksWhomThePodMayAsk(
      String address,
      int port,
      boolean permissive,
      boolean egress,
      Outcome outcome,
      Reason reason) {
    MeshSettings settings =
        new MeshSettings(permissive, egress, TrustDomain.CLUSTER_LOCAL)
            .onNodeWith(
                List.of(Cidr.parse("192.0.2.53"), Cidr.parse("169.254.169.254")), HostNames.NONE);
    MeshSnapshot snapshot =
        new MeshSnapshot(
            1, settings, List.of(Samples.workload("web", "10.0.0.1", true)), List.of(), List.of());
    var flow =
        new Flow(
            new NamespacedName("shop", "web"),
            new InetSocketAddress("10.0.0.1", 40_000),
            new InetSocketAddress(address, port));

    assertThat(Decisions.decide(snapshot, flow)).isEqualTo(Verdict.of(outcome, reason));
  }
}
