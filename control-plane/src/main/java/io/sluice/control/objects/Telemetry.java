package io.sluice.control.objects;

import io.sluice.mesh.LogFormat;
import io.sluice.mesh.NamespacedName;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Telemetry of OSM ({@code policy.openservicemesh.io/v1alpha1}).
 *
 * @param meta name and origin
 * @param selector labels of the Pods that it is for; empty for all
 * @param accessLogOrNull what it says of the access log
 */
public record Telemetry(
    ObjectMeta meta, Map<String, String> selector, @Nullable AccessLog accessLogOrNull)
    implements KubernetesObject {
  public Telemetry {
    selector = Map.copyOf(selector);
  }

  /**
   * What is said of the access log.
   *
   * @param formatOrNull of a line; null for the usual one
   * @param serviceOrNull the ExtensionService that lines are sent to
   * @param attributes of each line that is sent, by name
   */
  public record AccessLog(
      @Nullable LogFormat formatOrNull,
      @Nullable NamespacedName serviceOrNull,
      Map<String, LogFormat> attributes) {
    public AccessLog {
      attributes = Map.copyOf(attributes);
    }
  }

  /** Whether lines are sent to the ExtensionService of that name. */
  public boolean names(NamespacedName service) {
    return accessLogOrNull != null && service.equals(accessLogOrNull.serviceOrNull());
  }
}
