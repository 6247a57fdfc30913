package io.sluice.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.sluice.chaos.Replica.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Twenty replicas on two nodes of which some are slow, fail, hang, reset or go away for a while at
 * any time, and one after the other is replaced, under 500 requests a second that nobody repeats
 * but the mesh.
 *
 * <p>An error could have been avoided if a replica was well, and known to callers, from before the
 * request was to be asked until the error was there: replicas remember these times, and clients
 * write a log of their own, so nothing of that is what a daemon tells. Faults are drawn from {@code
 * -Dsluice.chaos.seed}, which is printed.
 */
@Isolated("it loads the whole machine")
@Tag("kernel")
class ReplicaChaosTest {
  private static final long SEED = Long.getLong("sluice.chaos.seed", 20_261_123);
  private static final Duration LONG = Duration.ofMinutes(Long.getLong("sluice.chaos.minutes", 10));

  private static final int REPLICAS = 20;
  private static final int SPARE = 4;
  private static final int CALLERS = 8;
  private static final int PER_SECOND = 500;

  /** Who else is ill makes up for the share of the machine that others have. */
  private static final int MOST_ILL = 6;

  private static final int LONGEST_SLOW_MILLIS = 400;
  private static final int LEAST_SECONDS = 2;
  private static final int MORE_SECONDS = 4;

  /** After it is taken out of the registry a replica serves so long what it is still asked. */
  private static final Duration GRACE = Duration.ofSeconds(2);

  private static final int MOST_TOLD = 12;

  private static final Duration PATIENCE = Duration.ofSeconds(45);
  private static final String RESILIENT =
      "{enableRetryPolicy: true, enableEnvoyActiveHealthChecks: true}";

  /**
   * On a machine that is slow for a while a fifth of the requests, which may be tried again without
   * a number, is soon reached. As many may be ejected as may be ill, after few failures: checks
   * find most of the ill within a second too.
   */
  private static final String EJECTING =
      """
      connectionSettings:
        http:
          maxRetries: 1000
          outlierDetection: {consecutive5xxErrors: 3, baseEjectionTime: 3s, maxEjectionPercent: 30}
      """;

  /** What says that retries, ejection and checks have had a part in it, with a label. */
  private static final Map<String, String> MEANS =
      Map.of(
          "sluice_proxy_retries_total", "event=\"retry\"",
          "sluice_proxy_ejections_total", "",
          "sluice_proxy_health_checks_total", "result=\"failure\"");

