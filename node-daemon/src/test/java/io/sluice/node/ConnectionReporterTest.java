package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.events.AccessLogs;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.TapFilter;
import io.sluice.node.events.Taps;
import io.sluice.node.export.Budget;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.tracing.Spans;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord.End;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class ConnectionReporterTest {
  private static final ConnectionInfo INFO = Samples.outbound(1);

  private final NodeMetrics metrics =
      new NodeMetrics(() -> Samples.snapshot(1, Samples.CART, Samples.CATALOGUE));
  private final EventLog events = new EventLog();
  private final Taps taps = new Taps();
  private final ConnectionReporter reporter =
      new ConnectionReporter(
          metrics,
          events,
          new AccessLogs(null, new Budget()),
          new Spans(new Budget()),
          null,
          pod -> "it never asked",
          taps);

  @Test
  void aRefusedRequestIsCountedTwiceAndToldAsAnEvent() {
    reporter.request(Samples.refusedRequest(INFO, Reason.NO_TRAFFIC_TARGET, false));

    assertThat(events.after(0))
        .singleElement()
        .satisfies(event -> {
          assertThat(event.protocol()).isEqualTo("http");
          assertThat(event.pod()).isEqualTo("shop/cart-0");
          assertThat(event.outcome()).isEqualTo(Outcome.REFUSED);
          assertThat(event.reason()).isEqualTo(Reason.NO_TRAFFIC_TARGET);
          assertThat(event.destination()).isEqualTo(INFO.originalDestinationOrNull());
        });
    assertThat(metrics.text())
        .contains("response_code=\"403\"", "response_flags=\"RBACAF\"")
        .contains("sluice_proxy_requests_refused_total{namespace=\"shop\",pod=\"cart-0\"");
  }

  @Test
  @Timeout(30)
  void whoTapsSeesConnectionsAndRequestsAndWhenAnswersBegan() throws InterruptedException {
    assertThat(reporter.timesAnswers()).isFalse();
    List<String> seen = new ArrayList<>();

    taps.watch(
        new TapFilter("", "", "", "", 3, 0),
        record -> {
          if (record.isEmpty()) {
            assertThat(reporter.timesAnswers()).isTrue();
            reporter.request(Samples.request(INFO, 200));
            reporter.closed(Samples.ended(INFO, CloseKind.FIN));
            reporter.refused(Samples.refused(INFO, Reason.NO_TRAFFIC_TARGET));
          } else {
            seen.add(record.path("method").asText() + record.path("close").asText());
          }
        });

    assertThat(seen).containsExactly("POST", "fin", "refused");
    assertThat(reporter.timesAnswers()).isFalse();
  }

  @Test
  void aCopyThatIsRefusedIsToldFromACall() {
    reporter.request(Samples.refusedRequest(INFO, Reason.NO_TRAFFIC_TARGET, true));

    assertThat(events.after(0))
        .singleElement()
        .satisfies(event -> {
          assertThat(event.protocol()).isEqualTo("http-copy");
          assertThat(event.explanation(MeshSnapshot.EMPTY, _ -> Optional.empty()))
              .startsWith("a copy for a RequestMirror, not the call itself: ")
              .endsWith(Reason.NO_TRAFFIC_TARGET.explanation());
        });
  }

  @Test
  void aRequestThatFoundNoUpstreamIsRefusedForThat() {
    reporter.request(Samples.request(INFO, 503, End.NO_UPSTREAM, null));
    reporter.request(Samples.request(INFO, 503, End.NO_ENDPOINT, null));

    assertThat(events.after(0))
        .extracting(event -> event.reason())
        .containsExactly(Reason.UPSTREAM_UNREACHABLE, Reason.NO_READY_ENDPOINT);
  }

  @ParameterizedTest
  @EnumSource(
      value = End.class,
      mode = Mode.EXCLUDE,
      names = {"REFUSED", "BAD_REQUEST", "NO_UPSTREAM", "NO_ENDPOINT"})
  void whatTheUpstreamAnsweredOrAnEndBrokeOffIsNoRefusal(End end) {
    reporter.request(Samples.request(INFO, 500, end, null));

    assertThat(events.after(0)).isEmpty();
    assertThat(metrics.text())
        .contains("istio_requests_total{")
        .doesNotContain("sluice_proxy_requests_refused_total{");
  }
}
