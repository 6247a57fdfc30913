package io.sluice.node.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.identity.IdentityFixture;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Certificates as a scrape shows them. */
class IdentityCollectorTest {
  @AutoClose private final IdentityFixture fixture = new IdentityFixture();
  private final NodeMetrics metrics = new NodeMetrics(() -> MeshSnapshot.EMPTY);

  @BeforeEach
  void observe() {
    metrics.observe(fixture.identities());
  }

  private double value(String series) {
    return Arrays.stream(metrics.text().split("\n", -1))
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElse(Double.NaN);
  }

  @Test
  void anAdmittedNodeShowsEndsStatesRequestsAndTheBundle() {
    fixture.admit();
    fixture.want(IdentityFixture.SHOP, IdentityFixture.BANK);
    fixture.awaitUsable(IdentityFixture.SHOP);
    fixture.awaitUsable(IdentityFixture.BANK);

    double soon = Instant.now().plus(Duration.ofHours(23)).getEpochSecond();
    double late = Instant.now().plus(Duration.ofHours(25)).getEpochSecond();
    String end = "sluice_identity_certificate_expiry_timestamp_seconds";
    assertThat(value(end + "{holder=\"node\",}")).isBetween(soon, late);
    assertThat(value(end + "{holder=\"workload\",}")).isBetween(soon, late);
    assertThat(value(end + "{holder=\"root\",}")).isGreaterThan(soon);
    assertThat(value("sluice_identity_certificates{state=\"valid\",}")).isEqualTo(2);
    assertThat(value("sluice_identity_certificates{state=\"missing\",}")).isZero();
    assertThat(value("sluice_identity_certificates{state=\"expired\",}")).isZero();
    String requests = "sluice_identity_requests_total{holder=\"%s\",result=\"issued\",}";
    assertThat(value(requests.formatted("node"))).isEqualTo(1);
    assertThat(value(requests.formatted("workload"))).isEqualTo(2);
    assertThat(value("sluice_identity_trust_bundle_generation")).isEqualTo(1);
    assertThat(value("sluice_identity_trust_bundle_roots")).isEqualTo(1);
    assertThat(value("sluice_identity_trust_bundle_refused")).isZero();
    Await.until(() -> assertThat(value("sluice_identity_controller_connected")).isEqualTo(1));
    assertThat(value("sluice_identity_last_contact_seconds")).isBetween(0.0, 60.0);
  }

  @Test
  void aNodeWithoutATokenShowsWhatIsMissingAndWhyAndNoEnds() {
    fixture.want(IdentityFixture.SHOP);
    Await.until(() ->
        assertThat(value("sluice_identity_requests_total{holder=\"node\",result=\"no_token\",}"))
            .isPositive());

    assertThat(value("sluice_identity_certificates{state=\"missing\",}")).isEqualTo(1);
    assertThat(value("sluice_identity_controller_connected")).isZero();
    assertThat(metrics.text())
        .doesNotContain("sluice_identity_certificate_expiry_timestamp_seconds{")
        .doesNotContain("\nsluice_identity_last_contact_seconds ");
  }
}
