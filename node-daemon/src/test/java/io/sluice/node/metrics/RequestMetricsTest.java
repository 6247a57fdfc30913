package io.sluice.node.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.Samples;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestMetricsTest {
  private static final String CART_TO_CATALOGUE =
      "reporter=\"source\",source_workload=\"cart\",source_workload_namespace=\"shop\","
          + "source_principal=\"spiffe://cluster.local/ns/shop/sa/cart-0\",source_app=\"cart\","
          + "source_version=\"v1\",source_canonical_service=\"cart\","
          + "source_canonical_revision=\"v1\",destination_workload=\"catalogue\","
          + "destination_workload_namespace=\"shop\","
          + "destination_principal=\"spiffe://cluster.local/ns/shop/sa/catalogue-0\","
          + "destination_app=\"catalogue\",destination_version=\"v1\","
          + "destination_canonical_service=\"catalogue\",destination_canonical_revision=\"v1\","
          + "destination_service=\"catalogue.shop.svc.cluster.local\","
          + "destination_service_name=\"catalogue\",destination_service_namespace=\"shop\",";
  private static final String NO_ROUTE = "";
  private static final String NO_TLS = "connection_security_policy=\"none\",";

  private volatile MeshSnapshot snapshot = Samples.snapshot(1, Samples.CART, Samples.CATALOGUE);
  private final NodeMetrics metrics = new NodeMetrics(() -> snapshot);

  @Test
  void requestsAreCountedByBothEndsAndHowTheyWereAnswered() {
    metrics.request(Samples.request(Samples.outbound(1), 200));
    metrics.request(Samples.request(Samples.outbound(2), 200));
    metrics.request(Samples.request(Samples.outbound(2), 503, End.NO_UPSTREAM, null));

    assertThat(series("istio_requests_total"))
        .containsExactlyInAnyOrder(
            "istio_requests_total{"
                + CART_TO_CATALOGUE
                + "request_protocol=\"http\",response_code=\"200\",grpc_response_status=\"\","
                + "response_flags=\"-\","
                + NO_TLS
                + "} 2.0",
            "istio_requests_total{"
                + CART_TO_CATALOGUE
                + "request_protocol=\"http\",response_code=\"503\",grpc_response_status=\"\","
                + "response_flags=\"UF\","
                + NO_TLS
                + "} 1.0");
    assertThat(series("istio_request_messages_total")).isEmpty();
  }

  @Test
  void bothEndsReport() {
    metrics.request(Samples.request(Samples.outbound(1), 200));
    metrics.request(Samples.request(Samples.certified(2, Samples.identity(Samples.CART)), 200));

    assertThat(series("istio_requests_total"))
        .hasSize(2)
        .anyMatch(line -> line.contains("reporter=\"source\""))
        .anyMatch(line ->
            line.contains("reporter=\"destination\"")
                && line.contains("connection_security_policy=\"mutual_tls\""));
  }

  @Test
  void callsOfGrpcHaveTheirOwnProtocolStatusAndMessages() {
    metrics.request(Samples.grpc(Samples.outbound(1), "14"));
    metrics.request(Samples.grpc(Samples.outbound(1), "14"));

    assertThat(series("istio_requests_total"))
        .containsExactly(
            "istio_requests_total{"
                + CART_TO_CATALOGUE
                + "request_protocol=\"grpc\",response_code=\"200\",grpc_response_status=\"14\","
                + "response_flags=\"-\","
                + NO_TLS
                + "} 2.0");
    assertThat(series("istio_request_messages_total"))
        .containsExactly(
            "istio_request_messages_total{"
                + CART_TO_CATALOGUE
                + "request_protocol=\"grpc\","
                + NO_TLS
                + "} 4.0");
    assertThat(series("istio_response_messages_total"))
        .singleElement()
        .asString()
        .endsWith("} 6.0");
  }

  @Test
  void timesAreInTheBucketsOfEnvoyInMilliseconds() {
    for (long micros : List.of(500L, 501L, 30_000L, 50_000L, 4_000_000_000L)) {
      metrics.request(lasting(Duration.ofNanos(1_000 * micros)));
    }

    String ends = CART_TO_CATALOGUE + "request_protocol=\"http\"," + NO_TLS;
    List<String> expected = new ArrayList<>();
    List<String> bounds =
        List.of(
            "0.5 1",
            "1 2",
            "5 2",
            "10 2",
            "25 2",
            "50 4",
            "100 4",
            "250 4",
            "500 4",
            "1000 4",
            "2500 4",
            "5000 4",
            "10000 4",
            "30000 4",
            "60000 4",
            "300000 4",
            "600000 4",
            "1.8e+06 4",
            "3.6e+06 4",
            "+Inf 5");
    for (String bound : bounds) {
      String[] parts = bound.split(" ", 2);
      expected.add(
          "istio_request_duration_milliseconds_bucket{"
              + ends
              + "le=\""
              + parts[0]
              + "\",} "
              + parts[1]
              + ".0");
    }
    expected.add("istio_request_duration_milliseconds_count{" + ends + "} 5.0");
    expected.add("istio_request_duration_milliseconds_sum{" + ends + "} 4000081.001");
    assertThat(metrics.text().lines())
        .contains("# TYPE istio_request_duration_milliseconds histogram")
        .filteredOn(line -> line.startsWith("istio_request_duration_milliseconds"))
        .containsExactlyElementsOf(expected);
  }

  @Test
  void timesAreToldWithinFourPercentToWhoAsksTheDaemon() {
    List<Long> micros = new ArrayList<>();
    for (double each = 300; each < 3_500_000_000.0; each *= 1.37) {
      micros.add((long) each);
      metrics.request(lasting(Duration.ofNanos(1_000 * (long) each)));
    }

    List<Long> told = new ArrayList<>();
    told(NO_ROUTE)
        .path("durations")
        .properties()
        .forEach(each -> told.add(Long.valueOf(each.getKey())));
    assertThat(told).hasSameSizeAs(micros);
    for (int i = 0; i < told.size(); i++) {
      assertThat(told.get(i).doubleValue())
          .isCloseTo(micros.get(i).doubleValue(), withinPercentage(4));
    }
  }

  @Test
  void requestsThatFailAreToldApartFromThoseThatWereAnsweredAlsoByRoute() {
    ConnectionInfo info = Samples.outbound(1);
    metrics.request(Samples.request(info, 404));
    metrics.request(Samples.grpc(info, "0"));
    metrics.request(Samples.request(info, 503));
    metrics.request(Samples.request(info, 200, End.RESET_BY_UPSTREAM, null));
    metrics.request(Samples.request(info, 0, End.RESET_BY_CLIENT, null));
    metrics.request(Samples.grpc(info, "14"));
    metrics.request(Samples.refusedRequest(info, Reason.NO_TRAFFIC_TARGET, false));

    for (String route : List.of(NO_ROUTE, "HTTPRoute shop/catalogue spec.rules[1]")) {
      assertThat(failed(route)).as(route).isEqualTo(5);
    }
    assertThat(told(NO_ROUTE).path("workload").asText()).isEqualTo("shop/cart");
    assertThat(told(NO_ROUTE).path("peer").asText()).isEqualTo("shop/catalogue");
    assertThat(told(NO_ROUTE).path("direction").asText()).isEqualTo("outbound");
  }

  private JsonNode told(String route) {
    return all(route).getFirst();
  }

  private long failed(String route) {
    return all(route).stream().mapToLong(each -> each.path("failed").asLong()).sum();
  }

  private List<JsonNode> all(String route) {
    List<JsonNode> all = new ArrayList<>();
    metrics.tell(all::add);
    all.removeIf(each -> !each.path("route").asText().equals(route));
    return all;
  }

  @Test
  void contentIsMeasuredInBothDirections() {
    metrics.request(Samples.request(Samples.outbound(1), 200));

    assertThat(series("istio_request_bytes_sum")).singleElement().asString().endsWith("} 120.0");
    assertThat(series("istio_response_bytes_sum")).singleElement().asString().endsWith("} 4096.0");
    assertThat(series("istio_request_bytes_bucket"))
        .anyMatch(line -> line.contains("le=\"100\"") && line.endsWith("} 0.0"))
        .anyMatch(line -> line.contains("le=\"250\"") && line.endsWith("} 1.0"));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 99, 600, Integer.MAX_VALUE})
  void aStatusThatIsNoneOfHttpIsZero(int status) {
    metrics.request(Samples.request(Samples.outbound(1), status));

    assertThat(series("istio_requests_total"))
        .singleElement()
        .asString()
        .contains("response_code=\"0\"");
  }

  @ParameterizedTest
  @CsvSource({"0,0", "16,16", "17,other", "00,other", "'\"} 1\n',other"})
  void aStatusThatIsNoneOfGrpcMakesNoSeries(String told, String label) {
    metrics.request(Samples.grpc(Samples.outbound(1), told));

    assertThat(series("istio_requests_total"))
        .singleElement()
        .asString()
        .contains("grpc_response_status=\"" + label + "\"");
  }

  @Test
  void waysOfBeingAnsweredAreBounded() {
    int statuses = 0;
    for (int status = 100; status <= 599; status++) {
      metrics.request(Samples.request(Samples.outbound(1), status));
      statuses++;
    }

    List<String> counted = series("istio_requests_total");
    assertThat(counted).hasSize(RequestMetrics.MAX_OUTCOMES + 1);
    assertThat(counted)
        .filteredOn(line -> line.contains("response_code=\"other\""))
        .singleElement()
        .asString()
        .contains("source_workload=\"cart\"", "response_flags=\"other\"")
        .endsWith("} " + (statuses - RequestMetrics.MAX_OUTCOMES) + ".0");
  }

  @Test
  void labelSetsAreBounded() {
    for (int i = 0; i < RequestMetrics.MAX_LABEL_SETS + 50; i++) {
      NamespacedName pod = new NamespacedName("shop", "job-" + i);
      snapshot = Samples.snapshot(i, pod);
      metrics.request(Samples.request(Samples.outbound(i, pod), 404));
    }

    List<String> counts = series("istio_request_duration_milliseconds_count");
    assertThat(counts).hasSize(RequestMetrics.MAX_LABEL_SETS + 1);
    assertThat(series("istio_requests_total"))
        .filteredOn(line -> line.contains("source_workload=\"other\""))
        .singleElement()
        .asString()
        .contains("response_code=\"404\"", "request_protocol=\"http\"")
        .endsWith("} 50.0");
  }

  @Test
  void seriesEndWithTheWorkloadTheyNameAndBeginAnew() {
    metrics.request(Samples.request(Samples.outbound(1), 200));
    metrics.request(Samples.request(Samples.stranger(2), 200));

    metrics.keepOnly(Samples.snapshot(2, Samples.CATALOGUE));
    assertThat(metrics.text()).doesNotContain("source_workload=\"cart\"");
    assertThat(series("istio_requests_total")).hasSize(1);

    metrics.request(Samples.request(Samples.outbound(3), 200));
    assertThat(series("istio_requests_total"))
        .filteredOn(line -> line.contains("source_workload=\"cart\""))
        .singleElement()
        .asString()
        .endsWith("} 1.0");
  }

  @Test
  void seriesOfWhatIsStillThereStay() {
    metrics.request(Samples.request(Samples.outbound(1), 200));
    metrics.request(Samples.request(Samples.stranger(2), 200));

    metrics.keepOnly(Samples.snapshot(2, Samples.CART, Samples.CATALOGUE));

    assertThat(series("istio_requests_total")).hasSize(2);
    assertThat(series("istio_request_bytes_count")).hasSize(2);
  }

  @Test
  void seriesOfANamespaceThatIsNotToBeToldOfAreHidden() {
    metrics.request(Samples.request(Samples.outbound(1), 200));
    metrics.refusedRequest(Samples.outbound(1), Reason.NO_TRAFFIC_TARGET);

    snapshot = Samples.unmeasured(2, Samples.CART, Samples.CATALOGUE);

    assertThat(metrics.text().lines()).noneMatch(line -> line.contains("namespace=\"shop\""));
  }

  @Test
  void refusalsAreCountedByReasonAndEndWithTheirPod() {
    metrics.refusedRequest(Samples.outbound(1), Reason.NO_TRAFFIC_TARGET);
    metrics.refusedRequest(Samples.outbound(2), Reason.NO_TRAFFIC_TARGET);

    assertThat(series("sluice_proxy_requests_refused_total"))
        .containsExactly(
            "sluice_proxy_requests_refused_total{namespace=\"shop\",pod=\"cart-0\","
                + "direction=\"outbound\",reason=\"no_traffic_target\",} 2.0");
    assertThat(series("sluice_proxy_connections_refused_total")).isEmpty();

    metrics.keepOnly(Samples.snapshot(2, Samples.CATALOGUE));
    assertThat(series("sluice_proxy_requests_refused_total")).isEmpty();
  }

  @Test
  void nothingIsLostBetweenThreads() throws InterruptedException {
    int threads = 4;
    int each = 20_000;
    List<Thread> loops = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int status = 200 + i % 2;
      loops.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; n < each; n++) {
                  metrics.request(Samples.request(Samples.outbound(n), status));
                }
              }));
    }
    while (loops.stream().anyMatch(Thread::isAlive)) {
      metrics.keepOnly(snapshot);
      assertThat(bucketsGrow()).isTrue();
    }
    for (Thread loop : loops) {
      loop.join();
    }

    assertThat(series("istio_requests_total"))
        .hasSize(2)
        .allMatch(line -> line.endsWith("} 40000.0"));
    assertThat(series("istio_request_duration_milliseconds_count"))
        .singleElement()
        .asString()
        .endsWith("} 80000.0");
    assertThat(series("istio_response_bytes_sum"))
        .singleElement()
        .asString()
        .endsWith("} " + 4_096.0 * threads * each);
  }

  /** Whether a scrape under traffic has buckets that a reader may subtract from each other. */
  private boolean bucketsGrow() {
    List<Double> values =
        series("istio_response_bytes_bucket").stream()
            .map(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
            .collect(Collectors.toList());
    return values.equals(values.stream().sorted().toList());
  }

  private static RequestRecord lasting(Duration duration) {
    RequestRecord one = Samples.request(Samples.outbound(1), 200);
    return new RequestRecord(
        one.info(),
        one.verdict(),
        one.version(),
        one.grpc(),
        false,
        one.method(),
        one.authority(),
        one.path(),
        one.status(),
        null,
        one.end(),
        one.requestBytes(),
        one.responseBytes(),
        0,
        0,
        duration,
        null,
        null,
        null,
        Map.of());
  }

  private List<String> series(String name) {
    return metrics.text().lines().filter(line -> line.startsWith(name + "{")).toList();
  }
}
