package io.sluice.control.lease;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * What a Lease says.
 *
 * @param version resource version of the object; empty before it is created
 * @param holder identity of the holder, empty where it was released
 * @param seconds for how long it is good after a renewal
 * @param acquired since when the holder has it, by the holder's clock
 * @param renewed when it was renewed last, by the holder's clock
 * @param transitions how often it has passed from one to another
 */
record LeaseRecord(
    String version, String holder, int seconds, String acquired, String renewed, int transitions) {
  private static final int LONGEST_SECONDS = 300;

  static LeaseRecord parse(JsonNode lease) {
    JsonNode spec = lease.path("spec");
    return new LeaseRecord(
        lease.path("metadata").path("resourceVersion").asText(),
        spec.path("holderIdentity").asText(""),
        Math.clamp(spec.path("leaseDurationSeconds").asInt(), 0, LONGEST_SECONDS),
        spec.path("acquireTime").asText(""),
        spec.path("renewTime").asText(""),
        Math.max(0, spec.path("leaseTransitions").asInt()));
  }

  /** A first one, of {@code holder}. */
  static LeaseRecord first(String holder, Duration duration, Instant now) {
    return new LeaseRecord("", holder, seconds(duration), text(now), text(now), 0);
  }

  /** This one, renewed by its holder. */
  LeaseRecord renewed(Duration duration, Instant now) {
    return new LeaseRecord(version, holder, seconds(duration), acquired, text(now), transitions);
  }

  /** This one, taken by another. */
  LeaseRecord taken(String by, Duration duration, Instant now) {
    return new LeaseRecord(version, by, seconds(duration), text(now), text(now), transitions + 1);
  }

  /** This one, given up: whoever looks next may take it. */
  LeaseRecord released(Instant now) {
    return new LeaseRecord(version, "", 1, acquired, text(now), transitions);
  }

  boolean isHeldBy(String identity) {
    return holder.equals(identity);
  }

  /**
   * Whether {@code other} was written by the same renewal; other parts of the object may differ.
   */
  boolean isSameRenewal(LeaseRecord other) {
    return holder.equals(other.holder)
        && renewed.equals(other.renewed)
        && transitions == other.transitions;
  }

  JsonNode json(String namespace, String name) {
    ObjectNode lease = JsonNodeFactory.instance.objectNode();
    lease.put("apiVersion", "coordination.k8s.io/v1").put("kind", "Lease");
    ObjectNode metadata = lease.putObject("metadata").put("namespace", namespace).put("name", name);
    if (!version.isEmpty()) {
      metadata.put("resourceVersion", version);
    }
    ObjectNode spec = lease.putObject("spec");
    if (!holder.isEmpty()) {
      spec.put("holderIdentity", holder);
    }
    spec.put("leaseDurationSeconds", seconds)
        .put("acquireTime", acquired)
        .put("renewTime", renewed)
        .put("leaseTransitions", transitions);
    return lease;
  }

  private static int seconds(Duration duration) {
    return Math.toIntExact(Math.max(1, duration.toSeconds()));
  }

  /** The API's MicroTime: exactly six digits of a second. */
  private static String text(Instant now) {
    Instant second = now.truncatedTo(ChronoUnit.SECONDS);
    String whole = second.toString();
    return whole.substring(0, whole.length() - 1)
        + "."
        + String.format("%06d", Duration.between(second, now).toNanos() / 1_000)
        + "Z";
  }
}
