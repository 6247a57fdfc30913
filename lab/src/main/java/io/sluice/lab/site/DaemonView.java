package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapDump;
import io.sluice.interception.maps.MapSummary;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What one daemon tells: admin socket, metrics, access log, and the pins behind its back. */
public final class DaemonView {
  private final SitePod node;
  private final PinDirectory pins;
  private final AdminClient admin;
  private final AccessRecords accessLog;

  DaemonView(SitePod node, String nodeName, Path state) {
    this.node = node;
    this.pins = PinDirectory.ofNode(nodeName);
    this.admin = new AdminClient(NodeSettings.adminSocket(nodeName));
    this.accessLog = new AccessRecords(state.resolve("access.log"));
  }

  /** {@code node status}. */
  public JsonNode status() {
    return ask("status").getFirst();
  }

  /** {@code node pods}. */
  public List<JsonNode> pods() {
    return ask("pods");
  }

  /** The state of one pod; {@code unknown} when the daemon does not list it. */
  public String stateOf(SitePod pod) {
    return pods().stream()
        .filter(entry -> entry.path("pod").asText().equals(pod.meshName()))
        .map(entry -> entry.path("state").asText())
        .findFirst()
        .orElse("unknown");
  }

  /** {@code node certificates}. */
  public List<JsonNode> certificates() {
    return ask("certificates");
  }

  /** Whether it has a certificate in force for the SPIFFE ID. */
  public boolean hasCertificate(String identity) {
    return certificates().stream()
        .filter(certificate -> certificate.path("identity").asText().equals(identity))
        .anyMatch(certificate -> certificate.path("state").asText().equals("valid"));
  }

  /** {@code node events}. */
  public List<JsonNode> events() {
    return ask("events");
  }

  /** Number of the latest event, 0 before the first. */
  public long lastEvent() {
    List<JsonNode> events = events();
    return events.isEmpty() ? 0 : events.getLast().path("sequence").asLong();
  }

  /** Events of one pod with a reason, after a sequence number. */
  public List<JsonNode> events(long after, SitePod pod, String reason) {
    return events().stream()
        .filter(event -> event.path("sequence").asLong() > after)
        .filter(event -> event.path("pod").asText().equals(pod.meshName()))
        .filter(event -> event.path("reason").asText().equals(reason))
        .toList();
  }

  /** What it answers to a command of the admin socket. */
  public List<JsonNode> ask(String command) {
    try {
      return admin.ask(AdminRequest.of(command));
    } catch (IOException e) {
      throw new UncheckedIOException("the daemon does not answer '" + command + "'", e);
    }
  }

  /** Where its maps and links are pinned. */
  public PinDirectory pins() {
    return pins;
  }

  /** Rows of a map by column: the daemon's answer, or the pins when none runs. */
  public List<Map<String, String>> dump(String map) {
    MapDump dump =
        fromDaemon(map)
            .or(() -> new MapCatalogue(pins).dump(map))
            .orElseThrow(() -> new IllegalStateException("no map '" + map + "' is pinned"));
    List<Map<String, String>> rows = new ArrayList<>();
    for (List<String> cells : dump.rows()) {
      Map<String, String> row = new HashMap<>();
      for (int column = 0; column < cells.size(); column++) {
        row.put(dump.columns().get(column), cells.get(column));
      }
      rows.add(row);
    }
    return rows;
  }

  private Optional<MapDump> fromDaemon(String map) {
    try {
      JsonNode answer = admin.ask(new AdminRequest("dump", map, false)).getFirst();
      List<List<String>> rows = new ArrayList<>();
      answer.path("rows").forEach(row -> rows.add(texts(row)));
      return Optional.of(new MapDump(map, texts(answer.path("columns")), rows));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }

  /** Numbers of the kernel's maps by their names. */
  public Map<String, Integer> mapIds() {
    Map<String, Integer> ids = new TreeMap<>();
    for (MapSummary map : new MapCatalogue(pins()).list()) {
      ids.put(map.name(), map.id());
    }
    return ids;
  }

  /** Whether every pod is brought to the snapshot that the daemon has. */
  public boolean isEnforced() {
    JsonNode status = status();
    return status.path("enforcedRevision").asLong() == status.path("snapshotRevision").asLong();
  }

  /** The kernel's verdict counters of one pod with this verdict and reason, all families. */
  public long counted(SitePod pod, String direction, String verdict, String reason) {
    return dump("verdict_counters").stream()
        .filter(row -> pod.meshName().equals(row.getOrDefault("pod", "")))
        .filter(row -> direction.equals(row.getOrDefault("direction", "")))
        .filter(row ->
            verdict.equals(row.getOrDefault("verdict", ""))
                && reason.equals(row.getOrDefault("reason", "")))
        .mapToLong(row -> Long.parseLong(row.getOrDefault("count", "")))
        .sum();
  }

  /** The text of {@code /metrics}; fails where too many ask for it at once. */
  public String metrics() {
    String answer = get("/metrics");
    if (!answer.startsWith("200", answer.indexOf(' ') + 1)) {
      throw new IllegalStateException("no metrics: " + answer);
    }
    return answer;
  }

  /** The text of {@code /readyz}. */
  public String readiness() {
    return get("/readyz");
  }

  /** What the daemon says about one pod. */
  public JsonNode pod(SitePod pod) {
    return pods().stream()
        .filter(entry -> entry.path("pod").asText().equals(pod.meshName()))
        .findFirst()
        .orElseThrow();
  }

  /** A port of this machine that leads to where the daemon serves its metrics now. */
  public Relay relayToMetrics() {
    return Relay.open(node, metricsAddress());
  }

  private InetSocketAddress metricsAddress() {
    String[] address = status().path("metricsAddress").asText().split(":", -1);
    return new InetSocketAddress(address[0], Integer.parseInt(address[1]));
  }

  /** Fetched from inside the node's namespace. */
  private String get(String path) {
    InetSocketAddress server = metricsAddress();
    return node.call(() -> {
      try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.INET)) {
        channel.connect(server);
        Channels.newOutputStream(channel)
            .write(("GET " + path + " HTTP/1.0\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
      }
    });
  }

  /** Its metrics now. One after the other: only some may ask at once. */
  public synchronized MetricsPage page() {
    return new MetricsPage(metrics());
  }

  /** As {@link MetricsPage#metric} of a page of its own. */
  public double metric(String name, String... labels) {
    return page().metric(name, labels);
  }

  /** Lines of the access log so far. */
  public List<JsonNode> accessLog() {
    return accessLog.all();
  }

  /** Requests that the access log tells of so far. */
  public List<RequestLine> requests() {
    return accessLog.requests();
  }

  /** The access record of the connection that was tried; waits for it. */
  public JsonNode record(String direction, Attempt attempt) {
    return record("direction", direction, attempt.local(), attempt.begun());
  }

  /** The access record of that connection; waits for it. */
  public JsonNode record(String direction, Talk talk) {
    return record("direction", direction, talk.local(), talk.begun());
  }

  /** The access record of a connection from {@code client}, no older than that; waits for it. */
  public JsonNode record(String direction, InetSocketAddress client, Instant begun) {
    return record("direction", direction, client, begun);
  }

  /** The one of that connection that says that it ended so. */
  public JsonNode recordOf(String close, Talk talk) {
    return record("close", close, talk.local(), talk.begun());
  }

  private JsonNode record(String field, String value, InetSocketAddress client, Instant begun) {
    return Await.value(
        "the access log tells of " + client + " " + value,
        Await.PATIENCE,
        () -> accessLog.first(field, value, client, begun));
  }
}
