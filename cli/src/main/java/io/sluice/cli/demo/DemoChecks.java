package io.sluice.cli.demo;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfFs;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.node.maps.PinDirectory;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What this machine lacks for the demo, each found by trying and told with its mend. */
final class DemoChecks {
  private static final Set<Capability> NEEDED =
      EnumSet.of(
          Capability.CAP_SYS_ADMIN,
          Capability.CAP_NET_ADMIN,
          Capability.CAP_BPF,
          Capability.CAP_NET_BIND_SERVICE,
          Capability.CAP_KILL);
  private static final Pattern PATH_SEPARATOR = Pattern.compile(File.pathSeparator, Pattern.LITERAL);

  private DemoChecks() {}

  /** Everything that is missing; empty when the demo can run. */
  static List<String> missing() {
    List<String> missing = new ArrayList<>();
    Set<Capability> capabilities = Capabilities.missing(NEEDED);
    if (!capabilities.isEmpty()) {
      missing.add(
          "the demo makes network namespaces and loads eBPF programs, for which "
              + capabilities
              + " is missing: run it as root on the machine itself, or in a privileged container");
    }
    if (!isOnPath("ip", System.getenv("PATH"))) {
      missing.add("there is no `ip` in PATH: install iproute2");
    }
    if (!Files.exists(Path.of("/proc/net/if_inet6"))) {
      missing.add("this kernel has IPv6 switched off: boot without ipv6.disable=1");
    }
    if (capabilities.isEmpty()) {
      noCgroup().ifPresent(missing::add);
      noBpf().ifPresent(missing::add);
    }
    return missing;
  }

  static boolean isOnPath(String program, String path) {
    return path != null
        && PATH_SEPARATOR
            .splitAsStream(path)
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }

  private static Optional<String> noCgroup() {
    try {
      Cgroups.rootV2();
      return Optional.empty();
    } catch (LinuxException e) {
      return Optional.of(
          "the root of the cgroup2 hierarchy cannot be found: "
              + "mount it with `mount -t cgroup2 none /sys/fs/cgroup/unified`, "
              + "or leave the container, whose own cgroup is not the root");
    }
  }

  private static Optional<String> noBpf() {
    try {
      BpfFs.ensureMounted(PinDirectory.BPF_FILE_SYSTEM);
      InterceptionProgram program = InterceptionProgram.CONNECT4;
      try (BpfObject object = BpfObject.open(program.object(), program.objectName())) {
        object.load();
      }
      return Optional.empty();
    } catch (LinuxException e) {
      return Optional.of("eBPF is refused: " + e.getMessage());
    } catch (UnsatisfiedLinkError e) {
      return Optional.of("libbpf cannot be loaded: install libbpf1 (" + e.getMessage() + ")");
    }
  }
}
