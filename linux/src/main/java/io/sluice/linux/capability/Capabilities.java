package io.sluice.linux.capability;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The effective capabilities of this process. */
public final class Capabilities {
  private static final String FIELD = "CapEff:";
  private static final int HEXADECIMAL = 16;

  private Capabilities() {}

  /** Those in force now. */
  public static Set<Capability> effective() {
    try {
      return parse(Files.readAllLines(Path.of("/proc/self/status")));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read /proc/self/status", e);
    }
  }

  /** Those of {@code required} that are not in force. CAP_SYS_ADMIN stands in for CAP_BPF. */
  public static Set<Capability> missing(Set<Capability> required) {
    return missing(required, effective());
  }

  static Set<Capability> missing(Set<Capability> required, Set<Capability> effective) {
    var missing = EnumSet.noneOf(Capability.class);
    missing.addAll(required);
    missing.removeAll(effective);
    if (effective.contains(Capability.CAP_SYS_ADMIN)) {
      missing.remove(Capability.CAP_BPF);
      missing.remove(Capability.CAP_PERFMON);
    }
    return missing;
  }

  static Set<Capability> parse(List<String> status) {
    long mask =
        status.stream()
            .filter(line -> line.startsWith(FIELD))
            .mapToLong(
                line -> Long.parseUnsignedLong(line.substring(FIELD.length()).strip(), HEXADECIMAL))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("/proc/self/status has no " + FIELD));
    var effective = EnumSet.noneOf(Capability.class);
    for (Capability capability : Capability.values()) {
      if ((mask >>> capability.number() & 1) == 1) {
        effective.add(capability);
      }
    }
    return effective;
  }
}
