package io.sluice.control.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonParser;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.registry.ObjectSource;
import io.sluice.control.registry.ObjectSource.ObjectBatch;
import io.sluice.control.registry.ObjectSource.ObjectChange;
import io.sluice.mesh.MeshSnapshot;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** What the registry keeps of pods as long as real ones: some 8 KB of JSON each. */
@Isolated("it measures the heap, which others use")
class RegistryMemoryTest {
  private static final int PODS = Integer.getInteger("sluice.memory.pods", 1_000);
  private static final long MOST_BYTES_PER_POD = 5_000;
  private static final int SAMPLES = 3;

  @Test
  void keepsFewerThanFiveKilobytesOfAPod() {
    retained(100); // loads the classes

    // The middle one: what tests before have left goes, or comes, meanwhile.
    long perPod =
        LongStream.generate(() -> retained(PODS) / PODS)
            .limit(SAMPLES)
            .sorted()
            .skip(SAMPLES / 2)
            .findFirst()
            .orElseThrow();

    System.getLogger(RegistryMemoryTest.class.getName())
        .log(System.Logger.Level.INFO, "registry_memory pods={0} bytes_per_pod={1}", PODS, perPod);
    assertThat(perPod).isBetween(200L, MOST_BYTES_PER_POD);
  }

  /** By how much the heap shrinks, in bytes, when objects and snapshot of so many pods go. */
  private static long retained(int pods) {
    List<Object> held = new ArrayList<>();
    hold(held, pods);
    long with = heap();
    held.clear();
    return with - heap();
  }

  /** In a frame of its own, which keeps nothing afterwards. */
  private static void hold(List<Object> held, int pods) {
    KindObjects kept = new KindObjects(ReadableKind.POD, 100_000);
    AtomicReference<MeshSnapshot> newest = new AtomicReference<>(MeshSnapshot.EMPTY);
    CompiledRegistry registry =
        new CompiledRegistry(new Given(kept, pods), CompilerSettings.USUAL, _ -> {});
    registry.start(newest::set);
    assertThat(newest.get()).isNotNull().matches(snapshot -> snapshot.workloads().size() == pods);
    held.addAll(List.of(kept, newest, registry));
  }

  private static long heap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** So many pods, as an API server would send them. */
  private record Given(KindObjects kept, int pods) implements ObjectSource {
    @Override
    public void start(Consumer<ObjectBatch> consumer) {
      List<ObjectChange> changes = new ArrayList<>();
      for (int i = 0; i < pods; i++) {
        changes.add(Objects.requireNonNull(kept.put(kept.read(received(i))).changeOrNull()));
      }
      consumer.accept(new ObjectBatch(changes, List.of(), List.of(), true, true));
    }

    @Override
    public void close() {
      // nothing is open
    }
  }

  private static YamlValue.Mapping received(int i) {
    String text =
        """
        {"metadata": {"name": "shop-frontend-7c9f8d6b5-%1$05d", "namespace": "team-%2$d",
          "uid": "3f6c1a52-5ad0-4f5c-9a4e-%1$012d", "resourceVersion": "%1$d",
          "labels": {"app.kubernetes.io/name": "shop-frontend", "app.kubernetes.io/part-of": "shop",
            "pod-template-hash": "7c9f8d6b5", "app": "shop-frontend-%3$d", "sluice.io/mesh": "enabled"},
          "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "%4$s"},
          "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:text": "%4$s"}}]},
         "spec": {"nodeName": "edge-%5$d", "serviceAccountName": "shop-frontend-%3$d",
          "containers": [{"name": "main", "image": "registry.example/shop/frontend:1.2.3",
            "env": [{"name": "LONG", "value": "%4$s"}],
            "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}}}]},
         "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
          "podIPs": [{"ip": "10.%6$d.%7$d.%8$d"}, {"ip": "fd00::%1$d"}],
          "containerStatuses": [{"imageID": "%4$s"}]}}
        """
            .formatted(
                i, i % 50, i % 200, "x".repeat(2_000), i % 100, i >> 16, (i >> 8) & 255, i & 255);
    try (JsonParser parser =
        JsonTree.parser(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))) {
      parser.nextToken();
      return JsonTree.object(parser);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
