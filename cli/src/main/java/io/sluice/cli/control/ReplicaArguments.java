package io.sluice.cli.control;

import io.sluice.control.ReplicaSettings;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.lease.LeaseTimes;
import java.net.InetAddress;
import java.net.UnknownHostException;
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

  boolean isNamed() {
    return name != null;
  }

  ReplicaSettings settings(CommandSpec spec, KubernetesAccess access) {
    try {
      return new ReplicaSettings(access, name == null ? hostName() : name, LeaseTimes.USUAL);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--replica-name: " + e.getMessage());
    }
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("the name of this host is not known; give one", e);
    }
  }
}
