package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.meshConfig;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.upstream;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.times;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/** Pods of two nodes take together what a rate-limit service says. */
final class SharedLimitScenarios {
  private static final String BUYER = "bookbuyer";
  private static final String THIEF = "bookthief";
  private static final int MANY = 10;

  private static final int EACH = 12;

  /** Services of the node of the servers, and of the other one. */
  private static final String HERE = "bookstore-v1";

  private static final String THERE = "bookstore-v2";

  /** One that carries bytes. */
  private static final String BYTES = "bookstore-v3";

  /** Connections of each cell: two more than a minute's. */
  private static final int FEW = (RateLimits.A_MINUTE + 2) / Cell.USUAL;

  /** The pod of the other one. */
  private static final String OTHER = "bookstore-v1-far";

  private SharedLimitScenarios() {}

  static Stream<Scenario> all(ScenarioSite site) {
    return Stream.of(
        Scenario.of(
            "pods of two nodes share a limit, and without its service all or nothing goes on",
            files(
                MESH_CONFIG,
                meshConfig(true),
                "services",
                service(HERE, "version: v1", port(80, Nginx.HTTP, "http"))
                    + "---\n"
                    + service(THERE, "app: " + OTHER, port(80, Nginx.HTTP, "http"))
                    + "---\n"
                    + service(BYTES, "version: v3", port(80, Nginx.HTTP, "tcp")),
                "connections",
                upstream(
                    BYTES,
                    "rateLimit: {global: {tcp: {%s, descriptors: [{entries: [{key: a, value: b}]}]}}}"
                        .formatted(asked(site, Family.IPV6))),
                "limits",
                asking(site, Family.IPV4, true)),
            act(
                "the service starts",
                cell -> {
                  if (cell.number() == 0) {
                    site.serve(OTHER);
                    site.limits().start();
                  }
                }),
            act("three clients of two nodes ask", SharedLimitScenarios::share),
            act("clients connect", SharedLimitScenarios::connect),
            change("limits", asking(site, Family.IPV6, true)),
            act("the service is asked over IPv6", SharedLimitScenarios::exceed),
            act(
                "the service stops",
                cell -> {
                  if (cell.number() == 0) {
                    site.limits().stop();
                  }
                }),
            calls(BUYER, times(MANY, get(HERE, "open"), "200 v1")),
            change("limits", asking(site, Family.IPV6, false)),
            calls(BUYER, times(MANY, get(HERE, "closed"), "500")),
            calls(BUYER, times(1, Request.get("http://" + HERE + "/"), "200 v1"))));
  }

  /** Who has no header is not counted. */
  private static String asking(ScenarioSite site, Family family, boolean failOpen) {
    String spec =
        """
        rateLimit:
          global:
            http:
              {%s, failOpen: %s, enableXRateLimitHeaders: true,
               descriptors: [{entries: [{requestHeader: {name: x-shared, key: who}}]}]}
        """
            .formatted(asked(site, family), failOpen);
    return upstream(HERE, spec) + "---\n" + upstream(THERE, spec);
  }

  private static String asked(ScenarioSite site, Family family) {
    return "rateLimitService: {host: '%s', port: %d}, domain: books, timeout: 5s"
        .formatted(IpAddresses.text(site.address("outside", family)), RateLimits.PORT);
  }

  private static Request get(String host, String who) {
    return Request.get("http://" + host + "/" + who).header("X-Shared: " + who);
  }

  /** Of a node each: those of the other one are asked about by its own daemon. */
  private static void share(Cell cell) throws Exception {
    if (!cell.near()) {
      return;
    }
    String who = "shared" + cell.family();
    List<SitePod> clients =
        List.of(
            cell.site().client(BUYER, true),
            cell.site().client(BUYER, false),
            cell.site().client(THIEF, false));
    List<Answer> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(clients.size())) {
      List<Future<List<Answer>>> running = new ArrayList<>();
      for (int i = 0; i < clients.size(); i++) {
        SitePod client = clients.get(i);
        Request request = get(i == 1 ? HERE : THERE, who).times(EACH);
        running.add(threads.submit(() -> Curl.ask(client, List.of(request), cell::address)));
      }
      for (Future<List<Answer>> one : running) {
        List<Integer> statuses = one.get().stream().map(Answer::status).toList();
        assertThat(statuses).hasSize(EACH).isSorted(); // once beyond, no more
        all.addAll(one.get());
      }
    }
    assertThat(all).filteredOn(answer -> answer.status() == 200).hasSize(RateLimits.A_MINUTE);
    assertThat(all)
        .filteredOn(answer -> answer.status() == 429)
        .hasSize(clients.size() * EACH - RateLimits.A_MINUTE);
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(
                    Stream.of(true, false)
                        .map(cell.site()::calling)
                        .flatMap(daemon -> daemon.requests().stream())
                        .filter(line ->
                            line.direction().equals("inbound") && line.path().equals("/" + who))
                        .filter(line ->
                            line.flags().equals("RL")
                                && line.reason().equals("rate_limited_globally")))
                .hasSize(clients.size() * EACH - RateLimits.A_MINUTE));
    for (boolean near : List.of(true, false)) {
      assertThat(beyond(cell.site().calling(near))).isPositive();
    }
  }

  /** Of all cells together. */
  private static void connect(Cell cell) {
    if (cell.number() == 0) {
      List<Answer> answers = new ArrayList<>();
      for (Cell each : cell.site().cells()) {
        answers.addAll(
            each.ask(BUYER, List.of(Request.get("http://" + BYTES + "/").once().times(FEW))));
      }
      assertThat(answers.subList(0, RateLimits.A_MINUTE))
          .extracting(Answer::outcome)
          .containsOnly("200 v3");
      assertThat(answers.subList(RateLimits.A_MINUTE, answers.size()))
          .hasSize(2)
          .extracting(Answer::outcome)
          .containsOnly("cut");
    }
  }

  private static double beyond(DaemonView daemon) {
    return daemon.metric("sluice_proxy_global_rate_limits_total", "outcome=\"over_limit\"");
  }

  private static void exceed(Cell cell) {
    Request request = get(HERE, "cell" + cell.number()).with("include");
    List<Answer> answers = cell.ask(BUYER, List.of(request.times(RateLimits.A_MINUTE + 1)));
    assertThat(answers.getFirst().body())
        .contains("x-ratelimit-limit: 10, 10;w=60", "x-ratelimit-remaining: 9");
    assertThat(answers.subList(0, RateLimits.A_MINUTE))
        .extracting(Answer::status)
        .containsOnly(200);
    assertThat(answers.getLast().status()).isEqualTo(429);
    assertThat(answers.getLast().body()).contains("x-envoy-ratelimited: true");
  }
}
