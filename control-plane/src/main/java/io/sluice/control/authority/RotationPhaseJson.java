package io.sluice.control.authority;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.RotationPhase.Distributing;
import io.sluice.control.authority.RotationPhase.Single;
import io.sluice.control.authority.RotationPhase.Using;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.function.UnaryOperator;

/** A phase among the members of a file that outlives the controller. Pure functions. */
public final class RotationPhaseJson {
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
              active, name.apply(text(node, "previous")), Instant.parse(text(node, "withdrawAt")));
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
