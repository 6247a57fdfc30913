package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The daemon says which pod it works for: by command and by metrics, and as much as it works. */
@Tag("kernel")
class PodCostTest {
  private static final int ROUNDS = 200;
  private static final String WORD = "x".repeat(100);

  /** Enough that what is told 10 ms late is little of it. */
  private static final double ENOUGH_CPU_SECONDS = 0.7;

  @Test
  @Timeout(120)
  void whoDoesMostIsChargedForItAndPodsAddUpToTheDaemon() throws IOException {
    try (Shop shop = Shop.open(Mechanism.EBPF)) {
      shop.configure(true, false, Map.of());
      try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT);
          Talk buyer = Talk.begin(shop.buyer, shop.service(Family.IPV4));
          Talk thief = Talk.begin(shop.thief, shop.service(Family.IPV4))) {
        double before = cpuOfAll(shop);
        double podsBefore = cpu(shop);
        double buyerBefore = cpu(shop, shop.buyer);
        do {
          for (int i = 0; i < ROUNDS; i++) {
            for (Talk one : new Talk[] {buyer, buyer, buyer, buyer, thief}) {
              assertThat(one.exchange(WORD)).isEqualTo(WORD);
            }
          }
        } while (cpuOfAll(shop) - before < ENOUGH_CPU_SECONDS);

        double all = cpuOfAll(shop) - before;
        double pods = cpu(shop) - podsBefore;
        double ofBuyer = cpu(shop, shop.buyer) - buyerBefore;
        assertThat(pods / all).as("of the event loops").isCloseTo(1, within(0.05));
        assertThat(ofBuyer / pods).as("who does 80 %%").isCloseTo(0.8, within(0.05));
        assertThat(bytes(shop, shop.buyer) / bytes(shop, shop.thief)).isCloseTo(4, within(0.1));
        assertThat(bytes(shop, shop.buyer) + bytes(shop, shop.thief))
            .isEqualTo(shop.view().metric("sluice_proxy_received_bytes_total"));
        Map<String, JsonNode> costs = costs(shop);
        JsonNode process = Objects.requireNonNull(costs.get("process"));
        JsonNode beside = Objects.requireNonNull(costs.get("daemon"));
        JsonNode row = Objects.requireNonNull(costs.get(shop.buyer.meshName()));
        assertThat(sum(costs, "cpuMillis")).isEqualTo(process.path("cpuMillis").asLong());
        assertThat(sum(costs, "receivedBytes")).isEqualTo(process.path("receivedBytes").asLong());
        assertThat(row.path("receivedBytes").asDouble()).isEqualTo(bytes(shop, shop.buyer));
        assertThat(row.path("cpuMillis").asLong()).isPositive();
        assertThat(beside.path("cpuMillis").asLong()).isPositive();
        assertThat(process.path("residentBytes").asLong()).isPositive();
        assertThat(shop.view().status().path("receivedBytes").asDouble())
            .isEqualTo(shop.view().metric("sluice_proxy_received_bytes_total"));
      }
      shop.site.registry().remove(shop.thief);
      Await.until("its series have ended", () -> !hasSeries(shop, shop.thief));
      assertThat(hasSeries(shop, shop.buyer)).isTrue();
    }
  }

  /** Rows of {@code sluice cost} by what they are of. */
  private static Map<String, JsonNode> costs(Shop shop) throws IOException {
    String printed = JavaCommand.here("cost", "-o", "json", "--node-name", shop.site.prefix());
    Map<String, JsonNode> rows = new HashMap<>();
    new ObjectMapper().readTree(printed).forEach(row -> rows.put(row.path("pod").asText(), row));
    return rows;
  }

  private static long sum(Map<String, JsonNode> costs, String name) {
    return costs.entrySet().stream()
        .filter(row -> !row.getKey().equals("process"))
        .mapToLong(row -> row.getValue().path(name).asLong())
        .sum();
  }

  private static double cpuOfAll(Shop shop) {
    return shop.view().metric("sluice_proxy_cpu_seconds_total");
  }

  private static double cpu(Shop shop, SitePod... pods) {
    String name = "sluice_proxy_pod_cpu_seconds_total";
    return pods.length == 0 ? shop.view().metric(name) : shop.view().metric(name, label(pods[0]));
  }

  private static double bytes(Shop shop, SitePod pod) {
    return shop.view().metric("sluice_proxy_pod_received_bytes_total", label(pod));
  }

  private static boolean hasSeries(Shop shop, SitePod pod) {
    return shop.view()
        .metrics()
        .lines()
        .anyMatch(line -> line.startsWith("sluice_proxy_pod_") && line.contains(label(pod)));
  }

  private static String label(SitePod pod) {
    return "pod=\"" + pod.name() + "\"";
  }
}
