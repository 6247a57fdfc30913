package io.sluice.control.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotEditor;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ObjIntConsumer;
import org.junit.jupiter.api.Test;

/** In processor time of the thread, since other work on the machine is not the controller's. */
class DistributionCostTest {
  /** For the set, and for what each of a hundred nodes is sent of it. */
  private static final Duration LONGEST = Duration.ofMillis(5);

  private static final int WARM_UP = 100;
  private static final int CHANGES = 101;
  private static final int CHANGED = 77;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final ResourceSets sets = new ResourceSets();
  private MeshSnapshot snapshot = LargeMesh.snapshot();
  private ResourceSet set = sets.next(snapshot);

  @Test
  void followsTheChangeAndNotTheCluster() {
    assertThat(median((editor, version) -> editor.put(LargeMesh.permission(CHANGED, version))))
        .as("a permission has other sources")
        .isLessThanOrEqualTo(LONGEST);
    assertThat(median((editor, version) -> editor.put(LargeMesh.pod(CHANGED, 0, "v" + version))))
        .as("a pod has another label")
        .isLessThanOrEqualTo(LONGEST);
  }

  /** Of changes that each differ from the one before, with all deltas that they lead to. */
  private Duration median(ObjIntConsumer<SnapshotEditor> change) {
    long[] nanos = new long[CHANGES];
    for (int i = -WARM_UP; i < CHANGES; i++) {
      SnapshotEditor editor = snapshot.edit();
      change.accept(editor, WARM_UP + 1 + i);
      snapshot = editor.snapshot(snapshot.revision() + 1);
      Map<String, View> held = views();
      long before = THREADS.getCurrentThreadCpuTime();
      set = sets.next(snapshot);
      int told = 0;
      for (Map.Entry<String, View> node : held.entrySet()) {
        View to = set.viewOf(node.getKey());
        told += Delta.between(node.getValue(), to).isEmpty() ? 0 : 1;
      }
      if (i >= 0) {
        nanos[i] = THREADS.getCurrentThreadCpuTime() - before;
      }
      assertThat(told).isPositive();
    }
    Arrays.sort(nanos);
    return Duration.ofNanos(nanos[CHANGES / 2]);
  }

  private Map<String, View> views() {
    Map<String, View> views = new HashMap<>();
    for (int node = 0; node < LargeMesh.NODES; node++) {
      views.put(LargeMesh.node(node), set.viewOf(LargeMesh.node(node)));
    }
    return views;
  }

  @Test
  void nodesShareAllButWhatIsTheirOwn() {
    View first = set.viewOf(LargeMesh.node(0));
    long own = 0;
    for (View view : views().values()) {
      assertThat(view.base()).isSameAs(first.base());
      own += view.overlay().size();
    }

    assertThat(first.base().size()).isGreaterThanOrEqualTo(LargeMesh.PODS + LargeMesh.SERVICES);
    assertThat(own).as("pods, permissions, callable services").isLessThan(10L * LargeMesh.PODS);
  }
}
