package io.sluice.node.fastpath;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.FastPathTable;
import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.GrantValue.GrantEndpoint;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.FakeKernel;
import io.sluice.linux.netns.FakeNamespaces;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.mesh.MeshSnapshot;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a kernel in memory. */
class FastPathKeeperTest {
  private static final InetSocketAddress CALLED = new InetSocketAddress("10.1.0.7", 8080);
  private static final Map<GrantKey, GrantValue> OF_BEFORE =
      Map.of(new GrantKey(1, CALLED), new GrantValue(List.of(new GrantEndpoint(2, CALLED))));

  @AutoClose
  private final NetnsThread thread = new NetnsThread("test-netns", new FakeNamespaces(true), 16);

  @TempDir private Path directory;
  private FastPathTable table;

  @BeforeEach
  void grant() {
    PinDirectory pins = new PinDirectory(directory.resolve("node"));
    table = new FastPathTable(SluiceMaps.openOrCreate(new FakeKernel(), pins));
    table.grant(OF_BEFORE);
  }

  @Test
  void grantsThatCannotBeJudgedAreTakenAway() throws Exception {
    try (FastPathKeeper keeper =
        new FastPathKeeper(
            table,
            true,
            () -> {
              throw new IllegalStateException("no pods");
            },
            _ -> Optional.empty(),
            thread,
            (_, _) -> {},
            _ -> {})) {
      keeper.publish(MeshSnapshot.EMPTY);

      keeper.look(true);

      assertThat(table.grants()).isEmpty();
    }
  }
}
