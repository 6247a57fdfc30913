package io.sluice.cli.control;

import io.sluice.cli.arguments.ListenAddress;
import io.sluice.cli.arguments.Paths;
import io.sluice.control.Controller;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.webhook.AdmissionWebhook;
import io.sluice.control.webhook.SelfSigned;
import io.sluice.control.webhook.ServingCertificate;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The admission webhook of {@code sluice control run}. */
final class WebhookArguments {
  @Option(
      names = "--webhook",
      paramLabel = "ADDRESS:PORT|off",
      description =
          "Where the admission webhook serves https://…/validate. Default: ${DEFAULT-VALUE}.",
      defaultValue = "off")
  private String listen = "off";

  @Option(
      names = "--webhook-name",
      paramLabel = "NAME",
      description =
          "DNS name by which the API server calls it; its certificate is made for that, and kept in"
              + " the state directory as webhook/webhook.crt. Default: ${DEFAULT-VALUE}.",
      defaultValue = "sluice-controller.sluice-system.svc")
  private String name = "";

  @Option(
      names = "--webhook-certificate",
      paramLabel = "FILE",
      description = "Its certificate chain in PEM instead; read again when it is replaced.")
  private @Nullable Path certificate;

  @Option(
      names = "--webhook-key",
      paramLabel = "FILE",
      description = "The key of that certificate, in PEM.")
  private @Nullable Path key;

  @Option(
      names = "--traffic-metrics",
      paramLabel = "true|false",
      arity = "1",
      description =
          "Whether the TrafficMetrics API of SMI (metrics.smi-spec.io) is served there too, to the API"
              + " server of --kubernetes alone. Default: ${DEFAULT-VALUE}.",
      defaultValue = "false")
  private boolean trafficMetrics;

  /** Refuses what does not go together, before anything is started. */
  void check(CommandSpec spec, boolean ofCluster) {
    if (trafficMetrics && (listen.equals("off") || !ofCluster)) {
      throw new ParameterException(
          spec.commandLine(), "--traffic-metrics needs --webhook and --kubernetes");
    }
    if ((certificate == null) != (key == null)) {
      throw new ParameterException(
          spec.commandLine(), "--webhook-certificate and --webhook-key need each other");
    }
    Paths.requireReadableFile(spec, "--webhook-certificate", certificate);
    Paths.requireReadableFile(spec, "--webhook-key", key);
    if (!listen.equals("off")) {
      try {
        address();
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
      }
    }
  }

  private InetSocketAddress address() {
    return ListenAddress.parse("--webhook", listen);
  }

  /** Starts it, unless it is off; {@code objects} are what it judges by. */
  @Nullable AdmissionWebhook start(
      Path state, CompiledRegistry objects, Controller controller, KubernetesAccess access) {
    if (listen.equals("off")) {
      return null;
    }
    InstantSource clock = InstantSource.system();
    return AdmissionWebhook.start(
        address(),
        certificate != null && key != null
            ? ServingCertificate.of(certificate, key, clock)
            : SelfSigned.in(state.resolve("webhook"), name, clock),
        objects.rules(),
        objects,
        trafficMetrics ? controller.trafficApi(access, clock) : null);
  }
}
