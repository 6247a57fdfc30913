package io.sluice.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.folder.FolderRegistry;
import io.sluice.control.registry.RegistryStatus;
import io.sluice.lab.site.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Reason;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoRegistryTest {
  private final DemoPlan plan = new DemoPlan("demo", 1);
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;
  private volatile RegistryStatus status = RegistryStatus.EMPTY;

  @TempDir Path folder = Path.of("");
  private DemoRegistry registry = new DemoRegistry(plan, folder);

  @BeforeEach
  void write() {
    registry = new DemoRegistry(plan, folder);
    registry.write();
  }

  @Test
  void isUnderstoodAsAWhole() {
    try (FolderRegistry reader = read()) {
      assertThat(reader.status().problems()).isEmpty();
      assertThat(snapshot.workloads()).hasSize(DemoPod.enrolled().size());
    }
  }

  @Test
  void letsBuyerReachTheStoreAndNobodyElse() {
    try (FolderRegistry reader = read()) {
      assertThat(reason(DemoPod.BUYER)).isEqualTo(Reason.TRAFFIC_TARGET);
      assertThat(reason(DemoPod.THIEF)).isEqualTo(Reason.NO_TRAFFIC_TARGET);
    }
  }

  @Test
  void followsItsOwnChanges() throws InterruptedException {
    try (FolderRegistry reader = read()) {
      registry.grantThief();
      assertThat(soon(() -> reason(DemoPod.THIEF) == Reason.TRAFFIC_TARGET)).isTrue();
      registry.revokeThief();
      assertThat(soon(() -> reason(DemoPod.THIEF) == Reason.NO_TRAFFIC_TARGET)).isTrue();
      registry.permissive(true);
      assertThat(soon(() -> reason(DemoPod.THIEF) == Reason.PERMISSIVE_MODE)).isTrue();
    }
  }

  @Test
  void saysWhereTheBrokenFileIsBroken() throws InterruptedException {
    try (FolderRegistry reader = read()) {
      registry.breakPolicy();

      String place = DemoRegistry.POLICY + ".yaml:" + DemoRegistry.BROKEN_LINE + ":";
      assertThat(soon(() -> status.problems().toString().contains(place))).isTrue();
      assertThat(reason(DemoPod.BUYER)).isEqualTo(Reason.TRAFFIC_TARGET);
    }
  }

  private FolderRegistry read() {
    FolderRegistry reader = new FolderRegistry(folder, next -> status = next);
    reader.start(next -> snapshot = next);
    return reader;
  }

  private Reason reason(DemoPod from) {
    Flow flow =
        new Flow(
            NamespacedName.parse(from.meshName()),
            new InetSocketAddress(from.address(IpFamily.IPV4), 40_000),
            new InetSocketAddress(DemoPod.STORE_V1.address(IpFamily.IPV4), DemoPlan.STORE_PORT));
    return Decisions.decide(snapshot, flow).reason();
  }

  private static boolean soon(Await.Condition<RuntimeException> condition)
      throws InterruptedException {
    return Await.until(Duration.ofSeconds(10), condition);
  }
}
