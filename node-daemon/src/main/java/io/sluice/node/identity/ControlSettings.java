package io.sluice.node.identity;

import io.sluice.node.identity.control.ControlAddress;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How this node gets certificates.
 *
 * @param address where the controller is
 * @param admission what the node proves itself with before it has a certificate
 * @param keepKeys whether workloads' keys outlive the daemon, sealed
 * @param sealKeyOrNull file with the key that seals; null for the one in the state directory
 */
public record ControlSettings(
    ControlAddress address, Admission admission, boolean keepKeys, @Nullable Path sealKeyOrNull) {

  /** Files are read anew at each admission. */
  public sealed interface Admission {
    /** With what `sluice control token` printed; good for one admission. */
    record JoinToken(Path file) implements Admission {}

    /**
     * With a Kubernetes service account token of the audience {@code sluice}.
     *
     * @param roots file of PEM certificates by which the controller is believed
     */
    record ServiceAccountToken(Path file, Path roots) implements Admission {}
  }

  /** The file with the key that seals, where the operator has named one. */
  public Optional<Path> sealKey() {
    return Optional.ofNullable(sealKeyOrNull);
  }
}