  @AutoClose("shutdownGracefully")
  private static final EventLoopGroup GROUP =
      new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());

  @AutoClose private static ReplicaSite site;

  @BeforeAll
  static void openSite() {
    site = ReplicaSite.open(GROUP, (REPLICAS + SPARE) / 2, REPLICAS, CALLERS / 2);
  }

  // --- replicas ------------------------------------------------------------------------------

  /** One becomes something else for a while, unless too many have. */
  private static Supplier<Fault> illness(State state, Random random) {
    return () -> {
      List<Replica> well =
          site.replicas().stream()
              .filter(each -> each.isInService() && each.state() == State.WELL)
              .toList();
      Replica chosen = well.get(random.nextInt(well.size()));
      int millis = 1 + random.nextInt(LONGEST_SLOW_MILLIS);
      Duration lasting = Duration.ofSeconds(LEAST_SECONDS + random.nextInt(MORE_SECONDS));
      return well.size() <= REPLICAS - MOST_ILL
          ? Fault.moment("spared", () -> {})
          : new Fault(
              state.name(),
              lasting,
              () -> chosen.become(state, millis),
              () -> chosen.become(State.WELL, 0));
    };
  }

  /** A new one takes the place of another. */
  private static Supplier<Fault> roll(Random random) {
    return () -> {
      List<Replica> well =
          site.replicas().stream()
              .filter(each -> each.isInService() && each.state() == State.WELL)
              .toList();
      List<Replica> spare =
          site.replicas().stream()
              .filter(each -> each.state() == State.GONE && !each.isInService())
              .toList();
      Replica goes = well.get(random.nextInt(well.size()));
      int next = random.nextInt(SPARE);
      if (spare.isEmpty() || well.size() <= REPLICAS - MOST_ILL) {
        return Fault.moment("spared", () -> {});
      }
      Replica comes = spare.get(next % spare.size());
      return new Fault(
          "replaced",
          GRACE,
          () -> {
            site.enter(comes);
            site.leave(goes);
          },
          () -> goes.become(State.GONE, 0));
    };
  }

  /** What the clients have seen. */
  private record Seen(
      List<OpenLoopCallers.Outcome> all,
      List<OpenLoopCallers.Outcome> avoidable,
      Map<String, Integer> faults) {}

  private static Seen run(Duration lasting, Duration patience) throws InterruptedException {
    Random random = new Random(SEED);
    List<Supplier<Fault>> kinds = new ArrayList<>();
    for (State state : State.values()) {
      if (state != State.WELL) {
        kinds.add(illness(state, random));
      }
    }
    kinds.add(roll(random));
    FaultPlan plan = new FaultPlan(kinds, random);
    List<OpenLoopCallers.Outcome> log;
    try (OpenLoopCallers open =
        new OpenLoopCallers(GROUP, site.callers(), ReplicaSite.SERVICE, PER_SECOND)) {
      long begin = System.nanoTime();
      for (long due = begin; due - begin < lasting.toNanos(); due += FaultPlan.STEP.toNanos()) {
        plan.step();
        for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
          LockSupport.parkNanos(wait);
        }
      }
      plan.endAll();
      log = open.end(patience);
      assertThat(log).hasSize((int) open.made());
    }
    site.replicas()
        .forEach(
            each -> each.become(each.isInService() ? State.SLOW : State.GONE, 0)); // ends spans
    List<OpenLoopCallers.Outcome> avoidable =
        log.stream()
            .filter(one ->
                !one.isGood()
                    && site.replicas().stream()
                        .anyMatch(each -> each.wasWell(one.due(), one.end())))
            .toList();
    site.replicas().stream()
        .filter(Replica::isInService)
        .forEach(each -> each.become(State.WELL, 0));
    report(log, avoidable, plan.begun());
    return new Seen(log, avoidable, plan.begun());
  }

  private static void report(
      List<OpenLoopCallers.Outcome> log,
      List<OpenLoopCallers.Outcome> avoidable,
      Map<String, Integer> faults) {
    long[] millis =
        log.stream().mapToLong(one -> (one.end() - one.due()) / 1_000_000).sorted().toArray();
    Map<String, Long> asked = new TreeMap<>();
    Arrays.stream(State.values())
        .forEach(state ->
            asked.put(
                state.name(), site.replicas().stream().mapToLong(each -> each.asked(state)).sum()));
    Map<String, Integer> problems = new TreeMap<>();
    avoidable.forEach(one -> problems.merge(one.status(), 1, Integer::sum));
    System.out.printf(
        "replica chaos: seed %d, %d requests, %d errors of which %d avoidable %s, faults %s, tries"
            + " by state of the replica %s, ms at 50/99/100 %%: %d/%d/%d%n",
        SEED,
        log.size(),
        log.stream().filter(one -> !one.isGood()).count(),
        avoidable.size(),
        problems,
        faults,
        asked,
        millis[millis.length / 2],
        millis[millis.length * 99 / 100],
        millis[millis.length - 1]);
  }

  /** What the daemons say of the first few. */
  private static String told(List<OpenLoopCallers.Outcome> errors) {
    Set<String> paths =
        errors.stream()
            .skip(Math.max(0, errors.size() - MOST_TOLD))
            .map(OpenLoopCallers.Outcome::path)
            .collect(Collectors.toSet());
    return site.nodes().stream()
        .flatMap(node -> node.daemon().view().requests().stream())
        .filter(line -> paths.contains(line.path()))
        .map(line ->
            "%s %s %s %d ms %d %s %s"
                .formatted(
                    line.path(),
                    line.started(),
                    line.direction(),
                    line.millis(),
                    line.status(),
                    line.flags(),
                    line.reason()))
        .sorted()
        .collect(Collectors.joining("\n"));
  }

  // --- what is promised ----------------------------------------------------------------------

  @Test
  void whatAReplicaThatIsWellCouldHaveAnsweredIsAnswered() throws InterruptedException {
    site.configure("{}");
    Seen bare = run(Duration.ofSeconds(2), Duration.ZERO);
    assertThat(bare.avoidable())
        .as("errors without retries and checks, beside what had no time to be answered")
        .anyMatch(one -> one.status().startsWith("5"));
    holds(Duration.ofSeconds(20));
  }

  @Test
  @Tag("long")
  void itIsForLonger() throws InterruptedException {
    holds(LONG);
  }

  /** How often each of the means has, on either node. */
  private static Map<String, Long> helped() {
    return MEANS.entrySet().stream()
        .collect(
            Collectors.toMap(
                Map.Entry::getKey,
                each ->
                    site.nodes().stream()
                        .mapToLong(node ->
                            (long) node.daemon().view().metric(each.getKey(), each.getValue()))
                        .sum()));
  }

  private static void holds(Duration lasting) throws InterruptedException {
    site.configure(RESILIENT);
    site.set(EJECTING);
    Map<String, Long> before = helped();
    Seen seen = run(lasting, PATIENCE);
    Map<String, Long> helped = new TreeMap<>(helped());
    helped.replaceAll((name, all) -> all - before.getOrDefault(name, 0L));
    System.out.printf("replica chaos: %s%n", helped);
    assertThat(helped.values()).as("%s", helped).allMatch(each -> each > 0);
    assertThat(seen.faults())
        .as("every kind of fault")
        .hasSizeGreaterThanOrEqualTo(State.values().length);
    assertThat(seen.avoidable().size()).as(() -> told(seen.avoidable())).isZero();
    assertThat(seen.all().stream().filter(one -> !one.isGood()).count()).isZero();
  }
}
