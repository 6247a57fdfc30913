package io.sluice.containers;

import io.sluice.containers.ContainerSpec.Probe;
import io.sluice.containers.ContainerSpec.Security;
import io.sluice.containers.ContainerSpec.VolumeMount;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the containers of a pod; what it does not know is an error. For one thread. */
final class ContainerReader {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\(([A-Za-z_]+)\\)");

  private final String nodeName;
  private final String podUser;

  /**
   * For pods on one node.
   *
   * @param podUser user and group of the pod's securityContext; empty where it has none
   */
  ContainerReader(String nodeName, String podUser) {
    this.nodeName = nodeName;
    this.podUser = podUser;
  }

  ContainerSpec read(Fields container) {
    container.pass("imagePullPolicy"); // the images were imported
    Map<String, String> environment = new TreeMap<>();
    container.each("env", variable -> environment.put(variable.text("name"), value(variable)));
    Map<String, Integer> ports = new HashMap<>();
    container.each("ports", port -> ports.put(port.text("name"), port(port)));
    List<String> command = expanded(container.texts("command"), environment);
    List<String> args = expanded(container.texts("args"), environment);
    probe(container, "livenessProbe", ports); // nothing here runs for as long as it takes to fail
    try (Fields resources = container.object("resources");
        Fields limits = resources.object("limits")) {
      resources.pass("requests");
      return new ContainerSpec(
          container.text("name"),
          container.text("image"),
          command,
          args,
          environment,
          container.each("volumeMounts", ContainerReader::mount),
          security(container),
          bytes(limits.text("memory")),
          cpus(limits.text("cpu")),
          probe(container, "startupProbe", ports),
          probe(container, "readinessProbe", ports));
    }
  }

  private String value(Fields variable) {
    Fields from = variable.object("valueFrom");
    try (from;
        Fields field = from.object("fieldRef")) {
      return switch (field.text("fieldPath")) {
        case "" -> variable.text("value");
        case "spec.nodeName" -> {
          variable.pass("value");
          yield nodeName;
        }
        default -> throw new AssertionError(variable.path() + " refers to an unknown field");
      };
    }
  }

  /** On the node's network the port of the host has to be the same one. */
  private static int port(Fields port) {
    int number = port.take("containerPort").asInt();
    if (port.take("hostPort").asInt(number) != number) {
      throw new AssertionError(port.path() + " is mapped, which is not known here");
    }
    return number;
  }

  private static VolumeMount mount(Fields mount) {
    String propagation = mount.text("mountPropagation");
    if (!List.of("", "None", "HostToContainer").contains(propagation)) {
      throw new AssertionError(mount.path() + ".mountPropagation is " + propagation);
    }
    return new VolumeMount(
        mount.text("name"),
        mount.text("mountPath"),
        mount.take("readOnly").asBoolean(false),
        propagation.equals("HostToContainer"));
  }

  private Security security(Fields container) {
    try (Fields context = container.object("securityContext");
        Fields capabilities = context.object("capabilities")) {
      readProfiles(context);
      if (context.take("privileged").asBoolean(false)) {
        throw new AssertionError(context.path() + " is privileged");
      }
      if (!capabilities.texts("drop").equals(List.of("ALL"))) {
        throw new AssertionError(capabilities.path() + " does not drop ALL");
      }
      context.pass("runAsNonRoot"); // what runs tells its user by what it can do
      String user = context.text("runAsUser");
      return new Security(
          user.isEmpty() ? podUser : user,
          capabilities.texts("add"),
          context.take("readOnlyRootFilesystem").asBoolean(false),
          context.take("allowPrivilegeEscalation").asBoolean(true));
    }
  }

  /** Docker's seccomp profile is the runtime's; AppArmor has none here. */
  static void readProfiles(Fields context) {
    try (Fields seccomp = context.object("seccompProfile");
        Fields appArmor = context.object("appArmorProfile")) {
      seccomp.require("type", "RuntimeDefault", "");
      appArmor.require("type", "Unconfined", "");
    }
  }

  private static Optional<Probe> probe(Fields container, String name, Map<String, Integer> ports) {
    if (container.take(name).isMissingNode()) {
      return Optional.empty();
    }
    try (Fields probe = container.object(name);
        Fields get = probe.object("httpGet");
        Fields exec = probe.object("exec")) {
      String port = get.text("port");
      return Optional.of(
          new Probe(
              exec.texts("command"),
              get.text("path"),
              port.isEmpty()
                  ? 0
                  : ports.containsKey(port) ? ports.get(port) : Integer.parseInt(port),
              probe.take("periodSeconds").asInt(10),
              probe.take("timeoutSeconds").asInt(1),
              probe.take("failureThreshold").asInt(3)));
    }
  }

  private static List<String> expanded(List<String> words, Map<String, String> environment) {
    return words.stream()
        .map(word ->
            VARIABLE
                .matcher(word)
                .replaceAll(found ->
                    Matcher.quoteReplacement(
                        environment.getOrDefault(found.group(1), found.group()))))
        .toList();
  }

  private static long bytes(String quantity) {
    long number = Long.parseLong(quantity.replaceAll("[A-Za-z]+$", ""));
    return switch (quantity.replaceAll("^[0-9]+", "")) {
      case "Mi" -> number << 20;
      case "Gi" -> number << 30;
      default -> throw new AssertionError("this kubelet does not know the quantity " + quantity);
    };
  }

  private static double cpus(String quantity) {
    return quantity.endsWith("m")
        ? Integer.parseInt(quantity.substring(0, quantity.length() - 1)) / 1_000.0
        : Double.parseDouble(quantity);
  }
}
