package io.sluice.control.authority;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Where a change of the root stands. Roots are named by the id of their issuer.
 *
 * <p>One root, then two in the bundle while the old one signs, then two while the new one signs,
 * then one. So whatever is signed in a phase is covered by the bundle of the phase before, of the
 * same and of the next: a node may be one phase late in either direction. Pure values.
 */
public sealed interface RotationPhase {
  /** One root signs and is trusted. */
  record Single(String active) implements RotationPhase {
    @Override
    public List<String> trusted() {
      return List.of(active);
    }

    @Override
    public RotationPhase at(Instant now, Duration longestLeaf) {
      return this;
    }
  }

  /**
   * The next root is being made known.
   *
   * @param useAt when it begins to sign
   */
  record Distributing(String active, String next, Instant useAt) implements RotationPhase {
    @Override
    public List<String> trusted() {
      return List.of(active, next);
    }

    @Override
    public RotationPhase at(Instant now, Duration longestLeaf) {
      return now.isBefore(useAt) ? this : new Using(next, active, now.plus(longestLeaf));
    }
  }

  /**
   * The new root signs; leaves of the one before still live.
   *
   * @param withdrawAt when the last of them has expired
   */
  record Using(String active, String previous, Instant withdrawAt) implements RotationPhase {
    @Override
    public List<String> trusted() {
      return List.of(active, previous);
    }

    @Override
    public RotationPhase at(Instant now, Duration longestLeaf) {
      return now.isBefore(withdrawAt) ? this : new Single(active);
    }
  }

  /** The root that signs. */
  String active();

  /** The roots in the bundle, the one that signs first. */
  List<String> trusted();

  /**
   * The phase that is due at {@code now}: this one or the next, never one further, so that each is
   * distributed.
   *
   * @param longestLeaf how long a leaf signed at {@code now} can be accepted by anybody
   */
  RotationPhase at(Instant now, Duration longestLeaf);
}
