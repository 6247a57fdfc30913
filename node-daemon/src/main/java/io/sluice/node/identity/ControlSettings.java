package io.sluice.node.identity;

import io.sluice.node.identity.control.ControlAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How this node gets certificates.
 *
 * @param addresses where the controller's replicas are, one at least; tried in turn
 * @param admission what the node proves itself with before it has a certificate
 * @param keepKeys whether workloads' keys outlive the daemon, sealed
 * @param sealKeyOrNull file with the key that seals; null for the one in the state directory
 */
public record ControlSettings(
    List<ControlAddress> addresses,
    Admission admission,
    boolean keepKeys,
    @Nullable Path sealKeyOrNull) {
  private static final int MOST_ADDRESSES = 16;

  public ControlSettings {
    addresses = List.copyOf(addresses);
    if (addresses.isEmpty() || addresses.size() > MOST_ADDRESSES) {
      throw new IllegalArgumentException(
          "a node has 1 to "
              + MOST_ADDRESSES
              + " addresses of its controller, not "
              + addresses.size());
    }
  }

  /** With a controller of one replica. */
  public ControlSettings(
      ControlAddress address, Admission admission, boolean keepKeys, @Nullable Path sealKeyOrNull) {
    this(List.of(address), admission, keepKeys, sealKeyOrNull);
  }

  /** The addresses as people write them. */
  public String controller() {
    return addresses.stream().map(ControlAddress::toString).collect(Collectors.joining(","));
  }

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
