package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.manifest.YamlValue;

/**
 * One condition of an object's status, as {@code metav1.Condition} has it.
 *
 * @param type what it is about
 * @param status {@code True}, {@code False} or {@code Unknown}
 * @param observedGeneration of the object that it speaks of
 * @param lastTransitionTime when {@code status} changed last, RFC 3339
 * @param reason one word why
 * @param message for people
 */
public record Condition(
    String type,
    String status,
    long observedGeneration,
    String lastTransitionTime,
    String reason,
    String message) {
  /** Longest message: the API takes 32 KiB, but nobody reads that. */
  private static final int LONGEST_MESSAGE = 1_024;

  public Condition {
    message =
        message.length() <= LONGEST_MESSAGE ? message : message.substring(0, LONGEST_MESSAGE) + "…";
  }

  static Condition read(YamlValue.Mapping written) {
    String generation = JsonTree.text(written, "observedGeneration");
    return new Condition(
        JsonTree.text(written, "type"),
        JsonTree.text(written, "status"),
        generation.matches("[0-9]{1,18}") ? Long.parseLong(generation) : 0,
        JsonTree.text(written, "lastTransitionTime"),
        JsonTree.text(written, "reason"),
        JsonTree.text(written, "message"));
  }

  /** Whether {@code other} says the same, whenever it began to. */
  public boolean saysAs(Condition other) {
    return since(other.lastTransitionTime).equals(other);
  }

  /** The same, with another time of the last change. */
  public Condition since(String time) {
    return new Condition(type, status, observedGeneration, time, reason, message);
  }

  /** The same, with another message. */
  public Condition saying(String text) {
    return new Condition(type, status, observedGeneration, lastTransitionTime, reason, text);
  }

  /** As the API has it. */
  public ObjectNode json() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("type", type)
        .put("status", status)
        .put("observedGeneration", observedGeneration)
        .put("lastTransitionTime", lastTransitionTime)
        .put("reason", reason)
        .put("message", message);
  }
}
