package io.sluice.cli.dashboard;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.attack.Attack;
import io.sluice.mesh.NamespacedName;
import io.sluice.process.AdminServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is let to the page, and what else there is. */
class DashboardTest {
  private static final int MOST_OCTETS = 100 << 10;
  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Path directory;
  @AutoClose private final Dashboard page;
  private final URI url;

  DashboardTest(@TempDir Path directory) {
    this.directory = directory;
    this.page = start(directory);
    this.url = URI.create(page.url());
  }

  private static Dashboard start(Path directory) {
    return Dashboard.start(ANY_PORT, "a", socket(directory), Optional.empty());
  }

  private static Path socket(Path directory) {
    return directory.resolve("run/admin.sock");
  }

  /** The whole answer to a request for a path below the token, or for another one. */
  private String ask(String method, String path, String... headers) throws IOException {
    return ask(url, method, path, headers);
  }

  private static String ask(URI url, String method, String path, String... headers)
      throws IOException {
    String whole = path.startsWith("/") ? path : url.getPath() + path;
    try (Socket client = new Socket(url.getHost(), url.getPort())) {
      String head = method + " " + whole + " HTTP/1.1\r\n" + String.join("\r\n", headers);
      client.getOutputStream().write((head + "\r\n\r\n").getBytes(UTF_8));
      return new String(client.getInputStream().readAllBytes(), UTF_8);
    }
  }

  private String get(String path) throws IOException {
    return ask("GET", path, "Host: " + url.getAuthority());
  }

  @Test
  void whoHasTheTokenGetsEachFileOfThePage() throws IOException {
    for (String file : Dashboard.FILES.keySet()) {
      assertThat(get(file)).as(file).startsWith("HTTP/1.1 200 ");
    }
    assertThat(get("")).contains("Content-Type: text/html; charset=utf-8\r\n", "<!doctype html>");
    assertThat(get("app.js")).contains("Content-Type: text/javascript; charset=utf-8\r\n");
    assertThat(ask("HEAD", "", "Host: localhost")).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\n");
  }

  @Tag("attack")
  @Test
  void whoHasNotIsToldNothing() throws IOException {
    String path = url.getPath();
    String other = path.replace(path.charAt(1), path.charAt(1) == 'a' ? 'b' : 'a');
    for (String wrong :
        List.of("/", "/app.js", "/state/0", "//", other, other + "state/0", path.substring(0, 9))) {
      assertThat(ask("GET", wrong, "Host: localhost"))
          .as(wrong)
          .startsWith("HTTP/1.1 403 ")
          .endsWith("open the address that 'sluice dashboard' printed\n");
    }
    try (Dashboard next = start(directory)) {
      assertThat(URI.create(next.url()).getPath()).hasSizeGreaterThan(32).isNotEqualTo(path);
    }
    Attack.tried("another user of the machine asks the page of a node, without its token")
        .refusedBy("the page's server, before it looks what is asked")
        .countedAs("the answer: 403");
  }

