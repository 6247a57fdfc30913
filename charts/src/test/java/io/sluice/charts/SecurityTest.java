package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How little the pods of the mesh may do. */
@ResourceLock("KUBECONFIG")
class SecurityTest {
  private static final List<String> CAPABILITIES =
      List.of("NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE", "SYS_RESOURCE", "DAC_OVERRIDE", "NET_RAW");

  /** What a node shows its daemon besides its whole file system, where {@code cni.enabled}. */
  private static final Set<String> PATHS =
      Set.of("/sys/fs/bpf", "/sys/fs/cgroup", "/run/netns", "/run/sluice", "/var/lib/sluice");

  @RegisterExtension final LookedUp cluster = new LookedUp();

  @ParameterizedTest
  @EnumSource(Presets.class)
  void noContainerIsPrivilegedOrWritesToItsImage(Presets preset) {
    assertThat(preset.chart().objects().containers()).allSatisfy(SecurityTest::isRestrained);
    assertThat(preset.chart().with("retire: true").objects().containers())
        .allSatisfy(SecurityTest::isRestrained);
  }

  private static void isRestrained(Container container) {
    var context = container.getSecurityContext();
    assertThat(context.getPrivileged()).isNotEqualTo(true);
    assertThat(context.getReadOnlyRootFilesystem()).isTrue();
    assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
    assertThat(CAPABILITIES).containsAll(context.getCapabilities().getAdd());
  }

  @ParameterizedTest
  @EnumSource(Presets.class)
  void onlyTheDaemonHasCapabilitiesAndThoseThatItChecks(Presets preset) throws IOException {
    Objects objects = preset.chart().objects();

    assertThat(objects.containers())
        .filteredOn(each -> !each.getSecurityContext().getCapabilities().getAdd().isEmpty())
        .containsExactly(objects.node());
    assertThat(objects.node().getSecurityContext().getCapabilities().getAdd())
        .containsAll(checkedByTheDaemon());
  }

  /** SYS_ADMIN stands in for BPF, which older runtimes refuse to give. */
  private static List<String> checkedByTheDaemon() throws IOException {
    String source =
        Files.readString(
            Chart.ROOT.resolve("node-daemon/src/main/java/io/sluice/node/NodeCapabilities.java"));
    List<String> checked =
        Pattern.compile("Capability\\.CAP_(\\w+)")
            .matcher(source)
            .results()
            .map(found -> found.group(1))
            .filter(name -> !name.equals("BPF"))
            .toList();
    assertThat(checked).contains("NET_ADMIN");
    return checked;
  }

  @Test
  void everyCapabilitySaysWhichCallNeedsIt() throws IOException {
    String template = Files.readString(Chart.FOLDER.resolve("templates/node/_node.tpl"));

    assertThat(CAPABILITIES)
        .allSatisfy(name ->
            assertThat(template).containsPattern("(?m)^  - " + name + " +# .*\\([2a-zA-Z_/]+\\)"));
  }

  @ParameterizedTest
  @EnumSource(Presets.class)
  void onlyTheDaemonSeesTheNodeAndOnlyWhatItNeeds(Presets preset) {
    Objects objects = preset.chart().objects();
    PodSpec node = objects.nodePod();

    assertThat(objects.pods())
        .filteredOn(pod -> pod != node)
        .noneMatch(SecurityTest::touchesTheNode);
    assertThat(pathsOf(node)).containsAll(PATHS).contains("/").hasSize(PATHS.size() + 1);
    for (Volume volume : node.getVolumes()) {
      if (volume.getHostPath() == null) {
        continue;
      }
      String path = volume.getHostPath().getPath();
      VolumeMount mount = mountOf(objects.node(), volume);
      assertThat(mount.getMountPath()).isEqualTo(path.equals("/") ? "/host" : path);
      assertThat(mount.getMountPropagation()).isNotEqualTo("Bidirectional"); // needs privileged
      if (path.equals("/")) {
        // Else what the node unmounts stays mounted here, and its volumes in use.
        assertThat(mount.getMountPropagation()).isEqualTo("HostToContainer");
      }
    }
    Objects without = preset.chart().with("cni: {enabled: false}").objects();
    assertThat(pathsOf(without.nodePod())).containsExactlyInAnyOrderElementsOf(PATHS);
  }

  private static List<String> pathsOf(PodSpec pod) {
    return pod.getVolumes().stream()
        .filter(volume -> volume.getHostPath() != null)
        .map(volume -> volume.getHostPath().getPath())
        .toList();
  }

  private static boolean touchesTheNode(PodSpec pod) {
    return Boolean.TRUE.equals(pod.getHostNetwork())
        || Boolean.TRUE.equals(pod.getHostPID())
        || Boolean.TRUE.equals(pod.getHostIPC())
        || pod.getVolumes().stream().anyMatch(volume -> volume.getHostPath() != null);
  }

  private static VolumeMount mountOf(Container container, Volume volume) {
    return container.getVolumeMounts().stream()
        .filter(mount -> mount.getName().equals(volume.getName()))
        .findFirst()
        .orElseThrow(() -> new AssertionError(volume.getName() + " is not mounted"));
  }

  @ParameterizedTest
  @EnumSource(Presets.class)
  void theDaemonHasNoTokenOfTheApiServer(Presets preset) {
    Objects objects = preset.chart().objects();

    assertThat(objects.nodePod().getAutomountServiceAccountToken()).isFalse();
    assertThat(objects.nodePod().getVolumes())
        .filteredOn(volume -> volume.getProjected() != null)
        .singleElement()
        .satisfies(volume ->
            assertThat(volume.getProjected().getSources())
                .singleElement()
                .satisfies(source ->
                    assertThat(source.getServiceAccountToken().getAudience()).isEqualTo("sluice")));
  }
}
