package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What each kind of site gets, in a file for people to review. A wanted change is written by {@code
 * mvn -pl charts test -Dtest=GoldenTest -Dcharts.write=true}.
 */
@ResourceLock("KUBECONFIG")
class GoldenTest {
  private static final Path FOLDER = Path.of("src", "test", "golden");

  @RegisterExtension final LookedUp cluster = new LookedUp();

  @ParameterizedTest
  @EnumSource(Presets.class)
  void rendersWhatWasReviewed(Presets preset) throws IOException {
    String name = preset.name().toLowerCase(Locale.ROOT).replace('_', '-') + ".txt";
    String summary = summary(preset.chart().objects());
    if (Boolean.getBoolean("charts.write")) {
      Files.createDirectories(FOLDER);
      Files.writeString(FOLDER.resolve(name), summary);
    }

    assertThat(summary).isEqualTo(Files.readString(FOLDER.resolve(name)));
  }

  private static String summary(Objects objects) {
    List<String> lines = new ArrayList<>(objects.names());
    lines.add("");
    lines.add("node");
    describe(objects.nodePod(), lines);
    lines.add("");
    for (Deployment each : objects.of(Deployment.class)) {
      lines.add(
          each.getMetadata().getName().replaceFirst(".*-", "")
              + " x "
              + each.getSpec().getReplicas());
      describe(each.getSpec().getTemplate().getSpec(), lines);
      if (each.equals(objects.deployment())) {
        lines.add("  authority " + new TreeMap<>(objects.authority()));
      }
      lines.add("");
    }
    lines.add("mesh " + new TreeMap<>(objects.meshConfig("traffic")));
    return String.join("\n", lines) + "\n";
  }

  private static void describe(PodSpec pod, List<String> lines) {
    Container container = pod.getContainers().getFirst();
    lines.add("  image " + container.getImage() + " (" + container.getImagePullPolicy() + ")");
    container.getArgs().forEach(argument -> lines.add("  " + argument));
    for (EnvVar each : container.getEnv()) {
      if (each.getValue() != null) {
        lines.add("  " + each.getName() + "=" + each.getValue());
      }
    }
    lines.add("  requests " + sorted(container.getResources().getRequests()));
    lines.add("  limits " + sorted(container.getResources().getLimits()));
    lines.add("  capabilities " + container.getSecurityContext().getCapabilities().getAdd());
    for (Volume volume : pod.getVolumes()) {
      lines.add("  " + source(volume) + " at " + place(container, volume));
    }
  }

  private static Map<String, String> sorted(Map<String, ?> amounts) {
    Map<String, String> texts = new TreeMap<>();
    amounts.forEach((what, amount) -> texts.put(what, amount.toString()));
    return texts;
  }

  private static String source(Volume volume) {
    if (volume.getHostPath() != null) {
      return volume.getHostPath().getPath() + " (" + volume.getHostPath().getType() + ")";
    }
    if (volume.getConfigMap() != null) {
      return "ConfigMap " + volume.getConfigMap().getName();
    }
    if (volume.getSecret() != null) {
      return "Secret " + volume.getSecret().getSecretName();
    }
    if (volume.getPersistentVolumeClaim() != null) {
      return "claim " + volume.getPersistentVolumeClaim().getClaimName();
    }
    if (volume.getProjected() == null) {
      return "empty directory";
    }
    return volume.getProjected().getSources().stream()
        .map(each -> each.getConfigMap() == null ? "token" : each.getConfigMap().getName())
        .collect(Collectors.joining(", "));
  }

  private static String place(Container container, Volume volume) {
    VolumeMount mount =
        container.getVolumeMounts().stream()
            .filter(each -> each.getName().equals(volume.getName()))
            .findFirst()
            .orElseThrow(() -> new AssertionError(volume.getName() + " is not mounted"));
    return mount.getMountPath() + (Boolean.TRUE.equals(mount.getReadOnly()) ? " (read only)" : "");
  }
}
