package io.sluice.chaos;

import io.sluice.chaos.FaultyLink.Mode;
import io.sluice.node.fault.FaultPoint;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** What happens to links and processes of a site. */
final class SiteFaults {
  private static final int LONGEST_PARTITION_MILLIS = 6_000;
  private static final int LONGEST_PAUSE_MILLIS = 4_000;
  private static final int LONGEST_AWAY_MILLIS = 5_000;
  private static final Duration TIME_TO_SAVE = Duration.ofSeconds(6);

  private final FaultyLink apiLink;
  private final ControllerLife controller;
  private final List<NodeLife> nodes;
  private final Random random;

  SiteFaults(FaultyLink apiLink, ControllerLife controller, List<NodeLife> nodes, Random random) {
    this.apiLink = apiLink;
    this.controller = controller;
    this.nodes = nodes;
    this.random = random;
  }

  /** The network between controller and API server fails, or between controller and nodes. */
  Fault ofLinks() {
    return switch (random.nextInt(4)) {
      case 0 -> ofLinks("link to the API server", List.of(apiLink));
      case 1 -> ofLinks("links of all nodes", nodes.stream().map(NodeLife::link).toList());
      default -> ofLinks("link of a node", List.of(anyNode().link()));
    };
  }

  private Fault ofLinks(String which, List<FaultyLink> links) {
    Mode mode = Mode.values()[random.nextInt(Mode.values().length)];
    if (mode == Mode.PASS) {
      return Fault.moment(which + ": cut", () -> links.forEach(FaultyLink::cut));
    }
    String what = mode.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    return new Fault(
        which + ": " + what,
        upTo(LONGEST_PARTITION_MILLIS),
        () -> {
          links.forEach(link -> link.set(mode));
          if (mode == Mode.REFUSE) {
            links.forEach(FaultyLink::cut);
          }
        },
        () -> links.forEach(link -> link.set(Mode.PASS)));
  }

  /** A process stands still for a while. */
  Fault pause() {
    boolean isController = random.nextBoolean();
    ChildJvm process = isController ? controller.process() : anyNode().process();
    return new Fault(
        (isController ? "controller" : "node") + ": stopped and continued",
        upTo(LONGEST_PAUSE_MILLIS),
        process::pause,
        process::resume);
  }

  /** The controller dies and comes back. */
  Fault deathOfController() {
    return new Fault(
        "controller: SIGKILL", upTo(LONGEST_AWAY_MILLIS), controller::kill, controller::start);
  }

  /** A node dies and comes back; now and then it dies again at its first save. */
  Fault deathOfNode() {
    NodeLife node = anyNode();
    if (random.nextInt(3) > 0) {
      return new Fault("node: SIGKILL", upTo(LONGEST_AWAY_MILLIS), node::kill, node::start);
    }
    FaultPoint point = random.nextBoolean() ? FaultPoint.SNAPSHOT_BEGUN : FaultPoint.SNAPSHOT_SAVED;
    return new Fault(
        "node: ends in a save, " + point.name().toLowerCase(Locale.ROOT).replace('_', ' '),
        TIME_TO_SAVE,
        () -> {
          node.kill();
          node.startToDieAt(point);
        },
        () -> {
          node.kill();
          node.start();
        });
  }

  private NodeLife anyNode() {
    return nodes.get(random.nextInt(nodes.size()));
  }

  private Duration upTo(int millis) {
    return Duration.ofMillis(random.nextInt(millis));
  }
}
