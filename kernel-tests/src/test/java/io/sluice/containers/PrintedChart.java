package io.sluice.containers;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.architecture.SourceTree;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.lab.site.Commands;
import java.util.ArrayList;
import java.util.List;

/** The objects of a release, as {@code ./sluice install --print} has them. */
final class PrintedChart {
  private PrintedChart() {}

  /** With values, each as {@code KEY=VALUE}, on a node without a kind of its own. */
  static List<ObjectNode> objects(List<String> values) {
    String sluice = SourceTree.around().root().resolve("sluice").toString();
    Commands.run(sluice, "build"); // says so where there is something to build
    List<String> command = new ArrayList<>(List.of(sluice, "install", "--print", "--skip-tests"));
    values.forEach(value -> command.addAll(List.of("--set", value)));
    return ClusterHistory.parse(Commands.run(command.toArray(String[]::new)));
  }
}
