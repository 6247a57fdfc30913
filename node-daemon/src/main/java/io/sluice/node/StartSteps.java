package io.sluice.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** What took the time of a daemon's start, for its log. For one thread. */
final class StartSteps {
  private static final int MILLIS_PER_TICK = 10; // USER_HZ is 100 on every architecture here
  private static final int START_FIELD = 19; // of those behind the name, the first being 3

  private final Map<String, Long> millis = new LinkedHashMap<>();
  private long last = System.nanoTime();

  /** Begins with what came before this process's own code ran: the JVM, and the command. */
  static StartSteps sinceProcessStart() {
    StartSteps steps = new StartSteps();
    ageMillis().ifPresent(age -> steps.millis.put("process", age));
    return steps;
  }

  /**
   * How old this process is, by one clock (proc_pid_stat(5), field 22, in hundredths of a second
   * since boot): the time of day at which the JDK says that it began is a second off at times.
   */
  private static OptionalLong ageMillis() {
    try {
      String stat = Files.readString(Path.of("/proc/self/stat"));
      String[] behindName = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      String uptime = Files.readString(Path.of("/proc/uptime"));
      double seconds = Double.parseDouble(uptime.substring(0, uptime.indexOf(' ')));
      long begun = Long.parseLong(behindName[START_FIELD]) * MILLIS_PER_TICK;
      return OptionalLong.of(Math.round(seconds * 1_000) - begun);
    } catch (IOException e) {
      return OptionalLong.empty();
    }
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
