package io.sluice.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.lab.demo.DemoLedger.FlowKey;
import io.sluice.lab.demo.DemoNumbers.ProxyCounts;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MetricSampleTest {
  private static final String PAGE =
      """
      # HELP sluice_interception_refused_total Flows that the hooks refused.
      # TYPE sluice_interception_refused_total counter
      sluice_interception_refused_total{namespace="shop",pod="buyer",direction="outbound",family="ipv4",reason="datagram_refused",} 3.0
      istio_tcp_connections_opened_total{reporter="source",destination_app="store",} 7.0
      istio_tcp_connections_opened_total{reporter="destination",destination_app="store",} 5.0
      istio_tcp_connections_opened_total{reporter="destination",destination_app="warehouse",} 1.0
      sluice_proxy_connections_refused_total{pod="thief",reason="no_traffic_target",} 2.0

      process_open_fds 61.0 1395066363000
      jvm_info{version="25+36 \\"LTS\\", a\\\\b",} +Inf
      """;

  @Test
  void readsLabelsValuesAndTimestamps() {
    List<MetricSample> samples = MetricSample.parse(PAGE);

    assertThat(samples).hasSize(7);
    assertThat(samples.get(5)).isEqualTo(new MetricSample("process_open_fds", Map.of(), 61));
    assertThat(samples.get(6).label("version")).isEqualTo("25+36 \"LTS\", a\\b");
    assertThat(samples.get(6).value()).isInfinite();
  }

  @Test
  void refusesALineWhoseLabelsDoNotEnd() {
    assertThatThrownBy(() -> MetricSample.parse("up{a=\"b 1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("up{a=");
  }

  @Test
  void countsWhatTheServerSideLetThrough() {
    assertThat(ProxyCounts.of(MetricSample.parse(PAGE))).isEqualTo(new ProxyCounts(6, 2, 0, 0, 0));
  }

  @Test
  void namesVerdictsAsTheMapsDo() {
    assertThat(DemoNumbers.verdicts(MetricSample.parse(PAGE)))
        .containsExactly(
            Map.entry(
                new FlowKey("shop/buyer", "outbound", "ipv4", "refused", "datagram_refused"), 3L));
  }
}
