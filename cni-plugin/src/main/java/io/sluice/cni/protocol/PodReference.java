package io.sluice.cni.protocol;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which pod a sandbox is for, from {@code CNI_ARGS} as kubelet's runtimes fill it.
 *
 * @param name of the Pod
 * @param uidOrNull UID of the Pod; older runtimes do not tell
 */
public record PodReference(NamespacedName name, @Nullable PodUid uidOrNull) {
  private static final Pattern LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");

  /** The Pod's UID, if the runtime tells it. */
  public Optional<PodUid> uid() {
    return Optional.ofNullable(uidOrNull);
  }

  /**
   * Reads {@code KEY=VALUE} pairs with semicolons between; empty when it speaks of no pod.
   *
   * @throws CniError when what it says of a pod cannot be a pod
   */
  static Optional<PodReference> parse(String arguments) {
    Map<String, String> pairs = new HashMap<>();
    for (String pair : arguments.split(";", -1)) {
      int equals = pair.indexOf('=');
      if (equals > 0) {
        pairs.put(pair.substring(0, equals), pair.substring(equals + 1));
      }
    }
    String namespace = pairs.getOrDefault("K8S_POD_NAMESPACE", "");
    String name = pairs.getOrDefault("K8S_POD_NAME", "");
    if (namespace.isEmpty() && name.isEmpty()) {
      return Optional.empty();
    }
    require(LABEL, "K8S_POD_NAMESPACE", namespace);
    require(NAME, "K8S_POD_NAME", name);
    return Optional.of(
        new PodReference(
            new NamespacedName(namespace, name),
            PodUid.find(pairs.getOrDefault("K8S_POD_UID", "")).orElse(null)));
  }

  private static void require(Pattern pattern, String key, String value) {
    if (!pattern.matcher(value).matches()) {
      throw new CniError(
          CniError.INVALID_ENVIRONMENT,
          "CNI_ARGS: " + key + " '" + value + "' is no Kubernetes name",
          "");
    }
  }
}
