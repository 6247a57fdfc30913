package io.sluice.cli.control;

import io.sluice.control.ReplicaSettings;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.lease.LeaseTimes;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** What {@code sluice control run --kubernetes} is told as one of several. */
final class ReplicaArguments {
  @Option(
      names = "--replica-name",
      paramLabel = "NAME",
      description =
          "With --kubernetes: how this controller is called in the lease that one of several holds."
              + " Default: the name of the host.")
  private @Nullable String name;

  @Option(
      names = "--trust-bundle-config-map",
      paramLabel = "NAME",
      description =
          "With --kubernetes: ConfigMap of the controller's namespace in whose key roots.pem the"
              + " mesh's roots are kept. Default: none is written.")
  private @Nullable String rootsConfigMap;

  /** The option that was given although there is no cluster; empty for none. */
  Optional<String> given() {
    return name != null
        ? Optional.of("--replica-name")
        : Optional.ofNullable(rootsConfigMap).map(_ -> "--trust-bundle-config-map");
  }

  ReplicaSettings settings(CommandSpec spec, KubernetesAccess access) {
    try {
      return new ReplicaSettings(
          access, name == null ? hostName() : name, LeaseTimes.USUAL, rootsConfigMap);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          "the name of this host is not known; give one by --replica-name", e);
    }
  }
}
