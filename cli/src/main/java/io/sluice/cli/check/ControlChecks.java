package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.mesh.Release;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/** The controller of this machine, and how the node follows its own. */
final class ControlChecks {
  /** Longer than a controller is quiet to a node that follows it. */
  private static final int OLD_SECONDS = 300;

  private ControlChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("controller", ControlChecks::controller),
        new Check("nodes of the controller", ControlChecks::nodes),
        new Check("replica", ControlChecks::replica),
        new Check("snapshot", ControlChecks::snapshot));
  }

  private static JsonNode status(Facts facts) throws NotThereException {
    JsonNode controller = facts.of(Topic.CONTROLLER);
    if (controller.has("silence")) {
      throw new NotThereException("no controller answers");
    }
    return controller;
  }

  private static void controller(Facts facts, Sink found) throws NotThereException {
    JsonNode controller = facts.of(Topic.CONTROLLER);
    if (controller.has("silence")) {
      if (facts.isBefore()) {
        throw new NotThereException("no controller answers, nor has to before an install");
      }
      found.add(Code.CONTROLLER_SILENT, "controller", controller.path("silence").asText());
      return;
    }
    if (!controller.path("registryComplete").asBoolean(true)) {
      found.add(
          Code.REGISTRY_INCOMPLETE,
          "controller",
          "revision " + controller.path("registryRevision").asText());
    }
    controller.path("refusals").properties().stream()
        // A node that lost its connection calls again before the controller has noticed.
        .filter(one -> !one.getKey().equals(RefusalReason.SUPERSEDED.label()))
        .forEach(
            one -> found.add(Code.CALLS_REFUSED, one.getKey(), one.getValue().asText() + " calls"));
    controller
        .path("notDistributed")
        .forEach(one -> found.add(Code.NOT_DISTRIBUTED, "controller", one.asText()));
    String authority = controller.path("authority").asText("ready");
    if (!authority.equals("ready")) {
      found.add(
          Code.AUTHORITY_FAILS,
          "authority",
          authority + ": " + controller.path("authorityDetail").asText());
    }
    String end = controller.path("certificateEnd").asText("none");
    if (!end.equals("none") && Instant.parse(end).isBefore(facts.now())) {
      found.add(Code.CONTROLLER_CERTIFICATE, "controller", "it ended " + end);
    }
    String rotation = controller.path("rotation").asText();
    String phase = rotation.toLowerCase(Locale.ROOT);
    if (phase.startsWith("distributing") || phase.startsWith("using")) {
      found.add(Code.ROTATION, "controller", rotation);
    }
  }

  private static void nodes(Facts facts, Sink found) throws NotThereException {
    JsonNode controller = status(facts);
    for (var each : controller.path("nodes").properties()) {
      JsonNode node = each.getValue();
      String subject = "node " + each.getKey();
      if (!node.path("connected").asBoolean(true)) {
        found.add(Code.NODE_GONE, subject, "since " + node.path("since").asText());
        continue;
      }
      node.path("problems").forEach(one -> found.add(Code.NODE_REFUSES, subject, one.asText()));
      String software = node.path("software").asText();
      if (!software.isEmpty() && !software.endsWith(Release.VERSION)) {
        found.add(Code.NODE_VERSION, subject, software + ", this is " + Release.VERSION);
      }
      if (node.path("pendingRevision").asLong() != 0) {
        found.add(
            Code.NODE_BEHIND,
            subject,
            "revision %s, told of %s"
                .formatted(node.path("revision").asText(), node.path("pendingRevision").asText()));
      }
    }
  }

  private static void replica(Facts facts, Sink found) throws NotThereException {
    JsonNode controller = status(facts);
    if (controller.path("leaseHolder").asText().equals("nobody known")) {
      found.add(
          Code.LEASE_NOBODY, "replica " + controller.path("replica").asText(), "nobody known");
    }
    controller
        .path("replicaProblems")
        .forEach(one ->
            found.add(
                Code.REPLICA_PROBLEM,
                "replica " + controller.path("replica").asText(),
                one.asText()));
  }

  private static void snapshot(Facts facts, Sink found) throws NotThereException {
    JsonNode status = facts.of(Topic.STATUS);
    String node = "node " + status.path("node").asText();
    String from = status.path("snapshotFrom").asText();
    long age = status.path("snapshotAgeSeconds").asLong();
    if (from.equals("none yet")) {
      found.add(Code.SNAPSHOT_NONE, node, status.path("snapshotProblem").asText());
    } else if (!status.path("controllerFollowed").asBoolean(true) && age > OLD_SECONDS) {
      found.add(Code.SNAPSHOT_OLD, node, "from " + from + ", " + age + " s old");
    }
    IdentityChecks.said(status, "snapshotStoreProblem", Code.SNAPSHOT_STORE, node, found);
    if (!from.equals("none yet")) {
      IdentityChecks.said(status, "snapshotProblem", Code.SNAPSHOT_PROBLEM, node, found);
    }
    status.path("refusedChange").forEach(one -> found.add(Code.CHANGE_REFUSED, node, one.asText()));
    if (!status.path("snapshotComplete").asBoolean(true)) {
      found.add(Code.SNAPSHOT_PART, node, "revision " + status.path("snapshotRevision").asText());
    }
  }
}
