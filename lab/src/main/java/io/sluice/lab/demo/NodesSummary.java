package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.lab.traffic.SteadyTraffic.Counts;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;

/**
 * The figures of a run on two nodes, read before anything is removed.
 *
 * @param figures of both nodes together; their memory added, the slower start
 * @param certificates of both nodes, as their daemons tell
 * @param wire what was heard between the nodes
 * @param duringRotation traffic while the root changed
 * @param withoutController traffic while no controller ran
 */
record NodesSummary(
    DemoSummary figures,
    List<JsonNode> certificates,
    Wire wire,
    Counts duringRotation,
    Counts withoutController) {
  static final Counts NO_TRAFFIC = new Counts(0, 0, 0, 0, 0, 0, 0, List.of());

  /** Of a run that came to nothing. */
  static final NodesSummary NOTHING =
      new NodesSummary(DemoSummary.NOTHING, List.of(), Wire.SILENT, NO_TRAFFIC, NO_TRAFFIC);

  /**
   * What the wire between the nodes told.
   *
   * @param frames heard until it was looked at
   * @param streams of HBONE in them, each direction one
   * @param tlsOnly whether those were TLS and nothing else
   * @param heardWithTls whether what the buyer said was heard
   * @param heardInTheClear the same with mutual TLS off
   */
  record Wire(
      long frames, int streams, boolean tlsOnly, boolean heardWithTls, boolean heardInTheClear) {
    static final Wire SILENT = new Wire(0, 0, false, false, false);

    Wire inTheClear(boolean heard) {
      return new Wire(frames, streams, tlsOnly, heardWithTls, heard);
    }
  }

  NodesSummary {
    certificates = List.copyOf(certificates);
  }

  static NodesSummary of(NodesRun run) throws IOException {
    return new NodesSummary(
        run.figures(),
        run.certificates(),
        run.traffic().heard(),
        run.life().duringRotation(),
        run.life().withoutController());
  }

  /** The certificates, for people. */
  void print(PrintWriter out) {
    out.println();
    out.println("Certificates of both nodes");
    new Listing(
            List.of("identity", "serial", "not after", "root"),
            certificates.stream()
                .map(entry ->
                    List.of(
                        entry.path("identity").asText(),
                        entry.path("serial").asText(),
                        entry.path("notAfter").asText(),
                        entry.path("rootId").asText()))
                .toList())
        .print(OutputFormat.table, out);
    out.println();
  }

  /** The report for programs. */
  ObjectNode json(DemoMode mode, DemoReport report, Duration took) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("nodes", 2);
    DemoSummary.putRun(json, mode, report, took);
    figures.putFigures(json);
    json.putArray("certificates").addAll(certificates);
    json.putObject("wire")
        .put("frames", wire.frames)
        .put("streams", wire.streams)
        .put("tlsOnly", wire.tlsOnly)
        .put("canaryHeard", wire.heardWithTls)
        .put("canaryHeardInTheClear", wire.heardInTheClear);
    put(json.putObject("rotation"), duringRotation);
    put(json.putObject("withoutController"), withoutController);
    DemoSummary.putSteps(json, report);
    return json;
  }

  private static void put(ObjectNode json, Counts counts) {
    json.put("answered", counts.answered())
        .put("failed", counts.failed())
        .put("perSecond", Math.round(counts.perSecond()))
        .put("held", counts.held())
        .put("heldFailed", counts.heldFailed());
    ArrayNode failures = json.putArray("failures");
    counts.failures().forEach(failures::add);
  }
}
