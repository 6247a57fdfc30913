package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.events.TapFilter;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import io.sluice.process.PageServer;
import io.sluice.process.PageServer.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Serves the page and what it shows below a path that nobody can guess: other users of the machine
 * reach the port, and so do pages of other sites by the browser of who looks.
 */
public final class Dashboard implements AutoCloseable {
  /** Nothing from elsewhere, no script that is not a file of ours, no text as HTML. */
  private static final List<String> HEADERS =
      List.of(
          "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';"
              + " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
              + " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
          "Cross-Origin-Opener-Policy: same-origin",
          "Cross-Origin-Resource-Policy: same-origin",
          "Referrer-Policy: no-referrer",
          "X-Content-Type-Options: nosniff",
          "Cache-Control: no-store");

  private static final String CHARTS = "/META-INF/resources/webjars/uplot/1.6.30/dist/";
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  /** Where each file of the page is, by the path that the page has for it; and nothing else. */
  static final Map<String, String> FILES =
      Map.of(
          "", "index.html",
          "style.css", "style.css",
          "app.js", "app.js",
          "model.js", "model.js",
          "graph.js", "graph.js",
          "uPlot.iife.min.js", CHARTS + "uPlot.iife.min.js",
          "uPlot.min.css", CHARTS + "uPlot.min.css");

  private static final String JSON = "application/json";
  private static final String OK = "200 OK";
  private static final int TOKEN_BYTES = 24;
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** Silence after which the page is told that the daemon does not answer. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  /** So soon after each other pages have the same answer: each is four questions to the daemon. */
  static final Duration FRESH = Duration.ofMillis(900);

  /** After so long no page looks any more: one that is open asks each two seconds. */
  private static final Duration UNWATCHED = Duration.ofSeconds(15);

  /** Of each pod more in a second than people read; a busy one would take the daemon's time. */
  private static final TapFilter SOME = TapFilter.some(10);

  private final String token;
  private final Optional<LiveNode> node;
  private final Optional<MeshView> mesh;
  private final PageServer server;

  /** A daemon, and what it tells as it comes. */
  private static final class LiveNode {
    private final NodeView view;
    private final LiveRecords refused;
    private final LiveRecords requests;
    private @Nullable ObjectNode known; // under the lock, as what follows
    private long knownNanos;

    LiveNode(NodeView view) {
      this.view = view;
      this.refused =
          new LiveRecords(view.daemon(), new AdminRequest("events", "", true), UNWATCHED);
      this.requests =
          new LiveRecords(view.daemon(), new AdminRequest("tap", SOME.toText(), true), UNWATCHED);
    }

    /** All that the page shows, and refusals and requests that came after {@code seen}. */
    ObjectNode state(long seen) throws IOException {
      ObjectNode state = NODES.objectNode();
      state.setAll(now());
      long last = LiveRecords.told(); // what comes between the two is for the next answer
      state.put("last", last);
      refused.after(seen, last, state.putArray("refused"));
      requests.after(seen, last, state.putArray("requests"));
      state.put("untold", requests.problem().or(refused::problem).orElse(""));
      return state;
    }

    private synchronized ObjectNode now() throws IOException {
      ObjectNode before = known;
      if (before != null && System.nanoTime() - knownNanos < FRESH.toNanos()) {
        return before;
      }
      ObjectNode next = view.now();
      known = next;
      knownNanos = System.nanoTime();
      return next;
    }

    void close() {
      refused.close();
      requests.close();
    }
  }

  private Dashboard(InetSocketAddress address, Optional<LiveNode> node, Optional<MeshSource> mesh) {
    byte[] random = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(random);
    this.token = HexFormat.of().formatHex(random);
    this.node = node;
    this.mesh = mesh.map(MeshView::new);
    this.server = PageServer.start(address, "dashboard", "--address", HEADERS, this::answer);
  }

  /**
   * Serves the page of a node.
   *
   * @param address of the loopback; port 0 takes a free one
   * @param adminSocket of its daemon, which need not run
   * @param mesh that the page has a view of too, if any
   */
  public static Dashboard start(
      InetSocketAddress address, String node, Path adminSocket, Optional<MeshSource> mesh) {
    NodeView view = new NodeView(node, new AdminClient(adminSocket, PATIENCE));
    return new Dashboard(address, Optional.of(new LiveNode(view)), mesh);
  }

  /** The same of a mesh alone. */
  public static Dashboard start(InetSocketAddress address, MeshSource mesh) {
    return new Dashboard(address, Optional.empty(), Optional.of(mesh));
  }

  /** What a browser is given; whoever has it reads all that the page shows. */
  public String url() {
    return "http://" + IpAddresses.text(server.address()) + "/" + token + "/";
  }

  private Optional<Answer> answer(String path) {
    String[] parts = path.split("/", 3);
    if (parts.length != 3 || !isToken(parts[1])) {
      return Optional.of(
          new Answer.Lines("403 Forbidden", "open the address that 'sluice dashboard' printed\n"));
    }
    String file = FILES.get(parts[2]);
    return file == null ? data(List.of(parts[2].split("/", -1))) : Optional.of(page(file));
  }

  /** In a time that tells nothing of it. */
  private boolean isToken(String given) {
    return MessageDigest.isEqual(
        given.getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
  }

  private static Answer page(String file) {
    String type =
        file.endsWith(".js")
            ? SCRIPT
            : file.endsWith(".css") ? "text/css; charset=utf-8" : "text/html; charset=utf-8";
    return new Answer.Lines(OK, type, text(file));
  }

  static String text(String file) {
    try (InputStream in = Dashboard.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@code views}, {@code state/SEEN}, {@code policies/NAMESPACE/POD}, {@code mesh}, or {@code
   * mesh/policies/NODE/NAMESPACE/POD}.
   */
  private Optional<Answer> data(List<String> words) {
    try {
      return data(words.getFirst(), words.subList(1, words.size())).map(value -> json(OK, value));
    } catch (IOException | UncheckedIOException | IllegalStateException e) {
      return Optional.of(json("503 Service Unavailable", error(e)));
    } catch (IllegalArgumentException e) { // no number or name, or the daemon says so
      return Optional.of(json("400 Bad Request", error(e)));
    }
  }

  private static Answer json(String status, JsonNode value) {
    return new Answer.Lines(status, JSON, value.toString());
  }

  private static ObjectNode error(Exception e) {
    return NODES.objectNode().put("error", String.valueOf(e.getMessage()));
  }

  private Optional<JsonNode> data(String what, List<String> words) throws IOException {
    LiveNode live = node.orElse(null);
    MeshView whole = mesh.orElse(null);
    if (what.equals("views") && words.isEmpty()) {
      ObjectNode views = NODES.objectNode().put("mesh", whole != null);
      return Optional.of(views.put("node", live != null));
    } else if (live != null && what.equals("state") && words.size() == 1) {
      return Optional.of(live.state(Long.parseLong(words.getFirst())));
    } else if (live != null && what.equals("policies") && words.size() == 2) {
      return Optional.of(live.view.policies(new NamespacedName(words.get(0), words.get(1))));
    } else if (whole != null && what.equals("mesh") && words.isEmpty()) {
      return Optional.of(whole.now());
    } else if (whole != null
        && what.equals("mesh")
        && words.size() == 4
        && words.getFirst().equals("policies")) {
      NamespacedName pod = new NamespacedName(words.get(2), words.get(3));
      return Optional.of(whole.source().policies(words.get(1), pod));
    }
    return Optional.empty();
  }

  /** Ends it; whoever is being answered is cut off. */
  @Override
  public void close() {
    server.close();
    node.ifPresent(LiveNode::close);
  }
}
