package io.sluice.dashboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.cli.dashboard.Dashboard;
import io.sluice.lab.site.Await;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page in a browser, before a mesh that is made up. */
@Order(21)
class DashboardPageTest {
  private static final String AXE = "/META-INF/resources/webjars/axe-core/4.6.3/axe.min.js";
  private static final String FIRST = "shop/buyer → shop/store";
  private static final String ROW = "#pairs tr[data-key='" + FIRST + "'] ";

  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  @TempDir private static Path directory;
  private static Browser browser;
  private static ToldDaemon daemon;
  private static Dashboard page;

  @BeforeAll
  static void start() throws Exception {
    Path socket = directory.resolve("run/admin.sock");
    daemon = new ToldDaemon(socket);
    page = Dashboard.start(ANY_PORT, "edge-7", socket, Optional.of(new ToldMesh(daemon)));
    browser = new Browser(directory.resolve("profile"));
  }

  @AfterAll
  static void end() {
    browser.close();
    page.close();
    daemon.close();
  }

  @BeforeEach
  void open() {
    daemon.empty = false;
    browser.open(page.url());
    Await.untilPasses(
        Await.PATIENCE,
        () -> assertThat(browser.text("#name")).as(browser.text("body")).isEqualTo("edge-7"));
  }

  @AfterEach
  void nothingWentWrongInThePage() {
    assertThat(browser.complaints()).isEmpty();
  }

  private static double cell(int column) {
    String text = browser.text(ROW + ":nth-child(" + column + ")");
    return text.matches("[0-9.]+.*") ? Double.parseDouble(text.split(" ", 2)[0]) : -1;
  }

  private static void chooseFirst() {
    browser.evaluate("document.querySelector(\"" + ROW + "button\").click()");
  }

