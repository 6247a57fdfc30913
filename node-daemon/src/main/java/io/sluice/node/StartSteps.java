package io.sluice.node;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What took the time of a daemon's start, for its log. For one thread. */
final class StartSteps {
  private final Map<String, Long> millis = new LinkedHashMap<>();
  private long last = System.nanoTime();

  /** Begins with what came before this process's own code ran: the JVM, and the command. */
  static StartSteps sinceProcessStart() {
    StartSteps steps = new StartSteps();
    ProcessHandle.current()
        .info()
        .startInstant()
        .ifPresent(start ->
            steps.millis.put("process", Duration.between(start, Instant.now()).toMillis()));
    return steps;
  }

  /** Ends a step, which began where the one before ended. */
  void done(String step) {
    long now = System.nanoTime();
    millis.put(step, (now - last) / 1_000_000);
    last = now;
  }

  /** Milliseconds of each step, in order. */
  @Override
  public String toString() {
    return millis.entrySet().stream()
        .map(step -> step.getKey() + "=" + step.getValue())
        .collect(Collectors.joining(" "));
  }
}
