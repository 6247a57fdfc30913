package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.interception.Mechanism;
import io.sluice.node.InterceptionMode;
import java.time.Duration;

/**
 * How traffic is intercepted in this demo, and what that promises; the contract is the same but for
 * the claims below (see docs/interception.md).
 *
 * @param asked by the operator
 * @param inForce label of the mechanism, or {@link #NONE}
 * @param reason the daemon's, why it took that one
 */
record DemoMode(InterceptionMode asked, String inForce, String reason) {
  /** In force before a daemon has said that it is ready. */
  static final String NONE = "none";

  /** Before the daemon has chosen. */
  static DemoMode undecided(InterceptionMode asked) {
    return new DemoMode(asked, NONE, "no daemon has been ready");
  }

  /** As the status of a daemon tells it. */
  static DemoMode of(InterceptionMode asked, JsonNode status) {
    return new DemoMode(
        asked, status.path("mode").asText(NONE), status.path("modeReason").asText(""));
  }

  /** Whether rules do part of the work, or all of it. */
  boolean hasRules() {
    return isIptables() || inForce.equals(Mechanism.SPLIT.label());
  }

  private boolean isIptables() {
    return inForce.equals(Mechanism.IPTABLES.label());
  }

  /** Whether an application's accept(2) names the true client's port too. */
  boolean showsPortsOfClients() {
    return !isIptables();
  }

  /** Whether all verdicts are in pinned maps, which a dead daemon leaves. */
  boolean countsInMaps() {
    return !hasRules();
  }

  /**
   * From the start of a daemon's process to the first answer, on two cores that do nothing else: a
   * goal, for on a weak or busy machine it takes longer, and the mesh is as sound. With rules it
   * starts some hundred programs first, to try the variants and to write and read back the rules of
   * every pod.
   */
  Duration restartGoal() {
    return Duration.ofSeconds(hasRules() ? 4 : 2);
  }

  /** Where verdicts are counted. */
  String counters() {
    return countsInMaps() ? "map" : "rules";
  }
}
