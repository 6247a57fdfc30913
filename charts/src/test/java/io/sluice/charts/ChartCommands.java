package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.lab.site.Commands;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The commands of the chart as they are typed, and what the last of them printed. */
final class ChartCommands {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /** A cluster to install in; its default storage class is {@code usual}. */
  static FakeCluster started() {
    try {
      FakeCluster cluster = new FakeCluster();
      storageClass(cluster, "usual", true);
      return cluster;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Gives a cluster what {@code install} makes, all of it ready: made once for all tests. */
  static void giveTheMesh(FakeCluster cluster) {
    cluster.onWrite = ChartCommands::ready;
    giveTheMeshAsItIs(cluster);
  }

  /** As {@link #giveTheMesh}, ready as far as the cluster's controllers make it. */
  static void giveTheMeshAsItIs(FakeCluster cluster) {
    cluster.takeAllOf(Installed.CLUSTER);
  }

  private static final class Installed {
    static final FakeCluster CLUSTER = install();

    private static FakeCluster install() {
      ChartCommands commands = new ChartCommands();
      try (FakeCluster cluster = started()) {
        Path home = Files.createTempDirectory("installed");
        assertThat(commands.run("install --kubeconfig " + cluster.kubeconfig(home)))
            .as(commands.err())
            .isZero();
        Commands.run("rm", "-r", home.toString());
        return cluster; // whose objects stay
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  static void storageClass(FakeCluster cluster, String name, boolean isDefault) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.put("apiVersion", "storage.k8s.io/v1").put("kind", "StorageClass");
    object
        .putObject("metadata")
        .put("name", name)
        .putObject("annotations")
        .put("storageclass.kubernetes.io/is-default-class", Boolean.toString(isDefault));
    cluster.put("/apis/storage.k8s.io/v1/storageclasses/" + name, object);
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
      status.put("updatedReplicas", 1).put("availableReplicas", 1).put("readyReplicas", 1);
    } else if (object.path("kind").asText().equals("PersistentVolumeClaim")) {
      object.withObject("/spec").put("volumeName", "volume-of-the-test");
    } else if (object.path("kind").asText().equals("MeshConfig")) {
      status
          .putArray("conditions")
          .addObject()
          .put("type", "Programmed")
          .put("status", "True")
          .put("observedGeneration", object.at("/metadata/generation").asLong());
    }
    return object;
  }

  /** As {@link #ready}, but no node's daemon starts. */
  static ObjectNode readyButNodes(ObjectNode object) {
    return object.path("kind").asText().equals("DaemonSet") ? object : ready(object);
  }
}
