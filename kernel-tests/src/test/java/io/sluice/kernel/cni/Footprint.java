package io.sluice.kernel.cni;

import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapSummary;
import io.sluice.kernel.Traces;
import io.sluice.lab.site.DaemonView;
import io.sluice.node.NodeSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Everything of ours that stands on a node, as anybody could see it, without what differs between
 * two runs: addresses, numbers, and names of sandboxes.
 */
final class Footprint {
  private static final Set<String> PASSING =
      Set.of("verdict_counters", "connections", "node_connections", "losses");

  private Footprint() {}

  /** One line a thing; {@code containers} are those that should be in force. */
  static List<String> of(CniSite site, Container... containers) {
    DaemonView view = site.site.daemon().view();
    List<Long> cookies = Arrays.stream(containers).map(Container::cookie).toList();
    List<String> ids = Arrays.stream(containers).map(Container::id).toList();
    List<String> lines = new ArrayList<>();
    if (view.pins().exists()) {
      view.pins().podCookies().forEach(cookie -> lines.add("pins " + cookies.indexOf(cookie)));
      new MapCatalogue(view.pins())
          .list().stream()
              .filter(map -> !PASSING.contains(map.name()))
              .map(Footprint::line)
              .forEach(lines::add);
    }
    Path beside = NodeSettings.adminSocket(site.site.prefix());
    files(beside.resolveSibling("sandboxes"))
        .forEach(id -> lines.add("sandbox " + ids.indexOf(id)));
    for (String directory : List.of("iptables", "closed")) {
      files(beside.resolveSibling(directory))
          .forEach(cookie ->
              lines.add(
                  directory
                      + " "
                      + cookies.indexOf(Long.parseUnsignedLong(cookie.replace(".left", "")))));
    }
    for (Container container : containers) {
      Traces.in(container.network()).stream()
          .map(line -> line.replaceAll("10\\.77\\.[0-9.]+", "IPV4"))
          .map(line -> line.replaceAll("fd77::[0-9a-f:]+|fe80::[0-9a-f:]+", "IPV6"))
          .map(line -> line.replaceAll("port(s?) [456][0-9]{4}|:[456][0-9]{4}$", "listener"))
          .map(line -> line.replaceAll("program [0-9]+", "program"))
          .forEach(lines::add);
      for (String table : List.of("tcp", "tcp6")) {
        long listeners =
            container.network().procNet(table).lines().filter(l -> l.contains(" 0A ")).count();
        lines.add(table + " listeners " + listeners);
      }
    }
    return lines;
  }

  private static String line(MapSummary map) {
    return "map " + map.name() + " " + map.entries();
  }

  private static List<String> files(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
