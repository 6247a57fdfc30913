package io.sluice.control.xds.translate;

import com.google.protobuf.Descriptors.Descriptor;
import io.sluice.api.envoy.cluster.Cluster;
import io.sluice.api.envoy.endpoint.ClusterLoadAssignment;
import io.sluice.api.envoy.listener.Listener;
import io.sluice.api.envoy.route.RouteConfiguration;
import io.sluice.api.envoy.tls.Secret;
import java.util.Locale;
import java.util.Optional;

/**
 * A type of resource, in the order in which a change is told: what is referred to comes before what
 * refers to it. What goes away needs no other order, since a cluster goes only with its listener.
 */
public enum XdsType {
  /** One port of a service. */
  CLUSTER(Cluster.getDescriptor(), true),
  /** Where it leads. */
  ENDPOINT(ClusterLoadAssignment.getDescriptor(), false),
  /** A name that clients dial. */
  LISTENER(Listener.getDescriptor(), true),
  /** Which cluster such a name means. */
  ROUTE(RouteConfiguration.getDescriptor(), false),
  /** The roots of the mesh. */
  SECRET(Secret.getDescriptor(), false);

  private static final String PREFIX = "type.googleapis.com/";

  private final String url;
  private final boolean whole;

  XdsType(Descriptor message, boolean whole) {
    this.url = PREFIX + message.getFullName();
    this.whole = whole;
  }

  /** The type that requests and responses call {@code url}. */
  public static Optional<XdsType> ofUrl(String url) {
    for (XdsType type : values()) {
      if (type.url.equals(url)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** As the protocol names it. */
  public String url() {
    return url;
  }

  /**
   * Whether, in the variant of the protocol that knows no removals, a response holds everything
   * that the client asked for, so that what is missing from it does not exist.
   */
  public boolean isWhole() {
    return whole;
  }

  /** Name in status and metrics. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
