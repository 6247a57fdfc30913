package io.sluice.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.FailedRequests;
import io.sluice.process.AdminRequest;
import io.sluice.process.AdminServer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Answers the questions of a page as a daemon would, of a mesh that a test makes up. */
final class ToldDaemon implements AdminServer.Answers, AutoCloseable {
  /** Requests a second of the first caller, of which one of ten fails. */
  static final int RATE = 40;

  /** Somebody's name, chosen to be more than a name. */
  static final String HOSTILE =
      "shop/\"><img src=x onerror=window.hit=1><script>window.hit=2</script>";

  static final String HOSTILE_PATH = "/<img src=x onerror=window.hit=3>";
  private static final String BUYER = "spiffe://cluster.local/ns/shop/sa/buyer";
  private static final String STORE = "spiffe://cluster.local/ns/shop/sa/store";
  private static final String UNKNOWN = "unknown";
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Path socket;
  private final long begunNanos = System.nanoTime();
  private AdminServer server;
  volatile boolean empty;
  volatile boolean silent;
  volatile String refusal = ""; // of whoever watches requests

  ToldDaemon(Path socket) {
    this.socket = socket;
    this.server = AdminServer.start(socket, this);
  }

  void stop() {
    server.close();
  }

  void startAgain() {
    server = AdminServer.start(socket, this);
  }

  @Override
  public void answer(AdminRequest request, Consumer<JsonNode> out) throws InterruptedException {
    while (silent) {
      Thread.sleep(10);
    }
    switch (request.command()) {
      case "status" -> out.accept(status());
      case "edges" -> edges(out);
      case "pods" -> {
        pod("shop/buyer-1", BUYER, out);
        pod("shop/store-1", STORE, out);
      }
      case "certificates" -> certificate(out);
      case "proxy" -> policies(out);
      case "events" -> {
        if (!empty) {
          out.accept(event());
        }
        Thread.sleep(Duration.ofMinutes(1));
      }
      case "tap" -> {
        if (!refusal.isEmpty()) {
          throw new IllegalArgumentException(refusal);
        }
        out.accept(JSON.objectNode());
        out.accept(request());
        Thread.sleep(Duration.ofMinutes(1));
      }
      default -> throw new IllegalArgumentException("unknown command");
    }
  }

  /** The same as one of several nodes, which counts each call at both its ends. */
  ObjectNode view(String node) {
    ObjectNode view = JSON.objectNode();
    view.set("status", status().put("node", node));
    ArrayNode edges = view.putArray("edges");
    edges(edge -> {
      edges.add(edge);
      ObjectNode other = edge.deepCopy();
      other.put("direction", "inbound").put("workload", edge.path("peer").asText());
      edges.add(other.put("peer", edge.path("workload").asText()));
    });
    ArrayNode pods = view.putArray("pods");
    pod("shop/store-1", STORE, pods::add);
    certificate(view.putArray("certificates")::add);
    return view;
  }

  private static ObjectNode status() {
    return JSON.objectNode()
        .put("verdict", "ok")
        .put("ready", true)
        .put("mode", "ebpf")
        .put("fastPath", "on")
        .put("residentBytes", 61_000_000)
        .put("pid", 7)
        .put("uptimeSeconds", 7_260)
        .put("snapshotRevision", 12)
        .put("snapshotFrom", "controller")
        .put("snapshotAgeSeconds", 3)
        .put("controller", "control:15012")
        .put("controllerConnected", true)
        .put("podsEnrolled", 2)
        .put("podsPending", 0)
        .put("connectionsLive", 5)
        .put("connectionsLimit", 4_000);
  }

  /**
   * A caller by mutual TLS, whose counts grow evenly; a hostile one in clear; a refused stranger.
   */
  private void edges(Consumer<JsonNode> out) {
    if (empty) {
      return;
    }
    long count = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begunNanos) * RATE / 1_000;
    ObjectNode calls = edge("shop/buyer", BUYER, "shop/store", STORE, "http", "mutual_tls");
    answer(calls, 200, "-", count - count / 10);
    answer(calls, 503, "UF", count / 10);
    calls.putObject("durations").put("10000", count - count / 10).put("25000", count / 10);
    out.accept(calls);
    ObjectNode bytes = edge(HOSTILE, UNKNOWN, "shop/store", STORE, "tcp", "none");
    bytes.put("connections", count / 2).put("sentBytes", 1_000 * count).put("receivedBytes", 0);
    bytes.putObject("closed").put("-", count / 2);
    out.accept(bytes);
  }

  private static ObjectNode edge(
      String source,
      String sourceIdentity,
      String destination,
      String destinationIdentity,
      String protocol,
      String security) {
    return JSON.objectNode()
        .put("workload", source)
        .put("direction", "outbound")
        .put("peer", destination)
        .put("service", "shop/store")
        .put("sourcePrincipal", sourceIdentity)
        .put("destinationPrincipal", destinationIdentity)
        .put("protocol", protocol)
        .put("security", security);
  }

  private static void answer(ObjectNode edge, int code, String flags, long count) {
    edge.withArrayProperty("answers")
        .addObject()
        .put("code", String.valueOf(code))
        .put("grpcStatus", "")
        .put("flags", flags)
        .put("failed", FailedRequests.include(code, "", flags))
        .put("count", count);
  }

  private static void pod(String name, String identity, Consumer<JsonNode> out) {
    out.accept(JSON.objectNode().put("pod", name).put("identity", identity));
  }

  private static void certificate(Consumer<JsonNode> out) {
    Instant now = Instant.now();
    ObjectNode one = JSON.objectNode().put("identity", STORE).put("state", "valid");
    one.put("notBefore", now.minus(Duration.ofHours(12)).toString());
    one.put("notAfter", now.plus(Duration.ofHours(12)).plusSeconds(30).toString());
    one.put("renewAt", now.plus(Duration.ofMinutes(30)).plusSeconds(30).toString());
    one.putArray("pods").add("shop/store-1");
    out.accept(one.put("problem", ""));
  }

  private static void policies(Consumer<JsonNode> out) {
    ObjectNode answer = JSON.objectNode().put("pod", "shop/store-1");
    answer.putObject("settings").put("permissive", false);
    ObjectNode target = answer.putArray("inbound").addObject();
    target.put("namespace", "shop").put("name", "buyer-to-store").put("destination", "shop/store");
    target.putArray("ports").add(8080);
    ObjectNode requests = target.putObject("requests");
    requests.putArray("sources").add("shop/buyer");
    requests.putArray("routes").addObject().put("path", "/books").putArray("methods").add("GET");
    out.accept(answer);
  }

  private static ObjectNode event() {
    return JSON.objectNode()
        .put("time", Instant.now().toString())
        .put("pod", HOSTILE)
        .put("direction", "outbound")
        .put("destination", "10.0.0.9:80")
        .put("reason", "no_traffic_target")
        .put("rule", "shop/buyer-to-store")
        .put("explanation", "no TrafficTarget grants it");
  }

  private static ObjectNode request() {
    return JSON.objectNode()
        .put("time", Instant.now().toString())
        .put("reporter", "source")
        .put("sourcePrincipal", BUYER)
        .put("destinationPrincipal", STORE)
        .put("service", "shop/store")
        .put("method", "GET")
        .put("path", HOSTILE_PATH)
        .put("responseCode", 200)
        .put("responseFlags", "-")
        .put("durationMillis", 7)
        .put("verdict", "allowed")
        .put("reason", "granted")
        .put("rule", "shop/buyer-to-store");
  }

  @Override
  public void close() {
    silent = false;
    stop();
  }
}
