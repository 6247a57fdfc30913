package io.sluice.lab.site;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** What the chart lets the node daemon's container do, without the kernel's {@code CAP_}. */
public enum ChartCapability {
  NET_ADMIN,
  SYS_ADMIN,
  SYS_PTRACE,
  SYS_RESOURCE,
  DAC_OVERRIDE,
  NET_RAW;

  /** The kernel's own default before Linux 5.16, and of many container runtimes. */
  private static final int LOCKED_BYTES = 65_536;

  /** As the kernel and error messages have it. */
  public String kernelName() {
    return "CAP_" + name();
  }

  /**
   * Goes before the words of a command, so that root may do only what the chart's container may,
   * and lock little memory; the process id stays the same.
   */
  public static List<String> container() {
    return containerWith(EnumSet.allOf(ChartCapability.class));
  }

  /** The same but for one capability. */
  public static List<String> containerWithout(ChartCapability missing) {
    return containerWith(EnumSet.complementOf(EnumSet.of(missing)));
  }

  private static List<String> containerWith(Set<ChartCapability> capabilities) {
    String added =
        capabilities.stream()
            .map(capability -> ",+" + capability.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining());
    return List.of(
        "prlimit",
        "--memlock=" + LOCKED_BYTES + ":" + LOCKED_BYTES,
        "setpriv",
        "--bounding-set",
        "-all" + added,
        "--inh-caps",
        "-all");
  }
}
