package io.sluice.lab.demo;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Rules of iptables mode, read by the system's own programs and not by the code that wrote them.
 */
final class DemoRules {
  private static final String OWN_CHAIN = "SLUICE_";

  private DemoRules() {}

  /**
   * What of the mesh is in one namespace.
   *
   * @param chains of its own
   * @param rules in them, and jumps to them
   */
  record Found(int chains, int rules) {
    boolean isEmpty() {
      return chains == 0 && rules == 0;
    }

    Found plus(Found other) {
      return new Found(chains + other.chains, rules + other.rules);
    }
  }

  /** Looks into a named namespace; needs iptables. */
  static Found in(String netns, IpFamily family) throws InterruptedException {
    Found found = new Found(0, 0);
    for (String program : programs(family)) {
      found = found.plus(parse(run(List.of("ip", "netns", "exec", netns, program))));
    }
    return found;
  }

  /** Counts in the text of iptables-save. */
  static Found parse(String saved) {
    int chains = 0;
    int rules = 0;
    for (String line : saved.split("\n", -1)) {
      if (line.startsWith(":" + OWN_CHAIN)) {
        chains++;
      } else if (line.startsWith("-A ") && line.contains(" " + OWN_CHAIN)) {
        rules++;
      }
    }
    return new Found(chains, rules);
  }

  /** Each variant that is installed: the unnamed program shows the rules of one of them only. */
  private static List<String> programs(IpFamily family) {
    String base = family == IpFamily.IPV4 ? "iptables" : "ip6tables";
    List<String> named = new ArrayList<>(List.of(base + "-nft-save", base + "-legacy-save"));
    named.removeIf(program -> !DemoChecks.isOnPath(program, System.getenv("PATH")));
    return named.isEmpty() ? List.of(base + "-save") : named;
  }

  private static String run(List<String> command) throws InterruptedException {
    try {
      // nft and legacy warn of each other on the standard error.
      Process process =
          new ProcessBuilder(command)
              .redirectInput(new File("/dev/null"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new DemoException("`" + String.join(" ", command) + "` failed");
      }
      return said;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + String.join(" ", command), e);
    }
  }
}
