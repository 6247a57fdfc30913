package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.lab.site.Await;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Takes the steps of scenarios at a site. For one thread; it has others, one for each cell. */
final class ScenarioRun implements AutoCloseable {
  /** So many points from a share, of the calls of one cell, which are fewer than those of all. */
  private static final int TOLERANCE_IN_A_CELL = 12;

  private static final int CALLS_UNDER_LOAD = 20;

  private static final double CALM_PER_PROCESSOR = 2;

  /** How a line of a load begins that was answered. */
  private static final String SERVED = "200 0 ";

  private final ScenarioSite site;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private int rows;

  ScenarioRun(ScenarioSite site) {
    this.site = site;
  }

  void run(Scenario scenario) {
    try {
      site.takeTurn(rows++, scenario.everyCell());
      site.apply(scenario.manifests());
      scenario.steps().forEach(this::take);
    } catch (AssertionError e) {
      throw new AssertionError(scenario.name() + ": " + e.getMessage(), e);
    }
  }

  private void take(Step step) {
    switch (step) {
      case Step.Calls calls -> inEach(cell -> call(cell, calls));
      case Step.Shares shares -> share(shares);
      case Step.Act act -> inEach(act.check());
      case Step.Change change -> {
        long begin = System.nanoTime();
        site.amend(change.manifests());
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .as("until %s has effect", change.manifests().keySet())
            .isLessThan(isCalm() ? Step.Change.LIMIT : Await.PATIENCE);
      }
      case Step.UnderLoad load -> underLoad(load);
    }
  }

  /** Else what is measured is how long daemons wait for a processor. */
  static boolean isCalm() {
    return AtLoad.perProcessor() < CALM_PER_PROCESSOR;
  }

  /** In all cells at once; tells of every cell in which it does not hold. */
  private void inEach(Step.Check check) {
    Map<Cell, Future<?>> running = new LinkedHashMap<>();
    for (Cell cell : site.cells()) {
      running.put(
          cell,
          threads.submit(() -> {
            check.in(cell);
            return true;
          }));
    }
    List<AssertionError> failures = new ArrayList<>();
    running.forEach((cell, future) -> {
      try {
        future.get();
      } catch (ExecutionException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        failures.add(new AssertionError(cell + ": " + cause.getMessage(), cause));
      } catch (InterruptedException e) {
        throw new IllegalStateException("interrupted in " + cell, e);
      }
    });
    if (!failures.isEmpty()) {
      AssertionError first = failures.removeFirst();
      failures.forEach(first::addSuppressed);
      throw first;
    }
  }

  private static void call(Cell cell, Step.Calls step) {
    List<Request> requests = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (Step.Call call : step.calls()) {
      for (int time = 0; time < call.times(); time++) {
        requests.add(call.request());
        expected.add(call.request().url() + ": " + call.outcome());
      }
    }
    List<Answer> answers = cell.ask(step.account(), requests);
    List<String> met = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      met.add(requests.get(i).url() + ": " + answers.get(i).outcome());
    }
    assertThat(met).as("%s asks", step.account()).isEqualTo(expected);
  }

  private void share(Step.Shares step) {
    Queue<Answer> all = new ConcurrentLinkedQueue<>();
    int times = step.times() / site.cells().size();
    inEach(cell -> {
      List<Answer> answers = cell.ask(step.account(), step.request(), times);
      assertThat(answers).hasSize(times);
      assertShares(answers, step, TOLERANCE_IN_A_CELL);
      all.addAll(answers);
    });
    assertShares(all, step, step.points());
  }

  private static void assertShares(Collection<Answer> answers, Step.Shares step, int tolerance) {
    Map<String, Integer> counts = new TreeMap<>();
    answers.forEach(answer -> counts.merge(answer.outcome(), 1, Integer::sum));
    Map<String, Integer> wanted = new HashMap<>();
    step.percent().forEach((pod, percent) -> wanted.put("200 " + pod, percent));
    assertThat(wanted.keySet()).as("%s", counts).containsAll(counts.keySet());
    wanted.forEach((outcome, percent) -> {
      int count = counts.getOrDefault(outcome, 0);
      if (percent == 0) {
        assertThat(count).as("%s", counts).isZero();
      } else {
        assertThat(count * 100.0 / answers.size())
            .as("%s", counts)
            .isBetween(percent - (double) tolerance, percent + (double) tolerance);
      }
    });
  }

  private void underLoad(Step.UnderLoad step) {
    Map<Cell, Process> loads = new LinkedHashMap<>();
    try {
      for (Cell cell : site.cells()) {
        loads.put(
            cell,
            Curl.load(cell.client(step.account()), step.request(), cell::address, record(cell)));
      }
      awaitMore(loads);
      for (Step each : step.steps()) {
        take(each);
        awaitMore(loads);
      }
    } finally {
      loads.values().forEach(Process::destroy);
      loads.values().forEach(load -> Await.until("the load has ended", () -> !load.isAlive()));
    }
    inEach(cell ->
        assertThat(lines(cell).stream().filter(line -> !line.startsWith(SERVED)))
            .as("of %s calls", lines(cell).size())
            .isEmpty());
  }

  private Path record(Cell cell) {
    return site.directory().resolve("load-" + cell.near() + cell.family());
  }

  /** Lines that are whole: the load may be in the midst of one. */
  private List<String> lines(Cell cell) {
    try {
      String text = Files.readString(record(cell));
      return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitMore(Map<Cell, Process> loads) {
    Map<Cell, Integer> before = new HashMap<>();
    loads.keySet().forEach(cell -> before.put(cell, lines(cell).size()));
    Await.until(
        "calls are made",
        () ->
            loads.keySet().stream()
                .allMatch(
                    cell -> lines(cell).size() >= before.getOrDefault(cell, 0) + CALLS_UNDER_LOAD));
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
