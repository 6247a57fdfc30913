package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.await.AtLoad;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Confinement;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which mechanism a daemon runs, why, and what a change of it on a running node does to pods. */
@Order(21)
@Tag("kernel")
class ModeChoiceTest {
  private static final int MIN_ATTEMPTS = 20;
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final Duration CHOICE_LIMIT = Duration.ofSeconds(2);

  /** More than a JVM needs to start where a second process does not share its processor. */
  private static final long JVM_START_MILLIS = 1_000;

  private static final Pattern STEP = Pattern.compile("\\b(process|approach|mechanism)=(\\d+)");

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.withoutDaemon(Mechanism.EBPF);
  }

  @BeforeEach
  void beginWithoutTraces() {
    shop.removeTraces();
  }

  @Test
  void autoTakesEbpfWhereItWorksAndBelievesItsTrialUntilTheKernelSaysOtherwise() {
    shop.site.startDaemon("--mode", "auto");

    assertThat(status("mode")).isEqualTo("ebpf");
    assertThat(status("modeReason")).isEqualTo("a trial of every program succeeded");
    shop.assertEnforced();
    shop.daemon().kill();
    shop.daemon().start();

    assertThat(status("modeReason"))
        .isEqualTo("a trial of every program succeeded earlier, since the machine started");
    shop.assertEnforced();
    shop.daemon().kill();
    shop.site.startDaemon(Confinement.NO_BPF_CALLS, "--mode", "auto");

    // What the one before left has gone, though this one may change no map.
    assertIptablesBecause("EPERM");
  }

  @Test
  @Tag("long")
  void autoTakesIptablesWherePinsAreRefusedAndSaysWhy() {
    shop.site.startDaemon(Confinement.NO_PINS, "--mode", "auto");

    assertIptablesBecause("Read-only file system");
  }

  private static void assertIptablesBecause(String cause) {
    assertThat(status("mode")).isEqualTo("iptables");
    assertThat(status("modeReason")).startsWith("eBPF does not work here: ").contains(cause);
    for (String direction : List.of("outbound", "inbound")) {
      assertThat(
              shop.view()
                  .metric(
                      "sluice_interception_mode",
                      "direction=\"" + direction + "\"",
                      "mode=\"iptables\""))
          .isEqualTo(1);
    }
    shop.assertEnforced();
    assertChosenSoon();
  }

  /**
   * From the process's start until the mechanism is in use, the JVM's own start included, which on
   * a slow machine takes longer than all that is promised.
   */
  private static void assertChosenSoon() {
    String ready = shop.daemon().lastLogLine("node_ready");
    Map<String, Long> steps =
        STEP.matcher(ready)
            .results()
            .collect(Collectors.toMap(step -> step.group(1), step -> Long.valueOf(step.group(2))));
    assertThat(steps).as(ready).containsOnlyKeys("process", "approach", "mechanism");
    steps.merge("process", JVM_START_MILLIS, Math::min);
    long millis = steps.values().stream().mapToLong(Long::longValue).sum();
    System.out.printf(
        "iptables chosen in %d ms, load of a processor %.1f%n", millis, AtLoad.perProcessor());
    assertThat(millis).as(ready).isBetween(1L, AtLoad.limit(CHOICE_LIMIT).toMillis());
  }

  @Test
  void ebpfFallsBackWhenAllowedAndSaysWhy() {
    assertFallsBack(Confinement.NO_PINS, "Read-only file system");
  }

  @Test
  @Tag("long")
  void ebpfFallsBackWhereNoCallIsAllowedToo() {
    assertFallsBack(Confinement.NO_BPF_CALLS, "EPERM");
  }

  private static void assertFallsBack(Confinement confinement, String cause) {
    shop.site.startDaemon(confinement, "--mode", "ebpf", "--fallback", "true");

    assertThat(status("mode")).isEqualTo("iptables");
    assertThat(status("modeReason"))
        .startsWith("eBPF was asked for and is refused: ")
        .contains(cause);
    shop.assertEnforced();
  }

  @Test
  void ebpfWithoutFallbackEndsWithASentence() {
    assertEndsWithASentence(Confinement.NO_BPF_CALLS);
  }

  @Test
  @Tag("long")
  void itDoesWherePinsAreRefusedToo() {
    assertEndsWithASentence(Confinement.NO_PINS);
  }

  private static void assertEndsWithASentence(Confinement confinement) {
    assertThatThrownBy(() -> shop.site.startDaemon(confinement, "--mode", "ebpf"))
        .hasMessageContaining("the daemon ended at once");

    assertThat(shop.daemon().lastWords()).startsWith("sluice: ").doesNotContain("\tat ");
  }

  @Test
  void switchingTheModeKeepsEveryPodEnforcedAndLeavesNothingOfTheFormer() {
    shop.site.startDaemon(Mechanism.EBPF.arguments());
    Await.until("only eBPF", () -> shop.isUnderOnly(Mechanism.EBPF));
    switchInTurn();
    replaceOtherReleases();
  }

  private static void switchInTurn() {
    for (Mechanism next : Mechanism.changes(Mechanism.IPTABLES, Mechanism.EBPF)) {
      assertNobodyGetsThroughUntilOnly(
          next,
          () -> {
            shop.daemon().terminate();
            shop.daemon().awaitEnd();
          });
      assertThat(status("mode")).isEqualTo(next.mode());
      shop.assertEnforced();
    }
  }

  /**
   * Programs of another release have pins of another schema, so that nobody adopts them; they go
   * once the present ones are in force.
   */
  private static void replaceOtherReleases() {
    Path pins = shop.view().pins().path();
    for (Mechanism next :
        LongRun.ON
            ? List.of(Mechanism.EBPF, Mechanism.SPLIT, Mechanism.EBPF, Mechanism.IPTABLES)
            : List.of(Mechanism.EBPF)) {
      assertNobodyGetsThroughUntilOnly(
          next,
          () -> {
            shop.daemon().kill();
            rename(pins, pins.resolveSibling("v1"));
          });

      assertThat(pins.resolveSibling("v1")).doesNotExist();
      assertThat(Traces.programs(shop.store)).hasSize(next.steers() ? 1 : 0);
      assertThat(shop.view().pod(shop.store).path("protection").asText()).isEqualTo("protected");
      shop.assertEnforced();
    }
  }

  private static void rename(Path from, Path to) {
    try {
      Files.move(from, to);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Forbidden attempts one after the other, from before {@code end} until the next daemon is alone.
   */
  private static void assertNobodyGetsThroughUntilOnly(Mechanism next, Runnable end) {
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        TcpServer store = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      List<InetSocketAddress> forbidden =
          List.of(
              shop.stranger.at(Family.IPV4, outside.port()),
              shop.store.at(Family.IPV4, store.port()),
              shop.service(Family.IPV4));
      List<Attempt> attempts = Collections.synchronizedList(new ArrayList<>());
      AtomicBoolean stop = new AtomicBoolean();
      Thread burglary =
          Thread.ofPlatform()
              .daemon()
              .name("burglary")
              .start(() -> {
                while (!stop.get()) {
                  forbidden.forEach(to -> attempts.add(Attempt.from(shop.thief, to, "hi")));
                  attempts.add(Attempt.from(shop.stranger, forbidden.get(1), "hi"));
                  LockSupport.parkNanos(PAUSE_NANOS); // the next daemon wants the processors too
                }
              });
      Await.until("the thief is at work", () -> attempts.size() > MIN_ATTEMPTS);

      end.run();
      shop.site.startDaemon(next.arguments());
      assertThat(shop.isUnderOnly(next))
          .as("ready under %s: %s", next, shop.daemon().log())
          .isTrue();
      int switched = attempts.size();
      Await.until("the thief has tried again", () -> attempts.size() > switched + MIN_ATTEMPTS);
      stop.set(true);
      join(burglary);

      System.out.println("to " + next + ": " + attempts.size() + " attempts refused");
      assertThat(attempts).noneMatch(attempt -> !attempt.answer().isEmpty());
      assertThat(attempts).allMatch(Attempt::wasTurnedAway);
      assertThat(outside.accepted()).isEmpty();
      assertThat(store.accepted()).isEmpty();
    }
  }

  @Test
  void capabilitiesShowsWhatTheKernelTakesAndWhatAutoWouldChoose() throws IOException {
    JsonNode here = new ObjectMapper().readTree(capabilities("-o", "json"));
    JsonNode confined = new ObjectMapper().readTree(confinedCapabilities());
    String table = capabilities();

    assertThat(here.path("mode").asText()).isEqualTo("ebpf");
    assertThat(works(here, "kernel sk_lookup")).isEqualTo("yes");
    assertThat(works(here, "ebpf trial outbound")).isEqualTo("yes");
    assertThat(works(here, "ebpf trial inbound")).isEqualTo("yes");
    assertThat(works(here, "iptables nft ipv4")).isEqualTo("yes");
    assertThat(confined.path("mode").asText()).isEqualTo("iptables");
    assertThat(confined.path("reason").asText()).contains("EPERM");
    assertThat(works(confined, "kernel sk_lookup")).isEqualTo("no");
    assertThat(works(confined, "ebpf trial outbound")).isEqualTo("no");
    assertThat(works(confined, "ebpf trial inbound")).isEqualTo("no");
    assertThat(table).startsWith("FEATURE").contains("--mode auto would choose ebpf: a trial");
  }

  private static String works(JsonNode capabilities, String feature) {
    for (JsonNode answer : capabilities.path("features")) {
      if (answer.path("feature").asText().equals(feature)) {
        return answer.path("works").asText();
      }
    }
    return "not tried";
  }

  private static String capabilities(String... arguments) {
    return JavaCommand.here(
        Stream.concat(Stream.of("node", "capabilities"), Stream.of(arguments))
            .toArray(String[]::new));
  }

  private static String confinedCapabilities() {
    List<String> command = new ArrayList<>(Confinement.NO_BPF_CALLS.prefix());
    command.addAll(JavaCommand.sluice("node", "capabilities", "-o", "json"));
    return Commands.run(command.toArray(String[]::new));
  }

  private static String status(String member) {
    return shop.view().status().path(member).asText();
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
