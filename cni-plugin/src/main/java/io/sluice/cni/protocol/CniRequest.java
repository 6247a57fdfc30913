package io.sluice.cni.protocol;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One call of the plugin, as its client passed it on.
 *
 * @param command what is asked
 * @param containerId names the sandbox; empty for GC and STATUS
 * @param netnsPath where the runtime sees the namespace; may be empty at DEL, and mean nothing here
 * @param ifname interface that the chain made inside the sandbox; empty for GC and STATUS
 * @param podOrNull the pod, when the runtime is one of Kubernetes
 * @param config the plugin's network configuration, from standard input
 */
public record CniRequest(
    CniCommand command,
    String containerId,
    String netnsPath,
    String ifname,
    @Nullable PodReference podOrNull,
    CniConfig config) {

  /** Container IDs name files here; the specification asks for this shape. */
  private static final Pattern CONTAINER_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,127}");

  /** IFNAMSIZ is 16, the final NUL included; the kernel refuses slashes and blanks. */
  private static final Pattern INTERFACE = Pattern.compile("[^/:\\s\\p{Cntrl}]{1,15}");

  private static final int MAX_PATH = 4_096;
  private static final Set<CniCommand> WITHOUT_SANDBOX = Set.of(CniCommand.GC, CniCommand.STATUS);

  /** The pod, when the runtime is one of Kubernetes. */
  public Optional<PodReference> pod() {
    return Optional.ofNullable(podOrNull);
  }

  /**
   * Reads the body of a request: {@code KEY=VALUE} each with a final NUL, an empty one, then
   * standard input.
   *
   * @throws CniError when something is missing or cannot be
   */
  public static CniRequest parse(byte[] body) {
    Map<String, String> environment = new HashMap<>();
    int at = 0;
    while (true) {
      int end = at;
      while (end < body.length && body[end] != 0) {
        end++;
      }
      if (end == body.length) {
        throw new CniError(CniError.UNDECODABLE, "the request ends inside its environment", "");
      }
      String pair = new String(body, at, end - at, StandardCharsets.UTF_8);
      at = end + 1;
      if (pair.isEmpty()) {
        break;
      }
      int equals = pair.indexOf('=');
      if (equals <= 0) {
        throw new CniError(
            CniError.UNDECODABLE, "'" + pair + "' in the request's environment has no name", "");
      }
      environment.put(pair.substring(0, equals), pair.substring(equals + 1));
    }
    return of(environment, Arrays.copyOfRange(body, at, body.length));
  }

  private static CniRequest of(Map<String, String> environment, byte[] input) {
    CniCommand command = command(environment.getOrDefault("CNI_COMMAND", ""));
    String containerId = "";
    String ifname = "";
    String netns = environment.getOrDefault("CNI_NETNS", "");
    if (!WITHOUT_SANDBOX.contains(command)) { // what is set without one is of nobody's form
      containerId = environment.getOrDefault("CNI_CONTAINERID", "");
      ifname = environment.getOrDefault("CNI_IFNAME", "");
      require(CONTAINER_ID, "CNI_CONTAINERID", containerId);
      require(INTERFACE, "CNI_IFNAME", ifname);
    }
    if (netns.length() > MAX_PATH) {
      throw new CniError(
          CniError.INVALID_ENVIRONMENT, "CNI_NETNS has more than " + MAX_PATH + " characters", "");
    }
    return new CniRequest(
        command,
        containerId,
        netns,
        ifname,
        PodReference.parse(environment.getOrDefault("CNI_ARGS", "")).orElse(null),
        CniConfig.parse(input));
  }

  private static CniCommand command(String word) {
    for (CniCommand command : CniCommand.values()) {
      if (command.name().equals(word)) {
        return command;
      }
    }
    throw new CniError(
        CniError.INVALID_ENVIRONMENT, "CNI_COMMAND '" + word + "' is not known here", "");
  }

  private static void require(Pattern pattern, String key, String value) {
    if (!pattern.matcher(value).matches()) {
      throw new CniError(
          CniError.INVALID_ENVIRONMENT,
          value.isEmpty() ? key + " is missing" : key + " '" + value + "' cannot be",
          "");
    }
  }

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
}
