package io.sluice.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.resources.v1.Workload;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Version;
import io.sluice.mesh.WireLimits;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.metrics.NodeMetrics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A change that the node cannot use, over the real stream. */
class UnusableChangeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String NEW_POD = "workload/shop/store";

  @TempDir private Path home;
  private final List<MeshSnapshot> delivered = new CopyOnWriteArrayList<>();

  /** What arrives in place of the new pod, and how the refusal begins. */
  enum Damage {
    WRONG_FIELD(
        resource -> withContent(resource, workload(resource).setIdentity("nobody").build()),
        "workload/shop/store identity: "),
    NO_MESSAGE(
        resource -> withContent(resource, ByteString.copyFromUtf8("no message")),
        "workload/shop/store: its content is no such message: "),
    OTHER_CONTENT(
        resource -> resource.toBuilder().setVersion("0" + resource.getVersion()).build(),
        "workload/shop/store: its version is not the hash of its content"),
    OTHER_NAME(
        resource -> withContent(resource, workload(resource).setName("bank").build()),
        "workload/shop/store name: the content is of workload/shop/bank"),
    TOO_LARGE(
        resource ->
            withContent(resource, ByteString.copyFrom(new byte[WireLimits.CONTENT_BYTES + 1])),
        "workload/shop/store: it takes 1048577 bytes, more than 1048576"),
    UNKNOWN_KIND(
        resource -> resource.toBuilder().setName("tunnel/shop/store").build(),
        "tunnel/shop/store kind: this release does not know it");

    private final UnaryOperator<Resource> how;
    private final String refusal;

    Damage(UnaryOperator<Resource> how, String refusal) {
      this.how = how;
      this.refusal = refusal;
    }

    private Resource applied(Resource resource) {
      return resource.getName().equals(NEW_POD) ? how.apply(resource) : resource;
    }
  }

  private static Workload.Builder workload(Resource resource) {
    try {
      return Workload.parseFrom(resource.getResource().getValue()).toBuilder();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static Resource withContent(Resource resource, Workload content) {
    return withContent(resource, content.toByteString());
  }

  /** With the version that belongs to the content. */
  private static Resource withContent(Resource resource, ByteString content) {
    return resource.toBuilder()
        .setResource(resource.getResource().toBuilder().setValue(content))
        .setVersion(Version.text(content))
        .build();
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Damage.class)
  @Timeout(120)
  void isRefusedByNameAndFieldChangesNothingAndTheNextOneIsTaken(Damage damage) throws Exception {
    try (ControlledSite site = new ControlledSite(home)) {
      JoinedNode node = JoinedNode.of(site, "edge1");
      try (TamperingRelay relay = TamperingRelay.start(site, node, home.resolve("copy"));
          ControllerClient client = node.calling(relay.address());
          ControllerSnapshots source =
              new ControllerSnapshots(client, Optional.empty(), InstantSource.system(), "")) {
        source.start(delivered::add);
        Await.until("complete", PATIENCE, () -> delivered.getLast().isComplete());
        MeshSnapshot before = delivered.getLast();
        relay.tamper(damage::applied);

        site.pod("store", "edge1");

        Await.until("it is refused", PATIENCE, () -> !source.status().refused().isEmpty());
        assertThat(source.status().refused()).singleElement().asString().startsWith(damage.refusal);
        assertThat(delivered.getLast()).isSameAs(before);
        Await.until(
            "the controller knows why",
            PATIENCE,
            () -> site.standing("edge1").problems().equals(source.status().refused()));
        assertThat(text(source)).contains("sluice_distribution_refused 1.0", "refused\",} 1.0");

        relay.tamper(UnaryOperator.identity());
        site.pod("log", "edge1");

        Await.until("the next one", PATIENCE, () -> knows("log"));
        assertThat(knows("store")).as("what was refused came again").isTrue();
        assertThat(source.status().refused()).isEmpty();
        Await.until("all is well", PATIENCE, () -> site.standing("edge1").problems().isEmpty());
        assertThat(text(source)).contains("sluice_distribution_refused 0.0", "refused\",} 1.0");
      }
    }

    Attack.tried("a change of the mesh, tampered with: " + damage)
        .refusedBy("the daemon: the snapshot before stays")
        .countedAs("sluice_distribution_changes_total{result=\"refused\"}");
  }

  private boolean knows(String pod) {
    return delivered.getLast().workload(new NamespacedName("shop", pod)).isPresent();
  }

  private String text(ControllerSnapshots source) {
    NodeMetrics metrics = new NodeMetrics(delivered::getLast);
    metrics.observe(source, delivered::getLast);
    return metrics.text();
  }
}
