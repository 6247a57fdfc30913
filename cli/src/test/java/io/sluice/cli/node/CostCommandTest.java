package io.sluice.cli.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.Test;

class CostCommandTest {
  private static ObjectNode counted(long cpu, long bytes, long handshakes) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("cpuMillis", cpu)
        .put("receivedBytes", bytes)
        .put("sentBytes", bytes)
        .put("handshakes", handshakes);
  }

  private static ObjectNode status(int pid, long process, long cpu, long bytes, long handshakes) {
    return counted(cpu, bytes, handshakes)
        .put("pid", pid)
        .put("uptimeSeconds", process)
        .put("processCpuMillis", process);
  }

  private static List<String> texts(List<JsonNode> rows) {
    return rows.stream()
        .map(row ->
            "%s: %d ms %s %%, %s, %s"
                .formatted(
                    row.path("pod").asText(),
                    row.path("cpuMillis").asLong(),
                    row.path("cpuPercent").asText(),
                    row.path("receivedBytes").asText("-"),
                    row.path("handshakes").asText("-")))
        .toList();
  }

  @Test
  void rowsAddUpToTheProcess() {
    List<JsonNode> now =
        List.of(
            status(1, 1_000, 700, 9_000, 9),
            counted(100, 2_000, 1).put("pod", "shop/a"),
            counted(500, 6_000, 5).put("pod", "shop/b"));

    assertThat(texts(CostCommand.rows(List.of(), now)))
        .containsExactly(
            "shop/b: 500 ms 50.0 %, 6000, 5",
            "shop/a: 100 ms 10.0 %, 2000, 1",
            "no pod: 100 ms 10.0 %, 1000, 3",
            "daemon: 300 ms 30.0 %, -, -",
            "process: 1000 ms 100.0 %, 9000, 9");
  }

  @Test
  void whatWasBeforeAWindowIsNotCharged() {
    List<JsonNode> before =
        List.of(
            status(1, 1_000, 700, 9_000, 9),
            counted(100, 2_000, 1).put("pod", "shop/a"),
            counted(500, 6_000, 5).put("pod", "shop/b"));
    List<JsonNode> after =
        List.of(
            status(1, 1_200, 800, 9_900, 10),
            counted(180, 2_800, 2).put("pod", "shop/a"),
            counted(10, 50, 0).put("pod", "shop/b")); // served anew

    assertThat(texts(CostCommand.rows(before, after)))
        .containsExactly(
            "shop/a: 80 ms 40.0 %, 800, 1",
            "shop/b: 10 ms 5.0 %, 50, 0",
            "no pod: 10 ms 5.0 %, 50, 0",
            "daemon: 100 ms 50.0 %, -, -",
            "process: 200 ms 100.0 %, 900, 1");
    assertThat(texts(CostCommand.rows(before, List.of(status(2, 5, 1, 0, 0)))))
        .containsExactly(
            "no pod: 1 ms 20.0 %, 0, 0",
            "daemon: 4 ms 80.0 %, -, -", "process: 5 ms 100.0 %, 0, 0");
  }
}