  @Test
  void ratesSuccessAndPercentilesAreWhatTheCountersComeTo() {
    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          assertThat(cell(4)).as("requests").isCloseTo(ToldDaemon.RATE, within(2.0));
          assertThat(cell(5)).as("success").isCloseTo(90, within(1.5));
          assertThat(cell(6)).as("p50").isEqualTo(10);
          assertThat(cell(7)).as("p95").isEqualTo(25);
        });
    assertThat(browser.text(ROW + ":nth-child(11)")).isEqualTo("mutual TLS");
    assertThat(browser.text("#facts"))
        .contains("Modeebpf", "61.0 MB", "Snapshot age3 s", "2 h 1 min");
    assertThat(browser.text("#certificates tr")).contains("12 h 0 min (50 % left)", "30 min");
    assertThat(browser.text("#refused tr"))
        .contains("no_traffic_target", "shop/buyer-to-store", "no TrafficTarget grants it");

    chooseFirst();

    Await.until("policy", () -> browser.text("#policies").contains("shop/buyer-to-store"));
    assertThat(browser.text("#policies")).contains("GET /books", "ports 8080");
    assertThat(browser.text("#answers")).contains("503 UF: ");
    assertThat(browser.text("#requests tr")).contains("GET " + ToldDaemon.HOSTILE_PATH, "200", "7");
    Await.until(
        "the chart is drawn",
        () -> browser.evaluate("document.querySelectorAll('#chart canvas').length").asInt() == 1);
  }

  @Tag("attack")
  @Test
  void namesOfOthersAreTextHoweverTheyAreWritten() {
    Await.until(
        "the hostile caller is there",
        () -> browser.text("#pairs").contains(ToldDaemon.HOSTILE + "shop/store"));
    chooseFirst();
    Await.until("its path", () -> browser.text("#requests").contains(ToldDaemon.HOSTILE_PATH));
    assertThat(browser.text("#graph")).contains(ToldDaemon.HOSTILE);
    assertThat(browser.text("#refused")).contains(ToldDaemon.HOSTILE);
    assertThat(browser.evaluate("document.images.length + document.scripts.length").asInt())
        .as("the page's own scripts")
        .isEqualTo(2);
    assertThat(browser.evaluate("typeof window.hit").asText()).isEqualTo("undefined");
    Attack.tried(
            "a workload's name and a path are elements of HTML with scripts, for the page of a node")
        .refusedBy("the page, which sets them as text, under a policy that allows no such script")
        .countedAs("nothing: the browser shows them as they are written");
  }

  @Test
  void axeFindsNothingInTheDarkNorInTheLight() throws IOException {
    Await.until("rates", () -> cell(4) > 0);
    chooseFirst();
    Await.until("policy", () -> !browser.text("#policies").isEmpty());
    assertNoViolation();
    showMesh();
    assertNoViolation();
  }

  /** Every rule in the light; in the dark the one that colours decide. */
  private static void assertNoViolation() throws IOException {
    browser.evaluate(axe());
    for (boolean dark : new boolean[] {false, true}) {
      browser.prefer(dark);
      JsonNode found =
          browser.evaluate(
              "axe.run("
                  + (dark ? "{runOnly: ['color-contrast']}" : "")
                  + ").then(r => ({passes: r.passes.map(p => p.id), violations:"
                  + " r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.html + ' ' +"
                  + " n.failureSummary))}))");
      assertThat(found.path("violations")).as(dark ? "dark" : "light").isEmpty();
      assertThat(found.path("passes").toString()).contains("\"color-contrast\"");
      assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor").asText())
          .isEqualTo(dark ? "rgb(21, 23, 27)" : "rgb(255, 255, 255)");
    }
  }

  private static String axe() throws IOException {
    try (InputStream in = DashboardPageTest.class.getResourceAsStream(AXE)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void everythingIsReachedByTheKeyboardAndNothingElseTakesTheFocus() {
    Await.until(
        "both rows",
        () -> browser.evaluate("document.getElementById('pairs').rows.length").asInt() == 2);
    List<String> order = new ArrayList<>();
    IntStream.range(0, 7).forEach(_ -> order.add(tab()));
    assertThat(order)
        .containsExactly(
            "Skip to the calls",
            "This node",
            "Whole mesh",
            "filter",
            "Table of calls",
            ToldDaemon.HOSTILE + " → shop/store",
            FIRST);

    browser.press("Enter");

    assertThat(browser.evaluate("document.activeElement.textContent").asText()).isEqualTo(FIRST);
    assertThat(browser.evaluate("document.activeElement.id").asText()).isEqualTo("detail-title");
    assertThat(tab()).isEqualTo("Close");
    String shown = browser.text("#news") + ROW;
    Await.until(
        "it goes on",
        () -> browser.evaluate("document.querySelectorAll('#chart canvas').length").asInt() == 1);
    assertThat(browser.text("#news") + ROW).as("nothing is read aloud").isEqualTo(shown);
    assertThat(focused()).as("after further answers").isEqualTo("Close");
    browser.press("Enter");
    assertThat(focused()).isEqualTo(FIRST);
  }

  private static String tab() {
    browser.press("Tab");
    return focused();
  }

  private static String focused() {
    return browser
        .evaluate(
            "(e => e.ariaLabel || (e.tagName === 'DIV' ? document.getElementById(e.getAttribute("
                + "'aria-labelledby')).textContent : e.textContent || e.id))(document.activeElement)")
        .asText();
  }

  @Test
  void itTellsThatTheDaemonIsAwayOrSlowAndGoesOnAfterwards() {
    Await.until("a row", () -> !browser.text("#pairs").isEmpty());
    daemon.stop();
    Await.until("away", () -> browser.text("#news").startsWith("Nothing new: "));
    assertThat(browser.text("#news")).contains("What is shown is of ");
    assertThat(browser.text("#pairs")).contains("shop/buyer");
    daemon.startAgain();
    Await.until("back", () -> browser.text("#news").startsWith("The daemon answers again"));

    daemon.silent = true;
    Await.until("slow", () -> browser.text("#news").contains("said nothing for "));
    daemon.silent = false;
    Await.until("back", () -> browser.text("#news").startsWith("The daemon answers again"));
    browser.forgetComplaints(); // of answers that are 503
  }

  private static void showMesh() {
    browser.evaluate("document.getElementById('mesh').click()");
    Await.until("the mesh", () -> browser.text("#name").equals(ToldMesh.TRUST_DOMAIN));
  }

  @Test
  void theWholeMeshIsAnotherViewOfThePage() {
    IntStream.range(0, 3).forEach(_ -> tab());
    browser.press("Enter");

    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          assertThat(browser.text("#name")).isEqualTo(ToldMesh.TRUST_DOMAIN);
          assertThat(cell(4)).as("of both ends one counts").isCloseTo(ToldDaemon.RATE, within(2.0));
        });
    assertThat(focused()).isEqualTo("Whole mesh");
    assertThat(browser.text("#verdict")).contains("1 of 3 nodes", "standby does not answer: gone");
    assertThat(node("edge-7")).contains("follows", "ebpf", "61.0 MB", "12", "3 s", "12 h 0 min");
    assertThat(node("edge-8")).contains("gone", "no answer: it hangs");
    assertThat(node("edge-9")).contains("gone", "iptables: no BTF", "not asked from here");
    assertThat(browser.text("#objects"))
        .contains("cannot be used" + ToldMesh.UNUSABLE)
        .contains("edge-8refused by the node" + ToldDaemon.HOSTILE);
    assertThat(browser.text(ROW + ":nth-child(11)")).isEqualTo("mutual TLS");
    assertThat(browser.text("#certificates tr")).endsWith("edge-7");
    assertThat(browser.evaluate("typeof window.hit").asText()).isEqualTo("undefined");
    assertThat(shown("#refused", "#requests-title")).isFalse();
    chooseFirst();
    Await.until("policy", () -> browser.text("#policies").contains("of edge-7"));

    browser.evaluate("document.getElementById('node').click()");

    Await.until("the node again", () -> browser.text("#name").equals("edge-7"));
    Await.until("its rates", () -> cell(4) > 0);
    assertThat(shown("#nodes", "#objects")).isFalse();
    assertThat(shown("#refused")).isTrue();
  }

  private static String node(String name) {
    return browser.text("#nodes tr[data-key='" + name + "']");
  }

  private static boolean shown(String... selectors) {
    return Stream.of(selectors)
        .anyMatch(one ->
            browser
                .evaluate("document.querySelector('" + one + "').checkVisibility()")
                .asBoolean());
  }

  @Test
  void whatTheDaemonDoesNotLetItFollowIsToldWithItsReason() {
    Await.until("a row", () -> !browser.text("#pairs").isEmpty());
    daemon.refusal = "4 'sluice tap' watch this daemon already; end one of them";
    daemon.stop();
    daemon.startAgain();
    Await.until("it says so", () -> browser.text("#untold").contains(daemon.refusal));
    daemon.refusal = "";
    Await.until("it is over", () -> browser.text("#untold").isEmpty());
    browser.forgetComplaints(); // of answers that are 503
  }

  @Test
  void anEmptyMeshIsToldOf() {
    daemon.empty = true;
    browser.open(page.url());
    Await.until(
        "it says so",
        () ->
            browser
                .evaluate(
                    "document.getElementById('no-calls').hidden === false && document.getElementById('name').textContent === 'edge-7'")
                .asBoolean());
    assertThat(
            browser
                .evaluate("document.getElementById('graph').getBoundingClientRect().width")
                .asInt())
        .isZero();
  }
}
