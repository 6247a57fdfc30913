package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.arguments.Paths;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapDump;
import io.sluice.interception.maps.MapSummary;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code sluice node maps}: asks the daemon, and reads the pins themselves when it is dead. */
@Command(
    name = "maps",
    description = "Shows the interception maps, decoded.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {MapsCommand.ListCommand.class, MapsCommand.DumpCommand.class})
final class MapsCommand {

  @Command(
      name = "list",
      description = "Lists every map with its fill.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {
        "map: its name",
        "entries (number): how many it holds; absent where that cannot be counted",
        "capacity (number): how many it can hold; absent where it has no bound",
        "id (number): the kernel's number of it; absent where it has none",
        "holds: what is in it"
      })
  static final class ListCommand implements Callable<Integer> {
    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private OutputOption output = new OutputOption();

    @Override
    public Integer call() {
      List<JsonNode> maps = new ArrayList<>();
      Optional<List<JsonNode>> answer = askLiving(target, AdminRequest.of("maps"));
      if (answer.isPresent()) {
        for (JsonNode map : answer.get()) {
          maps.add(
              summary(
                  map.path("map").asText(),
                  map.path("entries").asInt(),
                  map.path("capacity").asInt(),
                  map.path("id").asInt(),
                  map.path("holds").asText()));
        }
      } else {
        for (MapSummary map : new MapCatalogue(target.pins()).list()) {
          maps.add(summary(map.name(), map.entries(), map.capacity(), map.id(), map.holds()));
        }
      }
      output.print(Listing.of(maps, List.of("map", "entries", "capacity", "id", "holds")));
      return ExitCode.OK.code();
    }

    private static JsonNode summary(String name, int entries, int capacity, int id, String holds) {
      ObjectNode map = JsonNodeFactory.instance.objectNode().put("map", name);
      putIf(entries >= 0, "entries", entries, map);
      putIf(capacity != 0, "capacity", capacity, map);
      putIf(id != 0, "id", id, map);
      return map.put("holds", holds);
    }

    private static void putIf(boolean isKnown, String member, int value, ObjectNode map) {
      if (isKnown) {
        map.put(member, value);
      }
    }
  }

  @Command(
      name = "dump",
      description = "Prints the entries of one map; in JSON, counts and ids are numbers.",
      mixinStandardHelpOptions = true)
  static final class DumpCommand implements Callable<Integer> {
    /** Columns of counts, numbers and ids of the kernel, which are up to 64 bits without a sign. */
    private static final Set<String> NUMBERS =
        Set.of(
            "count",
            "opening",
            "slot",
            "port",
            "port4",
            "port6",
            "ifindex",
            "pid",
            "schema",
            "netns_cookie",
            "host_netns_cookie",
            "socket_cookie",
            "cgroup_id");

    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private OutputOption output = new OutputOption();

    @Parameters(paramLabel = "NAME", description = "Name of the map, as `maps list` shows it.")
    private String map = "";

    @Override
    public Integer call() {
      MapDump dump =
          askLiving(target, new AdminRequest("dump", map, false))
              .flatMap(answer -> answer.stream().findFirst())
              .map(DumpCommand::decode)
              .or(() -> new MapCatalogue(target.pins()).dump(map))
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "no map '" + map + "' is pinned; see `sluice node maps list`"));
      output.print(
          Listing.of(
              dump.rows().stream().map(row -> entry(dump.columns(), row)).toList(),
              dump.columns()));
      return ExitCode.OK.code();
    }

    private static JsonNode entry(List<String> columns, List<String> row) {
      ObjectNode entry = JsonNodeFactory.instance.objectNode();
      for (int i = 0; i < columns.size(); i++) {
        String cell = row.get(i);
        if (NUMBERS.contains(columns.get(i))) {
          if (!cell.equals("-")) {
            entry.put(columns.get(i), new BigInteger(cell));
          }
        } else {
          entry.put(columns.get(i), cell);
        }
      }
      return entry;
    }

    private static MapDump decode(JsonNode answer) {
      List<List<String>> rows = new ArrayList<>();
      answer.path("rows").forEach(row -> rows.add(texts(row)));
      return new MapDump(answer.path("map").asText(), texts(answer.path("columns")), rows);
    }

    private static List<String> texts(JsonNode array) {
      List<String> texts = new ArrayList<>();
      array.forEach(text -> texts.add(text.asText()));
      return texts;
    }
  }

  /** The daemon's answer; empty when none runs but its pins are there. */
  private static Optional<List<JsonNode>> askLiving(NodeTarget target, AdminRequest request) {
    try {
      return Optional.of(target.client().ask(request));
    } catch (IOException e) {
      if (NodeTarget.isDenied(e)) {
        throw target.silence(e);
      }
      if (Paths.isDenied(target.pins().path())) {
        throw new IllegalStateException(
            "permission denied: run as root, who alone may see the maps of node '"
                + target.name()
                + "'",
            e);
      }
      if (!target.pins().exists()) {
        throw new IllegalStateException(
            "node '"
                + target.name()
                + "' has neither a running daemon nor pinned maps; start its daemon, or name another"
                + " by --node-name",
            e);
      }
      return Optional.empty();
    }
  }
}
