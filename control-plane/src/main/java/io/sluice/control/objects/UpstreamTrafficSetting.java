package io.sluice.control.objects;

import io.sluice.mesh.SharedLimit;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.UpstreamSetting.SharedRequestLimit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An UpstreamTrafficSetting of OSM and osm-edge ({@code policy.openservicemesh.io/v1alpha1}).
 *
 * @param meta name and origin
 * @param host the Service that it is for, by its name or a name of DNS
 * @param pool connections and requests at the same time
 * @param breakerOrNull when calls are answered in the Service's place
 * @param ejectionOrNull when an endpoint is not chosen for a while
 * @param connectionsOrNull how many connections a pod takes
 * @param bitsPerSecond of a pod's connections; 0 where nothing is said
 * @param requestsOrNull how many requests a pod takes
 * @param sharedConnectionsOrNull how many connections all pods take
 * @param sharedRequestsOrNull how many requests all pods take
 * @param routes the same for some paths
 * @param notEnforced paths of fields that are set and that the mesh does not act on
 */
public record UpstreamTrafficSetting(
    ObjectMeta meta,
    String host,
    Pool pool,
    @Nullable Breaker breakerOrNull,
    @Nullable Ejection ejectionOrNull,
    @Nullable Rate connectionsOrNull,
    long bitsPerSecond,
    @Nullable RequestLimit requestsOrNull,
    @Nullable SharedLimit sharedConnectionsOrNull,
    @Nullable SharedRequestLimit sharedRequestsOrNull,
    List<Route> routes,
    List<String> notEnforced)
    implements KubernetesObject {
  public UpstreamTrafficSetting {
    routes = List.copyOf(routes);
    notEnforced = List.copyOf(notEnforced);
  }

  /**
   * Limits of some paths.
   *
   * @param index among those that are written
   * @param path regular expression
   */
  public record Route(
      int index,
      String path,
      @Nullable RequestLimit limitOrNull,
      List<SharedLimit.Descriptor> shared) {
    public Route {
      shared = List.copyOf(shared);
    }
  }
}
