package io.sluice.node.identity;

import io.sluice.mesh.SpiffeId;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One certificate of this node as people see it.
 *
 * @param identity whose it is, or will be
 * @param state whether it can be used
 * @param factsOrNull what the certificate says; null while there is none
 * @param problem why it is missing or not renewed; empty when all is well
 */
public record CertificateStatus(
    SpiffeId identity, State state, @Nullable Facts factsOrNull, String problem) {

  /** Whether it can be used. */
  public enum State {
    /** It can. */
    VALID,
    /** Its end has come without another: new handshakes fail. */
    EXPIRED,
    /** None came yet: new handshakes fail. */
    MISSING;

    /** As printed, and the metric label {@code state}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What a certificate says.
   *
   * @param serial hexadecimal
   * @param notBefore begin of the leaf's validity
   * @param notAfter end of the validity of the whole chain
   * @param renewAt when the next one is asked for
   * @param issuer name of the leaf's issuer
   * @param chainLength certificates, without the root
   * @param rootId of the trusted root it leads to; empty when the bundle has none such
   */
  public record Facts(
      String serial,
      Instant notBefore,
      Instant notAfter,
      Instant renewAt,
      String issuer,
      int chainLength,
      String rootId) {}

  /** What the certificate says, if there is one. */
  public Optional<Facts> facts() {
    return Optional.ofNullable(factsOrNull);
  }
}
