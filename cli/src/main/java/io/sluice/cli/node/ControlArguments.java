package io.sluice.cli.node;

import io.sluice.cli.arguments.Paths;
import io.sluice.cli.control.EmbeddedController;
import io.sluice.mesh.MeshPorts;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options that say from whom a node gets its certificates. */
final class ControlArguments {
  @Option(
      names = "--control",
      paramLabel = "HOST:PORT",
      split = ",",
      description =
          "Controller that issues certificates and, without --registry, says what the mesh is; its"
              + " usual port is "
              + MeshPorts.CONTROL
              + ". May be repeated, or a list with commas, for its replicas, which are tried in"
              + " turn. Default: none, and no certificates.")
  private List<String> control = List.of();

  @Option(
      names = "--join-token",
      paramLabel = "FILE",
      description = "File with what `sluice control token` printed; for one key.")
  private @Nullable Path joinToken;

  @Option(
      names = "--control-token",
      paramLabel = "FILE",
      description = "File with a Kubernetes service account token of the audience sluice.")
  private @Nullable Path controlToken;

  @Option(
      names = "--control-roots",
      paramLabel = "FILE",
      description = "PEM certificates to believe the controller by; with --control-token.")
  private @Nullable Path controlRoots;

  @Option(
      names = "--keep-keys",
      description =
          "Keep the pods' keys in the state folder, sealed, so that a restart needs no controller."
              + " Default: in memory only.")
  private boolean keepKeys;

  @Option(
      names = "--seal-key",
      paramLabel = "FILE",
      description =
          "File with the key that seals what is kept; made when missing. Default: in the state"
              + " folder, next to what it seals.")
  private @Nullable Path sealKey;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** What they say together; empty without a controller. */
  Optional<ControlSettings> settings() {
    if (control.isEmpty()) {
      requireNone();
      return Optional.empty();
    }
    try {
      return Optional.of(
          new ControlSettings(
              control.stream().map(ControlAddress::parse).toList(),
              admission(),
              keepKeys,
              sealKey));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("--control: " + e.getMessage(), e);
    }
  }

  /** What they say with {@code --standalone}, for the controller in this process. */
  ControlSettings settings(EmbeddedController embedded) {
    return new ControlSettings(
        embedded.address(), new Admission.JoinToken(embedded.joinToken()), keepKeys, sealKey);
  }

  /** Refuses what names a controller elsewhere. */
  void requireNoOther() {
    if (!control.isEmpty() || joinToken != null || controlToken != null || controlRoots != null) {
      throw new IllegalArgumentException(
          "--standalone has its own controller: leave out --control, --join-token, --control-token"
              + " and --control-roots");
    }
  }

  private void requireNone() {
    if (joinToken != null
        || controlToken != null
        || controlRoots != null
        || sealKey != null
        || keepKeys) {
      throw new IllegalArgumentException(
          "--join-token, --control-token, --control-roots, --keep-keys and --seal-key need --control"
              + " HOST:PORT");
    }
  }

  private Admission admission() {
    Path join = joinToken;
    Path token = controlToken;
    Path roots = controlRoots;
    if (join != null && token == null && roots == null) {
      return new Admission.JoinToken(join);
    }
    if (join == null && token != null && roots != null) {
      // A join token's file may be gone once it is used up; these are read again and again.
      Paths.requireReadableFile(spec, "--control-token", token);
      Paths.requireReadableFile(spec, "--control-roots", roots);
      return new Admission.ServiceAccountToken(token, roots);
    }
    throw new IllegalArgumentException(
        "give either --join-token FILE, or --control-token FILE and --control-roots FILE");
  }
}
