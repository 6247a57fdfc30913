package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.node.Publication.WantedIdentities;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.enrolment.PodStatus.Protection;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which identities a node asks for. */
class WantedIdentitiesTest {
  private static final PodUid UID = new PodUid("0b1d6c5e-7c56-4f3a-9d8e-2f1a3b4c5d6e");

  private final Set<SpiffeId> asked = new HashSet<>();
  private final List<Predicate<SpiffeId>> used = new ArrayList<>();
  private final List<PodStatus> pods = new ArrayList<>();
  private final WantedIdentities wanted =
      new WantedIdentities(
          "edge1",
          (identities, stillUsed) -> {
            asked.clear();
            asked.addAll(identities);
            used.add(stillUsed);
          },
          () -> pods);

  private static Workload workload(
      String name,
      boolean enrolled,
      @Nullable String netns,
      @Nullable PodUid uid,
      @Nullable String nodeName) {
    NamespacedName pod = new NamespacedName("shop", name);
    return new Workload(
        pod,
        Samples.identity(pod),
        List.of(),
        Map.of(),
        enrolled,
        netns,
        uid,
        nodeName,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  private void publish(Workload... workloads) {
    wanted.publish(
        new MeshSnapshot(1, MeshSettings.CLOSED, List.of(workloads), List.of(), List.of()));
  }

  private static SpiffeId identity(String name) {
    return Samples.identity(new NamespacedName("shop", name));
  }

  @Test
  void podsThatTheRegistryPlacesHereAreAskedForBeforeTheirProcessesExist() {
    publish(
        workload("named", true, null, null, "edge1"),
        workload("by-uid", true, null, UID, null),
        workload("by-namespace", true, "pod-7", null, null));
    assertThat(asked)
        .containsExactlyInAnyOrder(identity("named"), identity("by-uid"), identity("by-namespace"));
  }

  @Test
  void podsOfOtherNodesUnplacedAndOutsideTheMeshAreNot() {
    publish(
        workload("elsewhere", true, "pod-7", UID, "edge2"),
        workload("unplaced", true, null, null, null),
        workload("outside", false, "pod-8", UID, "edge1"));
    assertThat(asked).isEmpty();
  }

  @Test
  void anIdentityIsUsedWhileAPodThatHasItIsEnrolled() {
    publish();
    pods.add(status("web", PodState.ENROLLED));
    pods.add(status("late", PodState.PENDING));
    Predicate<SpiffeId> stillUsed = used.getLast();
    assertThat(stillUsed.test(identity("web"))).isTrue();
    assertThat(stillUsed.test(identity("late"))).isFalse();
    assertThat(stillUsed.test(identity("gone"))).isFalse();
    pods.clear();
    assertThat(stillUsed.test(identity("web"))).isFalse();
  }

  private static PodStatus status(String name, PodState state) {
    return new PodStatus(
        new NamespacedName("shop", name),
        state,
        7,
        List.of(),
        identity(name).toString(),
        Protection.PROTECTED,
        "",
        0);
  }
}
