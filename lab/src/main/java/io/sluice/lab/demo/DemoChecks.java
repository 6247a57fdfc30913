package io.sluice.lab.demo;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfFs;
import io.sluice.linux.bpf.BpfObject;
import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.node.InterceptionMode;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What this machine lacks for the demo, each found by trying and told with its mend. */
final class DemoChecks {
  private static final Set<Capability> NEEDED =
      EnumSet.of(
          Capability.CAP_SYS_ADMIN,
          Capability.CAP_NET_ADMIN,
          Capability.CAP_NET_BIND_SERVICE,
          Capability.CAP_KILL);
  private static final Pattern PATH_SEPARATOR =
      Pattern.compile(File.pathSeparator, Pattern.LITERAL);

  private DemoChecks() {}

  /** Everything that is missing; empty when the demo can run. */
  static List<String> missing(InterceptionMode mode) {
    List<String> missing = new ArrayList<>(missingForStop());
    if (!Files.exists(Path.of("/proc/net/if_inet6"))) {
      missing.add("this kernel has IPv6 switched off: boot without ipv6.disable=1");
    }
    if (missing.isEmpty()) {
      missing.addAll(
          switch (mode) {
            case ebpf -> missingForEbpf();
            case iptables -> missingForIptables();
            case auto -> missingForEither();
          });
    }
    return missing;
  }

  /** What is missing even to remove a demo. */
  static List<String> missingForStop() {
    List<String> missing = new ArrayList<>();
    Set<Capability> capabilities = Capabilities.missing(NEEDED);
    if (!capabilities.isEmpty()) {
      missing.add(
          "the demo makes network namespaces and intercepts traffic, for which "
              + capabilities
              + " is missing: run it as root on the machine itself, or in a privileged container");
    }
    if (!isOnPath("ip", System.getenv("PATH"))) {
      missing.add("there is no `ip` in PATH: install iproute2");
    }
    return missing;
  }

  private static List<String> missingForEbpf() {
    return Stream.of(noBpfCapability(), noCgroup(), noBpf()).flatMap(Optional::stream).toList();
  }

  private static Optional<String> noBpfCapability() {
    return Capabilities.missing(EnumSet.of(Capability.CAP_BPF)).isEmpty()
        ? Optional.empty()
        : Optional.of("eBPF needs CAP_BPF: run the demo as root, or with --mode iptables");
  }

  private static List<String> missingForIptables() {
    return isOnPath("iptables-save", System.getenv("PATH"))
        ? List.of()
        : List.of("there is no `iptables-save` in PATH: install iptables");
  }

  /** The daemon chooses; only when neither can work, the demo need not ask it. */
  private static List<String> missingForEither() {
    List<String> ebpf = missingForEbpf();
    List<String> iptables = missingForIptables();
    return ebpf.isEmpty() || iptables.isEmpty()
        ? List.of()
        : Stream.concat(ebpf.stream(), iptables.stream()).toList();
  }

  static boolean isOnPath(String program, @Nullable String path) {
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
