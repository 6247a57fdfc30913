package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Compiles manifests for tests. */
final class Manifests {
  private Manifests() {}

  /** Compiles each text as a file of its own: {@code 0.yaml}, {@code 1.yaml} and so on. */
  static CompiledChange compile(String... texts) {
    List<KubernetesObject> objects = new ArrayList<>();
    for (int i = 0; i < texts.length; i++) {
      objects.addAll(objects(i + ".yaml", texts[i]));
    }
    return new IncrementalCompiler(CompilerSettings.USUAL, 0).apply(Map.of("", objects));
  }

  static List<KubernetesObject> objects(String file, String text) {
    ReadObjects read = ObjectReader.read(file, text.getBytes(StandardCharsets.UTF_8));
    assertThat(read.problems()).isEmpty();
    return read.objects();
  }

  /** A Pod {@code shop/<name>} with its address and anything more for its parts. */
  static String pod(String name, String address, String metadata, String spec) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %s, namespace: shop, %s}
    spec: {%s}
    status: {podIPs: [{ip: "%s"}]}
    """
        .formatted(name, metadata, spec, address);
  }

  static String enrolledPod(String name, String address) {
    return pod(
        name,
        address,
        "labels: {app: " + name + ", sluice.io/mesh: enabled}",
        "serviceAccountName: " + name);
  }
}
