package io.sluice.chaos;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Rounds of changes and faults, each with a {@link Checkpoint} at its end. The same seed makes the
 * same changes and the same faults at the same steps; how far everybody else has come by then is
 * the machine's affair.
 */
final class ChaosRun {
  private static final int CHANGES_A_STEP = 15;
  private static final int EVENTS_KEPT = 1_000;

  private final ChaosSite site;
  private final ClusterChanges changes;
  private final FaultPlan faults;
  private final Checkpoint checkpoint;
  private final PrintStream out;
  private final List<Duration> took = new ArrayList<>();
  private final List<String> differences = new ArrayList<>();

  ChaosRun(ChaosSite site, long seed, PrintStream out) {
    Random random = new Random(seed + 1);
    this.site = site;
    this.out = out;
    this.changes =
        new ClusterChanges(site.history, site.nodes.stream().map(NodeLife::name).toList(), seed);
    this.checkpoint = new Checkpoint(site, changes);
    this.faults = new FaultPlan(kinds(random), random);
  }

  private List<Supplier<Fault>> kinds(Random random) {
    ApiFaults api = new ApiFaults(site.cluster, site.history, changes, random);
    SiteFaults processes = new SiteFaults(site.apiLink, site.controller, site.nodes, random);
    return Stream.of(
            times(36, api::ofAnswers),
            times(44, api::ofEvents),
            times(14, processes::ofLinks),
            times(3, processes::pause),
            times(1, processes::deathOfController),
            times(2, processes::deathOfNode))
        .flatMap(List::stream)
        .toList();
  }

  private static List<Supplier<Fault>> times(int weight, Supplier<Fault> kind) {
    return Stream.generate(() -> kind).limit(weight).toList();
  }

  /**
   * Rounds until so much time has passed, two at least. The first and every other one end with a
   * gap.
   *
   * @param round how long its steps are meant to take together
   */
  void run(Duration total, Duration round) {
    long began = System.nanoTime();
    do {
      for (long step = 0; step < round.dividedBy(FaultPlan.STEP); step++) {
        faults.step();
        changes.some(CHANGES_A_STEP);
        site.history.keepNewest(EVENTS_KEPT);
        LockSupport.parkNanos(FaultPlan.STEP.toNanos());
      }
      if (took.size() % 2 == 0) {
        changes.unseen(); // only a list tells what was removed
      }
      faults.endAll();
      Checkpoint.Outcome outcome = checkpoint.compare();
      took.add(outcome.took());
      differences.addAll(outcome.differences());
      out.printf(
          "chaos: checkpoint %d after %d s: %d changes, %d objects, %d ms until no difference but"
              + " %d, the last: %.60s%n",
          took.size(),
          Duration.ofNanos(System.nanoTime() - began).toSeconds(),
          changes.made(),
          outcome.objects(),
          outcome.took().toMillis(),
          outcome.differences().size(),
          outcome.last());
      outcome.differences().forEach(line -> out.println("chaos: DIFFERENCE " + line));
    } while (took.size() < 2 || System.nanoTime() - began < total.toNanos());
  }

  /** Everything that was not as it should be. */
  List<String> differences() {
    return differences;
  }

  /** What happened, in figures. */
  void report() {
    out.printf("chaos: %d changes, %d checkpoints%n", changes.made(), took.size());
    faults.begun().forEach((name, count) -> out.printf("chaos: %6d %s%n", count, name));
    List<Duration> sorted = took.stream().sorted().toList();
    out.printf(
        "chaos: until all was as it should be: median %d ms, longest %d ms%n",
        sorted.get(sorted.size() / 2).toMillis(), sorted.getLast().toMillis());
    errors().forEach(line -> out.println("chaos: an error was logged: " + line));
    out.printf("chaos: %d differences%n", differences.size());
  }

  /** Errors that controller and nodes have logged, each once. */
  List<String> errors() {
    Stream<Path> logs =
        Stream.concat(
            Stream.of(site.controller.process().log()),
            site.nodes.stream().map(node -> node.process().log()));
    return logs.flatMap(ChaosRun::lines)
        .filter(line -> line.startsWith("SEVERE"))
        .distinct()
        .toList();
  }

  private static Stream<String> lines(Path log) {
    try {
      return Files.readAllLines(log, StandardCharsets.ISO_8859_1).stream();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
    }
  }
}
