package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.mesh.MeshPorts;
import io.sluice.process.SiteClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Clock, memory, disk and numbers of what there is only so much of. */
final class ResourceChecks {
  private static final Set<String> TIME_SERVICES =
      Set.of("chronyd", "ntpd", "systemd-timesyn", "openntpd", "ptp4l", "phc2sys", "VBoxService");

  private static final long KIBI = 1024;
  private static final long MEBI = 1 << 20;
  private static final int LEAST_PORTS = 8192;
  private static final int LEAST_FILES = 8192;

  private ResourceChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("clock", ResourceChecks::clock),
        new Check("time service", ResourceChecks::timeService),
        new Check("memory", ResourceChecks::memory),
        new Check("state folder", ResourceChecks::folder),
        new Check("disk of the state folder", ResourceChecks::disk),
        new Check("open files", ResourceChecks::files),
        new Check("local ports", ResourceChecks::localPorts));
  }

  private static void clock(Facts facts, Sink found) {
    if (facts.now().isBefore(SiteClock.MADE)) {
      found.add(Code.CLOCK_1970, "clock", "it is " + facts.now());
    }
  }

  private static void timeService(Facts facts, Sink found) {
    boolean runs =
        facts.host().exists("run/systemd/timesync/synchronized")
            || processes(facts.host()).anyMatch(TIME_SERVICES::contains);
    if (!runs) {
      found.add(Code.CLOCK_ALONE, "clock", "none of " + sorted(TIME_SERVICES) + " runs here");
    }
  }

  private static List<String> sorted(Set<String> words) {
    return words.stream().sorted().toList();
  }

  /** Names of the processes of this node. */
  static Stream<String> processes(Host host) {
    return host.names("proc").stream()
        .filter(name -> Character.isDigit(name.charAt(0)))
        .map(name -> host.text("proc/" + name + "/comm"))
        .flatMap(Optional::stream);
  }

  private static void memory(Facts facts, Sink found) {
    for (String line : facts.host().lines("proc/meminfo")) {
      if (line.startsWith("MemAvailable:")) {
        long mebibytes = Host.number(line, 1).orElse(Long.MAX_VALUE) / KIBI;
        if (mebibytes < 64) {
          found.add(Code.MEMORY_SHORT, "memory", mebibytes + " MiB are available");
        } else if (mebibytes < 256) {
          found.add(Code.MEMORY_LOW, "memory", mebibytes + " MiB are available");
        }
      }
    }
  }

  private static void folder(Facts facts, Sink found) throws NotThereException {
    Path state = facts.state();
    if (!Files.exists(state)) {
      throw new NotThereException(state + " does not exist; the daemon makes it");
    }
    if (!Files.isDirectory(state)) {
      found.add(Code.STATE_NO_FOLDER, state.toString(), "it is a file");
      return;
    }
    try {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(state);
      if (permissions.contains(PosixFilePermission.GROUP_WRITE)
          || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
        found.add(
            Code.STATE_OPEN,
            state.toString(),
            "it is " + PosixFilePermissions.toString(permissions));
      }
      String owner = Files.getOwner(state).getName();
      if (!owner.equals("root") && !owner.equals(System.getProperty("user.name"))) {
        found.add(Code.STATE_FOREIGN, state.toString(), "it belongs to " + owner);
      }
    } catch (IOException e) {
      throw new NotThereException(state + " cannot be looked at: " + e.getMessage());
    }
  }

  private static void disk(Facts facts, Sink found) throws NotThereException {
    JsonNode disk = facts.of(Topic.DISK);
    String state = facts.state().toString();
    String failure = disk.path("writeFailure").asText();
    long usable = disk.path("usableBytes").asLong();
    long total = disk.path("totalBytes").asLong();
    String seen = "%d of %d MiB are free".formatted(usable / MEBI, total / MEBI);
    if (usable < MEBI) {
      found.add(Code.STATE_FULL, state, seen);
    } else if (!failure.isEmpty()) {
      found.add(Code.STATE_READ_ONLY, state, failure);
    } else if (usable < 64 * MEBI || usable < total / 100) {
      found.add(Code.STATE_LOW, state, seen);
    }
  }

  private static void files(Facts facts, Sink found) throws NotThereException {
    facts
        .host()
        .text("proc/sys/fs/file-nr")
        .ifPresent(text -> {
          long used = Host.number(text, 0).orElse(0L);
          long most = Host.number(text, 2).orElse(Long.MAX_VALUE);
          if (used > most * 0.9) {
            found.add(Code.FILES_SYSTEM, "fs.file-max", used + " of " + most + " are open");
          }
        });
    long pid = facts.of(Topic.STATUS).path("pid").asLong();
    for (String line : facts.host().lines("proc/" + pid + "/limits")) {
      if (line.startsWith("Max open files")) {
        Host.number(line.substring("Max open files".length()).strip(), 0)
            .filter(most -> most < LEAST_FILES)
            .ifPresent(most -> found.add(Code.FILES_DAEMON, "process " + pid, "at most " + most));
      }
    }
  }

  private static void localPorts(Facts facts, Sink found) {
    String range = facts.host().text("proc/sys/net/ipv4/ip_local_port_range").orElse("");
    long first = Host.number(range, 0).orElse(0L);
    long last = Host.number(range, 1).orElse(0L);
    if (first == 0 || last < first) {
      return;
    }
    if (last - first + 1 < LEAST_PORTS) {
      found.add(Code.LOCAL_PORTS_FEW, "net.ipv4.ip_local_port_range", range);
    }
    String reserved = facts.host().text("proc/sys/net/ipv4/ip_local_reserved_ports").orElse("");
    for (int port : List.of(MeshPorts.CONTROL, MeshPorts.NODE_METRICS)) {
      if (first <= port && port <= last && !isListed(reserved, port)) {
        found.add(Code.LOCAL_PORTS_MESH, "port " + port, "the range is " + first + " to " + last);
      }
    }
  }

  /** Whether a list such as {@code 15008,15010-15020} has the port. */
  private static boolean isListed(String list, int port) {
    for (String part : list.split(",")) {
      String[] ends = part.strip().split("-");
      long from = Host.number(ends[0], 0).orElse(0L);
      long to = ends.length > 1 ? Host.number(ends[1], 0).orElse(0L) : from;
      if (from <= port && port <= to) {
        return true;
      }
    }
    return false;
  }
}
