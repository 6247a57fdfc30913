package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.node.Publication.WantedIdentities;
import io.sluice.node.metrics.NodeMetrics;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/**
 * What a node does with a change costs the change and its own pods, not the mesh. Steps are counted
 * as the bytes that they allocate: each object that is looked at in a table costs an entry.
 */
class SnapshotReadersTest {
  private static final int FEW = 100;
  private static final int MANY = 10_000;
  private static final int HERE = 20;
  private static final int CHANGES = 50;

  /** Of an entry of a table, at least. */
  private static final int BYTES_OF_A_STEP = 16;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @Test
  void certificatesAreWantedByLookingAtOwnPods() {
    assertStepsDoNotGrow(() -> {
      WantedIdentities wanted = new WantedIdentities("here", (_, _) -> {}, List::of);
      return (_, now) -> wanted.publish(now);
    });
  }

  @Test
  void seriesEndByLookingAtWhatDiffers() {
    assertStepsDoNotGrow(() -> {
      AtomicReference<MeshSnapshot> inForce = new AtomicReference<>(MeshSnapshot.EMPTY);
      NodeMetrics metrics = new NodeMetrics(inForce::get);
      return (_, now) -> metrics.keepOnly(now);
    });
  }

  @Test
  void enrolmentFindsItsPodsByAnIndex() {
    assertStepsDoNotGrow(() -> (_, now) -> assertThat(now.workloadsOn("here")).hasSize(HERE));
  }

  @Test
  void whatDiffersIsFoundWithoutWhatIsShared() {
    assertStepsDoNotGrow(
        () -> (before, now) -> assertThat(now.since(before).workloads()).hasSize(1));
  }

  /** A reader of its own, of the snapshot before and the next one. */
  private interface Reader {
    BiConsumer<MeshSnapshot, MeshSnapshot> begin();
  }

  private static void assertStepsDoNotGrow(Reader reader) {
    long few = bytes(reader, FEW);
    long many = bytes(reader, MANY);

    // The way through a larger table has a level or two more; the whole would be 9,900 entries.
    assertThat(many - few).isLessThan((long) BYTES_OF_A_STEP * (MANY - FEW) / 10);
  }

  /** Of one change far away, with so many pods in the mesh; the median. */
  private static long bytes(Reader reader, int pods) {
    MeshSnapshot now = new MeshSnapshot(1, MeshSettings.CLOSED, mesh(pods), List.of(), List.of());
    BiConsumer<MeshSnapshot, MeshSnapshot> reading = reader.begin();
    reading.accept(mesh(now), now);
    List<Long> counted = new ArrayList<>();
    for (int change = 0; change < CHANGES; change++) {
      SnapshotEditor editor = now.edit();
      editor.put(pod(FEW / 2, "far", "v" + change));
      MeshSnapshot before = now;
      now = editor.snapshot(before.revision() + 1);
      long start = THREADS.getCurrentThreadAllocatedBytes();
      reading.accept(before, now);
      counted.add(THREADS.getCurrentThreadAllocatedBytes() - start);
    }
    return counted.stream().sorted().skip(CHANGES / 2).findFirst().orElseThrow();
  }

  /** The same but for the pod that changes. */
  private static MeshSnapshot mesh(MeshSnapshot of) {
    SnapshotEditor editor = of.edit();
    editor.put(pod(FEW / 2, "far", "first"));
    return editor.snapshot(0);
  }

  private static List<Workload> mesh(int pods) {
    List<Workload> all = new ArrayList<>();
    for (int i = 0; i < pods; i++) {
      all.add(pod(i, i < HERE ? "here" : "far-" + i / FEW, "v"));
    }
    return all;
  }

  private static Workload pod(int number, String node, String version) {
    return new Workload(
        new NamespacedName("shop", "pod-" + number),
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "account-" + number % FEW),
        List.of(IpAddresses.parse("10.1." + number / 256 + "." + number % 256)),
        Map.of("app", "pod-" + number, "version", version),
        true,
        null,
        null,
        node,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }
}
