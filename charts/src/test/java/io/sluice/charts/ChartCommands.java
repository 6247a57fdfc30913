package io.sluice.charts;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.kubernetes.StoringApiServer;
import java.io.PrintWriter;
import java.io.StringWriter;

/** The commands of the chart as they are typed, and what the last of them printed. */
final class ChartCommands {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /** A cluster to install in. */
  static StoringApiServer started() {
    try {
      return new StoringApiServer();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Runs one with the chart of this tree, and returns its exit code. */
  int run(String line) {
    return runBare(line + " --chart " + Chart.FOLDER);
  }

  /** Runs one that takes no chart, and returns its exit code. */
  int runBare(String line) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return ChartCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(line.split(" "));
  }

  String out() {
    return out.toString();
  }

  String err() {
    return err.toString();
  }

  /** A workload as if the cluster's controllers had done their work at once. */
  static ObjectNode ready(ObjectNode object) {
    ObjectNode status = object.withObject("/status");
    status.put("observedGeneration", object.at("/metadata/generation").asLong());
    if (object.path("kind").asText().equals("DaemonSet")) {
      status.put("desiredNumberScheduled", 2).put("updatedNumberScheduled", 2);
      status.put("numberReady", 2);
    } else if (object.path("kind").asText().equals("Deployment")) {
      status.put("updatedReplicas", 1).put("availableReplicas", 1);
    }
    return object;
  }

  /** As {@link #ready}, but no node's daemon starts. */
  static ObjectNode readyButNodes(ObjectNode object) {
    return object.path("kind").asText().equals("DaemonSet") ? object : ready(object);
  }
}
