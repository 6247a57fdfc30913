package io.sluice.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What stands on a node, as its administrator could list it: files, rules, links, programs. */
final class NodeListing {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EMPTY_TABLE = "table [^{]*\\{\\s*\\}\n";

  private NodeListing() {}

  /** Of the whole node, pods left out. */
  static List<String> of(InstalledSite site) throws IOException {
    List<String> lines = new ArrayList<>(ofNetwork(site.site.node()));
    lines.addAll(files(site.cluster.onNode(Path.of("/"))));
    lines.addAll(files(Path.of("/run/sluice", site.site.prefix())));
    lines.addAll(files(pins(site)));
    for (String hierarchy : List.of("", "unified")) {
      Path cgroup = Path.of("/sys/fs/cgroup", hierarchy, "sluice-" + site.site.prefix());
      if (Files.exists(cgroup)) {
        lines.add("cgroup " + cgroup);
      }
    }
    return lines;
  }

  /** Of one network: interfaces, policy routes, and rules of every kind. */
  static List<String> ofNetwork(SitePod pod) {
    List<String> lines = new ArrayList<>();
    inside(pod, "ip", "-br", "link")
        .forEach(line -> lines.add("interface " + line.replaceAll("[@ ].*", "")));
    inside(pod, "ip", "rule").forEach(line -> lines.add("rule " + line));
    inside(pod, "ip", "-6", "rule").forEach(line -> lines.add("rule6 " + line));
    inside(pod, "ip", "route", "show", "table", "local", "type", "local", "default")
        .forEach(line -> lines.add("local route " + line));
    // iptables-nft never removes the tables that it once made; empty ones do nothing.
    String rules =
        run(pod, "nft", "list", "ruleset").replaceAll("#.*\n", "").replaceAll(EMPTY_TABLE, "");
    rules.lines().filter(line -> !line.isBlank()).forEach(line -> lines.add("nft " + line));
    for (String save : List.of("iptables-legacy-save", "ip6tables-legacy-save")) {
      inside(pod, save)
          .filter(line -> line.startsWith("-"))
          .forEach(line -> lines.add(save + " " + line));
    }
    return lines;
  }

  private static Stream<String> inside(SitePod pod, String... command) {
    return run(pod, command).lines().filter(line -> !line.isBlank());
  }

  private static String run(SitePod pod, String... command) {
    List<String> words = new ArrayList<>(List.of("nsenter", "--net=" + pod.path(), "--"));
    words.addAll(List.of(command));
    return Commands.run(words.toArray(String[]::new));
  }

  private static List<String> files(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return List.of();
    }
    try (Stream<Path> walk = Files.walk(directory)) {
      return walk.filter(Files::isRegularFile).map(file -> "file " + file).sorted().toList();
    }
  }

  private static Path pins(InstalledSite site) {
    return Path.of("/sys/fs/bpf/sluice", site.site.prefix());
  }

  /** Programs, maps and links that are pinned for the node, each as its kind and number. */
  static Set<String> pinned(InstalledSite site) throws IOException {
    Set<String> pinned = new TreeSet<>();
    for (String kind : List.of("prog", "map", "link")) {
      for (JsonNode object : list(kind)) {
        for (JsonNode path : object.path("pinned")) {
          if (path.asText().startsWith(pins(site) + "/")) {
            pinned.add(kind + " " + object.path("id").asText());
          }
        }
      }
    }
    return pinned;
  }

  /** Every program, map and link that the kernel has. */
  static Set<String> loaded() throws IOException {
    Set<String> loaded = new TreeSet<>();
    for (String kind : List.of("prog", "map", "link")) {
      list(kind).forEach(object -> loaded.add(kind + " " + object.path("id").asText()));
    }
    return loaded;
  }

  private static JsonNode list(String kind) throws IOException {
    return JSON.readTree(Commands.run("bpftool", "-f", "-j", kind, "show"));
  }
}
