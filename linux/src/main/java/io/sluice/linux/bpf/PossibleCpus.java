package io.sluice.linux.bpf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How many values the kernel returns for a key of a per-CPU map: possible CPUs, not online ones.
 */
final class PossibleCpus {
  private static final Path FILE = Path.of("/sys/devices/system/cpu/possible");

  private PossibleCpus() {}

  static int count() {
    try {
      return parse(Files.readString(FILE).strip());
    } catch (IOException e) {
      throw new UncheckedIOException("per-CPU maps need /sys mounted", e);
    }
  }

  /** The highest number of a list such as {@code 0-3} or {@code 0,2-7}, plus one. */
  static int parse(String list) {
    String last = list.substring(Math.max(list.lastIndexOf('-'), list.lastIndexOf(',')) + 1);
    return Integer.parseInt(last) + 1;
  }
}
