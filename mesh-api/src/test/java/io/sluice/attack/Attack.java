package io.sluice.attack;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One attack that was tried and failed. Written once, as the last step of a test that has asserted
 * both: {@code Attack.tried("UDP behind a routing header, eBPF,
 * IPv6").refusedBy("cgroup_skb/egress, EPERM").countedAs("...{reason=...}")}.
 *
 * @param tried what the attacker did, with mode and family where they vary
 * @param refusedBy the part that refused it and what the attacker saw
 */
public record Attack(String tried, String refusedBy) {
  /** Read by the launcher, in the folder of the module whose tests run. */
  private static final Path LINES = Path.of("target", "attacks.txt");

  public static Attack tried(String tried) {
    return new Attack(tried, "");
  }

  public Attack refusedBy(String part) {
    return new Attack(tried, part);
  }

  /**
   * Leaves the line.
   *
   * @param where the metric with its labels, the event, or the status that tells an operator
   */
  public void countedAs(String where) {
    String line =
        Stream.of(tried, refusedBy, where)
            .map(part -> part.replaceAll("\\s+", " ").strip())
            .collect(Collectors.joining("\t", "", "\n"));
    try {
      Files.createDirectories(LINES.getParent());
      Files.writeString(LINES, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
