package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.mesh.decision.Reason;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What the node's daemon says of itself, its pods and what it refused. */
final class DaemonChecks {
  /** Refusals that point at something; the others are what policy is for, or are told elsewhere. */
  private static final Map<Reason, Code> REFUSALS =
      new EnumMap<>(
          Map.of(
              Reason.NO_TRAFFIC_TARGET, Code.SEEN_NO_TARGET,
              Reason.PROTOCOL_MISMATCH, Code.SEEN_PROTOCOL,
              Reason.UPSTREAM_REFUSED, Code.SEEN_UPSTREAM,
              Reason.POD_CLOSED, Code.SEEN_CLOSED,
              Reason.DNS_REFUSED, Code.SEEN_DNS,
              Reason.EGRESS_DISABLED, Code.SEEN_EGRESS,
              Reason.MTLS_REQUIRED, Code.SEEN_PLAINTEXT,
              Reason.METADATA_REFUSED, Code.SEEN_METADATA,
              Reason.HTTP_ONLY, Code.SEEN_HTTP_ONLY));

  private DaemonChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("daemon", DaemonChecks::presence),
        new Check("state of the daemon", DaemonChecks::state),
        new Check("limits of the daemon", DaemonChecks::limits),
        new Check("maps", DaemonChecks::maps),
        new Check("pods of the node", DaemonChecks::pods),
        new Check("refused connections", DaemonChecks::refusals),
        new Check("nodes on this machine", DaemonChecks::nodes));
  }

  private static void presence(Facts facts, Sink found) throws NotThereException {
    try {
      facts.of(Topic.STATUS);
    } catch (NotThereException e) {
      String why = String.valueOf(e.getMessage());
      if (names(facts.of(Topic.PINS), "").contains(facts.node())
          || names(facts.of(Topic.DAEMONS), "/node").contains(facts.node())) {
        found.add(Code.DAEMON_SILENT, "daemon", why);
      } else if (!facts.isBefore()) {
        found.add(Code.DAEMON_ABSENT, "daemon", why);
      }
    }
  }

  private static Set<String> names(JsonNode nodes, String field) {
    Set<String> names = new HashSet<>();
    nodes.forEach(node -> names.add(node.at(field).asText()));
    return names;
  }

  private static void state(Facts facts, Sink found) throws NotThereException {
    JsonNode status = facts.of(Topic.STATUS);
    String node = "node " + status.path("node").asText();
    if (!status.path("ready").asBoolean(true)) {
      found.add(Code.DAEMON_NOT_READY, node, status.path("missing").asText());
    }
    for (String direction : List.of("outbound", "inbound")) {
      if (status.path(direction + "Mode").asText().equals("iptables")) {
        found.add(
            Code.MODE_IPTABLES,
            node,
            direction + ": " + status.path(direction + "Reason").asText());
      }
    }
    if (status.path("failOpen").asBoolean()) {
      found.add(Code.FAIL_OPEN, node, "failOpen is true");
    }
    String retirement = status.path("retirement").asText("NONE");
    if (!retirement.equals("NONE")) {
      found.add(Code.RETIREMENT, node, retirement.toLowerCase(Locale.ROOT));
    }
  }

  private static void limits(Facts facts, Sink found) throws NotThereException {
    JsonNode status = facts.of(Topic.STATUS);
    nearly(status, "connectionsLive", "connectionsLimit", Code.CONNECTIONS_MANY, found);
    nearly(status, "bufferedBytes", "bufferedBytesLimit", Code.BUFFERS_MANY, found);
  }

  private static void nearly(JsonNode status, String used, String most, Code code, Sink found) {
    long now = status.path(used).asLong();
    long limit = status.path(most).asLong();
    if (limit > 0 && now > limit * 0.9) {
      found.add(code, "node " + status.path("node").asText(), now + " of " + limit);
    }
  }

  private static void maps(Facts facts, Sink found) throws NotThereException {
    for (JsonNode map : facts.of(Topic.MAPS)) {
      long entries = map.path("entries").asLong();
      long capacity = map.path("capacity").asLong();
      String seen = entries + " of " + capacity + " entries";
      if (capacity > 1 && isFilledByUse(map.path("map").asText())) {
        if (entries >= capacity) {
          found.add(Code.MAP_FULL, "map " + map.path("map").asText(), seen);
        } else if (entries > capacity * 0.9) {
          found.add(Code.MAP_NEARLY_FULL, "map " + map.path("map").asText(), seen);
        }
      }
    }
  }

  /** Others are arrays, which have all their entries from the start, or drop what is oldest. */
  private static boolean isFilledByUse(String map) {
    return map.equals("pods") || map.contains("rules") || map.contains("ranges");
  }

  private static void pods(Facts facts, Sink found) throws NotThereException {
    for (JsonNode pod : facts.of(Topic.PODS)) {
      String name = "Pod " + pod.path("pod").asText();
      String problem = pod.path("problem").asText();
      String protection = pod.path("protection").asText();
      if (pod.path("state").asText().equals("pending")) {
        found.add(Code.POD_PENDING, name, problem);
      } else if (protection.equals("not protected")) {
        found.add(Code.POD_NOT_PROTECTED, name, problem);
      } else if (protection.equals("refused")) {
        found.add(Code.POD_REFUSED, name, problem);
      } else {
        IdentityChecks.said(pod, "problem", Code.POD_PROBLEM, name, found);
      }
      int earlier = pod.path("earlierConnections").asInt();
      if (earlier > 0) {
        found.add(Code.POD_EARLIER, name, earlier + " connections");
      }
    }
  }

  private static void refusals(Facts facts, Sink found) throws NotThereException {
    for (Map.Entry<Reason, Code> one : REFUSALS.entrySet()) {
      int count = 0;
      JsonNode last = null;
      for (JsonNode event : facts.of(Topic.EVENTS)) {
        if (event.path("reason").asText().equals(one.getKey().label())) {
          count++;
          last = event;
        }
      }
      if (last != null) {
        found.add(
            one.getValue(),
            one.getKey().label(),
            "%d of the events kept; the last: %s, %s to %s, %s"
                .formatted(
                    count,
                    last.path("pod").asText(),
                    last.path("source").asText(),
                    last.path("destination").asText(),
                    last.path("time").asText()));
      }
    }
  }

  private static void nodes(Facts facts, Sink found) throws NotThereException {
    JsonNode pins = facts.of(Topic.PINS);
    if (pins.size() > 1) {
      found.add(Code.SEVERAL_NODES, "machine", "pins of " + pins);
    }
  }
}
