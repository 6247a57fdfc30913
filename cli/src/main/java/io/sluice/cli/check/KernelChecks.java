package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the kernel is, takes and allows. */
final class KernelChecks {
  private static final Pattern RELEASE = Pattern.compile("(\\d{1,4})\\.(\\d{1,4}).*");
  private static final long LEAST_LOCKED = 64L << 20;

  private KernelChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("age of the kernel", KernelChecks::age),
        new Check("what the kernel takes", KernelChecks::programs),
        new Check("capabilities of this process", KernelChecks::capabilities),
        new Check("BTF", KernelChecks::types),
        new Check("cgroup v2", KernelChecks::cgroups),
        new Check("bpffs", KernelChecks::bpffs),
        new Check("locked memory", KernelChecks::lockedMemory),
        new Check("limits on eBPF", KernelChecks::limits),
        new Check("/proc", KernelChecks::processes));
  }

  /** Whether a release, such as {@code 5.10.0-32}, is before a version; an unknown one is not. */
  static boolean isBefore(String release, int major, int minor) {
    Matcher numbers = RELEASE.matcher(release);
    if (!numbers.matches()) {
      return false;
    }
    int first = Integer.parseInt(numbers.group(1));
    return first < major || (first == major && Integer.parseInt(numbers.group(2)) < minor);
  }

  private static String release(Facts facts) {
    return facts.host().text("proc/sys/kernel/osrelease").orElse("");
  }

  private static void age(Facts facts, Sink found) {
    if (isBefore(release(facts), 5, 10)) {
      found.add(Code.KERNEL_OLD, "kernel", "it is " + release(facts));
    }
  }

  private static void programs(Facts facts, Sink found) throws NotThereException {
    JsonNode kernel = facts.of(Topic.KERNEL);
    if (kernel.path("mode").asText().equals("none")) {
      found.add(Code.NO_MODE, "kernel", kernel.path("reason").asText());
    }
    boolean redirects = false;
    for (JsonNode answer : kernel.path("features")) {
      String feature = answer.path("feature").asText();
      String detail = answer.path("detail").asText();
      boolean works = answer.path("works").asText().equals("yes");
      if (feature.startsWith("iptables")) {
        redirects |= works;
      } else if (!works) {
        found.add(
            switch (feature) {
              case "ebpf trial outbound" -> Code.EBPF_OUTBOUND_REFUSED;
              case "ebpf trial inbound" -> Code.EBPF_INBOUND_REFUSED;
              default -> Code.KERNEL_FEATURE;
            },
            feature,
            detail);
      }
    }
    if (!redirects) {
      found.add(Code.IPTABLES_UNUSABLE, "iptables", "no variant that was tried redirects");
    }
  }

  private static void capabilities(Facts facts, Sink found) throws NotThereException {
    JsonNode missing = facts.of(Topic.CAPABILITIES).path("missing");
    if (!missing.isEmpty()) {
      found.add(Code.CAPABILITIES_MISSING, "process", "it lacks " + missing);
    }
  }

  private static void types(Facts facts, Sink found) {
    if (!facts.host().exists("sys/kernel/btf/vmlinux")) {
      found.add(Code.NO_BTF, "kernel", "there is no /sys/kernel/btf/vmlinux");
    }
  }

  private static void cgroups(Facts facts, Sink found) {
    if (facts.host().mounts("cgroup2").isEmpty()) {
      found.add(Code.NO_CGROUP2, "cgroups", "no file system of type cgroup2 is mounted");
    }
  }

  private static void bpffs(Facts facts, Sink found) {
    List<Host.Mount> mounts = facts.host().mounts("bpf");
    if (mounts.isEmpty()) {
      found.add(Code.NO_BPFFS, "/sys/fs/bpf", "no file system of type bpf is mounted");
    } else if (mounts.stream().allMatch(mount -> mount.has("ro"))) {
      found.add(Code.BPFFS_READ_ONLY, mounts.getFirst().place(), mounts.getFirst().options());
    }
  }

  private static void lockedMemory(Facts facts, Sink found) {
    if (isBefore(release(facts), 5, 11)) {
      for (String line : facts.host().lines("proc/self/limits")) {
        if (line.startsWith("Max locked memory")) {
          String most = line.substring("Max locked memory".length()).strip();
          Host.number(most, 0)
              .filter(bytes -> bytes < LEAST_LOCKED)
              .ifPresent(bytes ->
                  found.add(
                      Code.MEMLOCK_LOW,
                      "locked memory",
                      bytes + " bytes, kernel " + release(facts)));
        }
      }
    }
  }

  private static void limits(Facts facts, Sink found) {
    facts
        .host()
        .text("sys/kernel/security/lockdown")
        .filter(text -> text.contains("[confidentiality]"))
        .ifPresent(text -> found.add(Code.LOCKDOWN, "/sys/kernel/security/lockdown", text));
    facts
        .host()
        .number("proc/sys/kernel/unprivileged_bpf_disabled")
        .filter(value -> value == 0)
        .ifPresent(value ->
            found.add(Code.UNPRIVILEGED_BPF, "kernel.unprivileged_bpf_disabled", "it is 0"));
  }

  private static void processes(Facts facts, Sink found) {
    for (Host.Mount mount : facts.host().mounts("proc")) {
      if (mount.place().equals("/proc")
          && (mount.has("hidepid=1")
              || mount.has("hidepid=2")
              || mount.has("hidepid=noaccess")
              || mount.has("hidepid=invisible"))) {
        found.add(Code.HIDEPID, "/proc", mount.options());
      }
    }
  }
}
