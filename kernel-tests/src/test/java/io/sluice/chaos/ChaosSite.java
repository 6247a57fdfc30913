package io.sluice.chaos;

import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.lab.site.Await;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;

/** A cluster, its controller and nodes, and the links between them. For one thread. */
final class ChaosSite implements AutoCloseable {
  private static final Duration START_PATIENCE = Duration.ofSeconds(60);

  final ClusterHistory history = new ClusterHistory();
  final FakeCluster cluster;
  final FaultyLink apiLink;
  final ControllerLife controller;
  final List<NodeLife> nodes;

  /**
   * Nothing runs yet but the API server.
   *
   * @param home an empty directory; logs and states stay there
   */
  ChaosSite(Path home, int nodeCount) throws Exception {
    cluster = new FakeCluster(history);
    apiLink = new FaultyLink(cluster::port);
    Path controllerHome = ControllerLife.home(home);
    cluster.access(controllerHome.resolve(ControllerProgram.ACCOUNT), apiLink.port());
    controller = new ControllerLife(controllerHome, apiLink.port());
    nodes =
        IntStream.rangeClosed(1, nodeCount)
            .mapToObj(number -> new NodeLife(home, "edge" + number, controller::port))
            .toList();
  }

  /** Starts everything; every node has joined when it returns. */
  void start() {
    controller.start();
    Await.until("the controller serves", START_PATIENCE, () -> controller.port() != 0);
    for (NodeLife node : nodes) {
      node.giveToken(controller.token(node.name()));
      node.start();
    }
    for (NodeLife node : nodes) {
      Await.until(
          node.name() + " has what the controller told it, on its disk too",
          START_PATIENCE,
          () -> node.onDisk().isPresent());
    }
  }

  @Override
  public void close() {
    nodes.forEach(NodeLife::close);
    controller.kill();
    apiLink.close();
    cluster.close();
  }
}
