package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.times;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.MetricsPage;
import io.sluice.lab.site.RequestLine;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What callers meet where somebody else is asked about every request. */
final class AuthorizationScenarios {
  private static final String BUYER = "bookbuyer";
  private static final int TIMES = 10;
  private static final int MANY = 100;

  /** Asks for what the application was told; it sends a secret along. */
  private static final Request ALLOWED =
      Request.get("http://bookstore" + Nginx.JUDGED).header("X-Secret: key");

  private static final String UNJUDGED = "200 v1 ,key";
  private static final String JUDGED = "200 v1 ada,";

  private AuthorizationScenarios() {}

  static Stream<Scenario> all(ScenarioSite site) {
    return Stream.of(
        Scenario.of(
            "what an authoriser denies reaches no application, and without it nothing or all does",
            files(
                "service",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
                "routes",
                routes("store", "{name: all, pathRegex: '.*', methods: [GET]}"),
                "target",
                target(BUYER, "bookstore-v1", http("store"))),
            calls(BUYER, times(1, ALLOWED, UNJUDGED)),
            act("nobody is asked", cell -> checkDenied(cell, "off", false)),
            act("it starts", cell -> once(cell, site.judge()::start)),
            change(MESH_CONFIG, asking(site, Family.IPV4, false)),
            calls(BUYER, times(TIMES, ALLOWED, JUDGED)),
            act("it denies", cell -> checkDenied(cell, "on", true)),
            change(MESH_CONFIG, asking(site, Family.IPV6, false)),
            calls(BUYER, times(TIMES, ALLOWED, JUDGED), times(1, ALLOWED.once(), JUDGED)),
            act("it stops", cell -> once(cell, site.judge()::stop)),
            calls(BUYER, times(MANY, ALLOWED, "403")),
            change(MESH_CONFIG, asking(site, Family.IPV6, true)),
            calls(BUYER, times(MANY, ALLOWED, UNJUDGED)),
            act("what is counted", cell -> once(cell, () -> checkCounts(cell)))));
  }

  /** Nothing is said of what to do without it but where it is to let all go on. */
  private static String asking(ScenarioSite site, Family family, boolean failOpen) {
    return Manifests.meshConfig(
        Map.of(
            "traffic",
            "{inboundExternalAuthorization: {enable: true, address: '%s', port: %d, timeout: 5s%s}}"
                .formatted(
                    IpAddresses.text(site.address("outside", family)),
                    Judge.PORT,
                    failOpen ? ", failureModeAllow: true" : "")));
  }

  private static void once(Cell cell, Runnable what) {
    if (cell.number() == 0) {
      what.run();
    }
  }

  private static void checkDenied(Cell cell, String step, boolean denied) throws IOException {
    String path = Nginx.JUDGED + Judge.DENIED + "/" + step + cell.number();
    assertThat(cell.ask(BUYER, List.of(Request.get("http://bookstore" + path).times(TIMES))))
        .hasSize(TIMES)
        .allSatisfy(answer -> {
          assertThat(answer.status()).isEqualTo(denied ? 403 : 200);
          assertThat(answer.body().strip()).isEqualTo(denied ? "not you" : "v1 ,");
        });
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(cell.site().serving().requests())
                .filteredOn(line -> line.direction().equals("inbound") && line.path().equals(path))
                .hasSize(TIMES)
                .extracting(RequestLine::flags, RequestLine::reason)
                .containsOnly(
                    denied ? tuple("UAEX", "authorization_denied") : tuple("-", "traffic_target")));
    Path log = Nginx.judged(cell.site().directory(), cell.site().pod("v1"));
    assertThat(Files.readString(log).lines().filter(line -> line.contains(path)))
        .as("requests that the application has logged")
        .hasSize(denied ? 0 : TIMES);
  }

  /** Of all cells together: no label tells them apart. */
  private static void checkCounts(Cell cell) {
    double cells = cell.site().cells().size();
    MetricsPage page = cell.site().serving().page();
    Map.of("denied", TIMES, "error", MANY, "failure_mode_allowed", MANY, "ok", 2 * TIMES + 1)
        .forEach((outcome, times) ->
            assertThat(
                    page.metric(
                        "sluice_proxy_authorizations_total",
                        "stat_prefix=\"inboundExtAuthz\"",
                        "outcome=\"" + outcome + '"'))
                .as("%s", outcome)
                .isEqualTo(cells * times));
  }
}
