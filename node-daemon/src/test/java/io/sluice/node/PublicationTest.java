package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamedServer;
import io.sluice.mesh.RemoteLogging;
import io.sluice.mesh.Tracing;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PublicationTest {
  /** Else nobody ever finds their addresses. */
  @Test
  void namesOfTheMeshConfigsCollectorsAreToBeFound() {
    Tracing tracing =
        new Tracing(new NamedServer("spans.example", 4318), Tracing.Protocol.OTLP, "/v1/traces", 1);
    RemoteLogging remote = new RemoteLogging(new NamedServer("lines.example", 30_514), "/", "", 1);

    assertThat(Publication.hosts(Samples.snapshot(tracing, remote)))
        .isEqualTo(Map.of("", Set.of("spans.example", "lines.example")));
    assertThat(Publication.hosts(Samples.snapshot(null, null))).isEqualTo(Map.of("", Set.of()));
  }
}
