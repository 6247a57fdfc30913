package io.sluice.kernel.site;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.InterceptionMode;
import io.sluice.node.NodeDaemon;
import io.sluice.node.NodeSettings;
import io.sluice.node.cni.CniOptions;
import io.sluice.node.enrolment.EarlierConnectionsRule;
import io.sluice.node.placement.PlacementSettings;
import io.sluice.node.store.ConfirmedSource;
import io.sluice.proxy.ProxySettings;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * A node daemon in a process of its own that follows a controller which never answers. Arguments:
 * those of {@code node run} for name, state, mode and metrics, each with its value.
 */
final class StoredNode {
  private StoredNode() {}

  public static void main(String[] arguments) throws Exception {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      given.put(arguments[i], arguments[i + 1]);
    }
    NodeSettings settings =
        new NodeSettings(
            given.get("--node-name"),
            Path.of(given.get("--state")),
            InterceptionMode.valueOf(given.get("--mode")),
            false,
            Set.of(),
            false,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            "access.log",
            Duration.ofSeconds(1),
            ProxySettings.DEFAULTS,
            PlacementSettings.DEFAULTS,
            EarlierConnectionsRule.BY_MODE,
            NodeSettings.PATH_CHECK_INTERVAL,
            CniOptions.OFF,
            null);
    try (NodeDaemon daemon = NodeDaemon.startStoredFirst(settings, stored -> new OutOfReach())) {
      new CountDownLatch(1).await(); // until it is killed
    }
  }

  /** A controller that nobody hears of. */
  private static final class OutOfReach implements ConfirmedSource {
    private final CountDownLatch closed = new CountDownLatch(1);

    @Override
    public void start(Consumer<MeshSnapshot> consumer) {
      try {
        closed.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public boolean isComplete() {
      return true; // as a follower would say that knows no better
    }

    @Override
    public Optional<Instant> confirmedAt() {
      return Optional.empty();
    }

    @Override
    public void close() {
      closed.countDown();
    }
  }
}
