package io.sluice.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.StringValue;
import io.sluice.lab.site.Await;
import io.sluice.mesh.Codec;
import io.sluice.mesh.Kind;
import io.sluice.mesh.Kind.Index;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.identity.control.ControllerClient;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a new kind costs: the members of this class, and nothing between them. */
class SampleKindTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** The record. */
  record Quota(String name, String of) implements MeshObject {
    static final Index<Quota, String> BY_WHOM =
        new Index<>(quota -> List.of(quota.of()), Comparator.comparing(Quota::name));

    /** The constant, with the message, which is one of protobuf's own. */
    static final Kind<Quota> KIND =
        new Kind<>(
            "quota",
            Quota::name,
            Codec.of(
                StringValue.getDefaultInstance(),
                quota -> StringValue.of(quota.name() + "=" + quota.of()),
                (message, checks) -> parse(message.getValue())),
            List.of(BY_WHOM));

    private static Quota parse(String text) {
      return new Quota(text.substring(0, text.indexOf('=')), text.substring(text.indexOf('=') + 1));
    }

    @Override
    public Kind<Quota> kind() {
      return KIND;
    }
  }

  /** The stage of the compiler: each enrolled pod has one. */
  private static void compile(MeshSnapshot snapshot, SnapshotEditor editor) {
    snapshot
        .workloads()
        .forEach(pod -> editor.put(new Quota("of-" + pod.name().name(), pod.name().name())));
  }

  @TempDir private Path home;
  private final List<MeshSnapshot> read = new CopyOnWriteArrayList<>();

  @Test
  @Timeout(120)
  void reachesTheReadersOfANodeWithItsIndexAndItsDifferences() throws Exception {
    try (ControlledSite site = new ControlledSite(home, SampleKindTest::compile)) {
      JoinedNode node = JoinedNode.of(site, "edge1");
      try (ControllerClient client = node.calling(site.addresses().getFirst());
          ControllerSnapshots source =
              new ControllerSnapshots(
                  client,
                  Optional.empty(),
                  InstantSource.system(),
                  "",
                  Stream.concat(Kind.ALL.stream(), Stream.of(Quota.KIND)).toList())) {
        source.start(read::add);
        MeshSnapshot first = read.getLast();
        assertThat(first.all(Quota.KIND)).containsExactly(new Quota("of-buyer", "buyer"));

        site.pod("store", "edge1");

        Await.until(
            "the second one",
            PATIENCE,
            () -> read.getLast().get(Quota.KIND, "of-store").isPresent());
        assertThat(read.getLast().find(Quota.KIND, Quota.BY_WHOM, "store")).hasSize(1);
        assertThat(read.getLast().since(first).of(Quota.KIND))
            .singleElement()
            .satisfies(change -> assertThat(change.before()).isEmpty());
        assertThat(source.status().refused()).isEmpty();
      }
    }
  }
}