  @Tag("attack")
  @ParameterizedTest
  @CsvSource({
    "Host: evil.example, '', 421",
    "Host: localhost.evil.example:80, '', 421",
    "Host: localhost, Origin: http://evil.example, 403",
    "Host: localhost, Origin: null, 403",
    "Host: localhost:1, Origin: http://localhost:2, 403",
    "Host: localhost:1, Origin: http://localhost:1, 200"
  })
  void pagesOfOtherSitesDoNotReachItByTheBrowserOfWhoLooks(String host, String origin, int code)
      throws IOException {
    String[] headers = origin.isEmpty() ? new String[] {host} : new String[] {host, origin};
    assertThat(ask("GET", "app.js", headers)).startsWith("HTTP/1.1 " + code + " ");
    Attack.tried(
            "a page of another site asks that of a node by a browser: rebound name, foreign origin")
        .refusedBy("the page's server, by Host and Origin, with the right token too")
        .countedAs("the answer: 421 or 403");
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE"})
  void nothingIsChangedByIt(String method) throws IOException {
    assertThat(ask(method, "state/0", "Host: localhost")).startsWith("HTTP/1.1 405 ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../",
        "../../../../../../etc/passwd",
        "..%2f..%2fetc/passwd",
        "Dashboard.class",
        "/",
        "META-INF/MANIFEST.MF",
        "state",
        "state/0/1",
        "policies/a",
        "policies/a/b/c",
        "mesh",
        "mesh/policies/n/a/b",
        "views/0"
      })
  void nothingElseStandsBelowIt(String path) throws IOException {
    assertThat(ask("GET", url.getPath() + path, "Host: localhost")).startsWith("HTTP/1.1 404 ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"state/x", "state/-", "policies/a/..", "policies//b"})
  void whatIsNoNumberOrNameIsNotAsked(String path) throws IOException {
    assertThat(get(path)).startsWith("HTTP/1.1 400 ").contains("{\"error\":");
  }

  @Test
  void everyAnswerKeepsThePageToItself() throws IOException {
    for (String answer :
        List.of(get(""), get("state/0"), get("none"), ask("GET", "/", "Host: x"))) {
      assertThat(answer)
          .contains("\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; ")
          .contains("frame-ancestors 'none'; require-trusted-types-for 'script'")
          .contains("\r\nX-Content-Type-Options: nosniff\r\n", "\r\nCache-Control: no-store\r\n")
          .contains("\r\nCross-Origin-Resource-Policy: same-origin\r\n")
          .contains("\r\nReferrer-Policy: no-referrer\r\n")
          .doesNotContain("unsafe", "Access-Control-Allow");
    }
    assertThat(Dashboard.text("index.html")).doesNotContain("<style", "onclick", "style=", "http");
    assertThat(Dashboard.text("app.js") + Dashboard.text("graph.js"))
        .doesNotContain("innerHTML", "outerHTML", "insertAdjacentHTML", "https:");
  }

  @Test
  void isToldThatTheDaemonIsAwayAndThenThatItIsBack() throws IOException {
    assertThat(get("state/0")).startsWith("HTTP/1.1 503 ").contains("{\"error\":");
    try (AdminServer _ =
        AdminServer.start(
            socket(directory),
            (request, _) -> {
              if (request.command().equals("certificates")) {
                throw new IllegalArgumentException("no controller");
              }
            })) {
      assertThat(get("state/0"))
          .startsWith("HTTP/1.1 200 ")
          .contains("Content-Type: application/json\r\n")
          .contains("\"node\":\"a\"", "\"edges\":[]", "\"noCertificates\":\"no controller\"");
    }
  }

  @Test
  void aMeshIsWhatEachOfItSays() throws IOException {
    AtomicInteger asked = new AtomicInteger();
    try (Dashboard whole = Dashboard.start(ANY_PORT, new ToldMesh(asked))) {
      URI at = URI.create(whole.url());
      assertThat(ask(at, "GET", "views", "Host: localhost"))
          .endsWith("{\"mesh\":true,\"node\":false}");
      assertThat(ask(at, "GET", "state/0", "Host: localhost")).startsWith("HTTP/1.1 404 ");
      String told = ask(at, "GET", "mesh", "Host: localhost");
      assertThat(told)
          .startsWith("HTTP/1.1 200 ")
          .contains("\"old\":{\"silence\":\"gone\"}", "{\"node\":\"c\",\"silence\":\"away\"}")
          .contains(
              "{\"node\":\"b\",\"follow\":{\"connected\":true,\"revision\":3},\"status\":{\"pid\":1}}")
          .contains("{\"node\":\"a\",\"follow\":{\"connected\":false,\"revision\":2}}")
          .contains("\"edges\":[{\"number\":0,\"node\":\"b\"},", "\"time\":");
      assertThat(told.split("\"number\"", -1)).hasSize(MeshView.MOST + 1);
      assertThat(ask(at, "GET", "mesh", "Host: localhost")).isEqualTo(told);
      assertThat(asked).as("one question for both pages").hasValue(1);
      assertThat(ask(at, "GET", "mesh/policies/b/shop/cart", "Host: localhost"))
          .endsWith("{\"pod\":\"shop/cart of b\"}");
      assertThat(ask(at, "GET", "mesh/policies/x/shop/cart", "Host: localhost"))
          .startsWith("HTTP/1.1 400 ");
    }
  }

  /**
   * Two controllers, of which one is gone; a node that answers, one that is silent, one elsewhere.
   */
  private record ToldMesh(AtomicInteger asked) implements MeshSource {
    @Override
    public Answers ask() {
      asked.incrementAndGet();
      ObjectNode status = JSON.objectNode();
      ObjectNode nodes = status.putObject("nodes");
      nodes.putObject("a").put("connected", false).put("revision", 2);
      nodes.putObject("b").put("connected", true).put("revision", 3);
      ObjectNode view = JSON.objectNode();
      view.putObject("status").put("pid", 1);
      ArrayNode edges = view.putArray("edges");
      for (int i = 0; i < MeshView.MOST + 10; i++) {
        edges.addObject().put("number", i);
      }
      return Answers.of(
          Map.of("old", () -> away("gone"), "new", () -> status),
          Map.of("b", () -> view, "c", () -> away("away")));
    }

    private static JsonNode away(String why) throws IOException {
      throw new IOException(why);
    }

    @Override
    public JsonNode policies(String node, NamespacedName pod) {
      if (!node.equals("b")) {
        throw new IllegalArgumentException("no node '" + node + "'");
      }
      return JSON.objectNode().put("pod", pod + " of " + node);
    }

    @Override
    public Duration fresh() {
      return Duration.ofHours(1);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "[]",
        "\"x\"",
        "{}",
        "{\"status\": null}",
        "{\"status\": [1], \"nodes\": [1], \"edges\": 1}",
        "{\"status\": {}, \"nodes\": {\"well\": 1}, \"edges\": [1, null, []], \"pods\": {\"a\": \"b\"}}"
      })
  void nonsenseOfOneKeepsNoOtherFromThePage(String nonsense) throws IOException {
    JsonNode odd = new ObjectMapper().readTree(nonsense);
    ObjectNode well = JSON.objectNode();
    well.putObject("status").put("pid", 1);
    well.putArray("edges").addObject().put("number", 2);

    JsonNode told =
        new ObjectMapper()
            .readTree(
                MeshView.of(
                        MeshSource.Answers.of(
                            Map.of("odd", () -> odd), Map.of("odd", () -> odd, "well", () -> well)))
                    .toString());

    assertThat(told.at("/edges").toString()).isEqualTo("[{\"number\":2,\"node\":\"well\"}]");
    assertThat(told.at("/nodes/1").toString())
        .isEqualTo("{\"node\":\"well\",\"status\":{\"pid\":1}}");
    JsonNode row = told.at("/nodes/0");
    assertThat(row.at("/status").isObject() || row.has("silence")).as(told.toString()).isTrue();
    assertThat(told.at("/controllers/odd").isObject()).isTrue();
  }

  @Test
  void silentClientsKeepNobodyOut() throws IOException {
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 0; i < 100; i++) {
        silent.add(new Socket(url.getHost(), url.getPort()));
      }
      assertThat(get("app.js")).startsWith("HTTP/1.1 200 ");
    } finally {
      for (Socket one : silent) {
        one.close();
      }
    }
  }

  @Test
  void allOfItIsSmall() throws IOException {
    long octets = 0;
    for (String file : Dashboard.FILES.values()) {
      ByteArrayOutputStream compressed = new ByteArrayOutputStream();
      try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
        out.write(Dashboard.text(file).getBytes(UTF_8));
      }
      octets += compressed.size();
    }
    assertThat(octets).isLessThanOrEqualTo(MOST_OCTETS);
  }
}
