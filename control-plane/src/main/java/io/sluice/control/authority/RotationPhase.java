package io.sluice.control.authority;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.RotationPhase.Distributing;
import io.sluice.control.authority.RotationPhase.Single;
import io.sluice.control.authority.RotationPhase.Using;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.UnaryOperator;

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

    @Override
    public String sentence() {
      return "no change; " + active + " is in force";
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

    @Override
    public String sentence() {
      return "distributing " + next + "; " + active + " is in force until " + useAt;
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

    @Override
    public String sentence() {
      return "using " + active + "; " + previous + " is still trusted until " + withdrawAt;
    }
  }

  /** The root that signs. */
  String active();

  /** Where the change stands, for people. */
  String sentence();

  /** The roots in the bundle, the one that signs first. */
  List<String> trusted();

  /**
   * The phase that is due at {@code now}: this one or the next, never one further, so that each is
   * distributed.
   *
   * @param longestLeaf how long a leaf signed at {@code now} can be accepted by anybody
   */
  RotationPhase at(Instant now, Duration longestLeaf);

  /**
   * As it goes on after a start at {@code now}: nodes that heard nothing while the controller was
   * away get time to hear of the next root.
   *
   * @param distributeFor the set time; an hour of it is enough
   */
  default RotationPhase afterStart(Instant now, Duration distributeFor) {
    Duration least = Duration.ofHours(1);
    Instant earliest = now.plus(distributeFor.compareTo(least) < 0 ? distributeFor : least);
    return this instanceof Distributing(String active, String next, Instant useAt)
            && useAt.isBefore(earliest)
        ? new Distributing(active, next, earliest)
        : this;
  }

  /** A phase among the members of a file that outlives the controller. Pure functions. */
  final class RotationPhaseJson {
    private RotationPhaseJson() {}

    /** Adds the members that say where the change stands. */
    public static void put(RotationPhase phase, ObjectNode to) {
      to.put("active", phase.active());
      switch (phase) {
        case Single _ -> to.put("phase", "single");
        case Distributing(String _, String next, Instant useAt) ->
            to.put("phase", "distributing").put("next", next).put("useAt", useAt.toString());
        case Using(String _, String previous, Instant withdrawAt) ->
            to.put("phase", "using")
                .put("previous", previous)
                .put("withdrawAt", withdrawAt.toString());
      }
    }

    /**
     * The phase that {@link #put} wrote.
     *
     * @param name what a name is kept as; throws {@link IllegalArgumentException} where it is none
     * @throws IllegalArgumentException where a member is missing or says nothing usable
     * @throws DateTimeException where a time is none
     */
    public static RotationPhase read(JsonNode node, UnaryOperator<String> name) {
      String active = name.apply(text(node, "active"));
      return switch (text(node, "phase")) {
        case "single" -> new Single(active);
        case "distributing" ->
            new Distributing(
                active, name.apply(text(node, "next")), Instant.parse(text(node, "useAt")));
        case "using" ->
            new Using(
                active,
                name.apply(text(node, "previous")),
                Instant.parse(text(node, "withdrawAt")));
        case String other -> throw new IllegalArgumentException("phase '" + other + "'");
      };
    }

    private static String text(JsonNode node, String member) {
      JsonNode value = node.path(member);
      if (!value.isTextual()) {
        throw new IllegalArgumentException("'" + member + "' is missing");
      }
      return value.textValue();
    }
  }
}
