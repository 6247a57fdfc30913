package io.sluice.chaos;

import io.sluice.control.Controller;
import io.sluice.control.ControllerSettings;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.kubernetes.QuickRegistry;
import io.sluice.control.server.ServerSettings;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;

/**
 * A controller on the registry of a cluster, until it is killed. Says {@code port N}; holds the
 * status of its registry. Arguments: directory, port of the API server.
 */
final class ControllerProgram {
  /** Before the number of the control port. */
  static final String PORT = "port ";

  /** Below the directory: the authority and all else that outlives the process. */
  static final String STATE = "state";

  /** Below the directory: token and root for the API server. */
  static final String ACCOUNT = "account";

  private ControllerProgram() {}

  public static void main(String[] arguments) {
    Path home = Path.of(arguments[0]);
    KubernetesRegistry registry =
        QuickRegistry.of(
            new KubernetesAccess.InCluster(
                URI.create("https://localhost:" + arguments[1]), home.resolve(ACCOUNT)),
            Reference.RULES,
            _ -> {});
    Dumps.serve(() ->
        String.join("\n", StatusLines.of(registry.status())).getBytes(StandardCharsets.UTF_8));
    Controller controller =
        Controller.start(
            new ControllerSettings(
                home.resolve(STATE),
                null,
                Duration.ofHours(24),
                Duration.ofHours(24),
                Duration.ZERO,
                ServerSettings.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
                null),
            registry,
            InstantSource.system());
    Dumps.say(PORT + controller.port());
  }
}
