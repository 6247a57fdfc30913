package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapDump;
import io.sluice.interception.maps.MapSummary;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

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
        "entries: how many it holds; - where that cannot be counted",
        "capacity: how many it can hold; - where it has no bound",
        "id: the kernel's number of it; - where it has none",
        "holds: what is in it"
      })
  static final class ListCommand implements Callable<Integer> {
    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private NodeCommand.NodeOutput output = new NodeCommand.NodeOutput();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
      List<List<String>> rows = new ArrayList<>();
      Optional<List<JsonNode>> answer = askLiving(target, AdminRequest.of("maps"));
      if (answer.isPresent()) {
        for (JsonNode map : answer.get()) {
          rows.add(
              row(
                  map.path("map").asText(),
                  map.path("entries").asInt(),
                  map.path("capacity").asInt(),
                  map.path("id").asInt(),
                  map.path("holds").asText()));
        }
      } else {
        for (MapSummary map : new MapCatalogue(target.pins()).list()) {
          rows.add(row(map.name(), map.entries(), map.capacity(), map.id(), map.holds()));
        }
      }
      new Listing(List.of("map", "entries", "capacity", "id", "holds"), rows)
          .print(output.format(), spec.commandLine().getOut());
      return ExitCode.OK.code();
    }

    private static List<String> row(String name, int entries, int capacity, int id, String holds) {
      return List.of(
          name,
          entries < 0 ? "-" : "" + entries,
          capacity == 0 ? "-" : "" + capacity,
          id == 0 ? "-" : "" + id,
          holds);
    }
  }

  @Command(
      name = "dump",
      description = "Prints the entries of one map.",
      mixinStandardHelpOptions = true)
  static final class DumpCommand implements Callable<Integer> {
    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private NodeCommand.NodeOutput output = new NodeCommand.NodeOutput();

    @Parameters(paramLabel = "NAME", description = "Name of the map, as `maps list` shows it.")
    private String map = "";

    @Spec private CommandSpec spec = CommandSpec.create();

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
      new Listing(dump.columns(), dump.rows()).print(output.format(), spec.commandLine().getOut());
      return ExitCode.OK.code();
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
