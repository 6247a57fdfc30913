package io.sluice.control.xds.translate;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.UInt32Value;
import io.sluice.api.envoy.cluster.Cluster;
import io.sluice.api.envoy.core.Address;
import io.sluice.api.envoy.core.AggregatedConfigSource;
import io.sluice.api.envoy.core.ApiVersion;
import io.sluice.api.envoy.core.ConfigSource;
import io.sluice.api.envoy.core.HealthStatus;
import io.sluice.api.envoy.core.Locality;
import io.sluice.api.envoy.core.SocketAddress;
import io.sluice.api.envoy.core.TransportSocket;
import io.sluice.api.envoy.endpoint.ClusterLoadAssignment;
import io.sluice.api.envoy.endpoint.LbEndpoint;
import io.sluice.api.envoy.endpoint.LocalityLbEndpoints;
import io.sluice.api.envoy.http.HttpConnectionManager;
import io.sluice.api.envoy.http.HttpFilter;
import io.sluice.api.envoy.http.Rds;
import io.sluice.api.envoy.listener.ApiListener;
import io.sluice.api.envoy.listener.Listener;
import io.sluice.api.envoy.route.Route;
import io.sluice.api.envoy.route.RouteAction;
import io.sluice.api.envoy.route.RouteConfiguration;
import io.sluice.api.envoy.route.RouteMatch;
import io.sluice.api.envoy.route.VirtualHost;
import io.sluice.api.envoy.router.Router;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Workload;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** A port of a service, and the endpoints behind it. */
final class Clusters {
  /** What is referred to comes by the stream that the reference came by. */
  static final ConfigSource SAME_STREAM =
      ConfigSource.newBuilder()
          .setAds(AggregatedConfigSource.getDefaultInstance())
          .setResourceApiVersion(ApiVersion.V3)
          .build();

  private static final Duration CONNECT_TIMEOUT = Duration.newBuilder().setSeconds(5).build();

  private static final Comparator<Endpoint> BY_ADDRESS =
      Comparator.comparing(endpoint -> IpAddresses.text(endpoint.address()));

  private Clusters() {}

  static Cluster cluster(String port, Optional<TransportSocket> tls) {
    Cluster.Builder cluster =
        Cluster.newBuilder()
            .setName(port)
            .setType(Cluster.DiscoveryType.EDS)
            .setEdsClusterConfig(
                Cluster.EdsClusterConfig.newBuilder()
                    .setEdsConfig(SAME_STREAM)
                    .setServiceName(port))
            .setConnectTimeout(CONNECT_TIMEOUT)
            .setLbPolicy(Cluster.LbPolicy.ROUND_ROBIN);
    tls.ifPresent(cluster::setTransportSocket);
    return cluster.build();
  }

  /** Endpoints by the node they are on, so that each takes the same share. */
  static ClusterLoadAssignment assignment(
      String port, MeshSnapshot snapshot, List<Endpoint> endpoints) {
    SortedMap<String, List<Endpoint>> byNode = new TreeMap<>();
    for (Endpoint endpoint : endpoints) {
      String node =
          snapshot
              .workloadAt(endpoint.address().getAddress())
              .flatMap(Workload::nodeName)
              .orElse("");
      byNode.computeIfAbsent(node, name -> new ArrayList<>()).add(endpoint);
    }
    ClusterLoadAssignment.Builder assignment =
        ClusterLoadAssignment.newBuilder().setClusterName(port);
    byNode.forEach((node, there) -> assignment.addEndpoints(locality(node, there)));
    return assignment.build();
  }

  private static LocalityLbEndpoints locality(String node, List<Endpoint> endpoints) {
    // A weight of 0 is not allowed, and where nothing is ready none is asked for.
    int ready = Math.max(1, (int) endpoints.stream().filter(Endpoint::ready).count());
    LocalityLbEndpoints.Builder locality =
        LocalityLbEndpoints.newBuilder()
            .setLocality(Locality.newBuilder().setSubZone(node))
            .setLoadBalancingWeight(UInt32Value.of(ready));
    endpoints.stream()
        .sorted(BY_ADDRESS)
        .forEach(endpoint -> locality.addLbEndpoints(lbEndpoint(endpoint)));
    return locality.build();
  }

  private static LbEndpoint lbEndpoint(Endpoint endpoint) {
    SocketAddress address =
        SocketAddress.newBuilder()
            .setProtocol(SocketAddress.Protocol.TCP)
            .setAddress(IpAddresses.text(endpoint.address().getAddress()))
            .setPortValue(endpoint.address().getPort())
            .build();
    return LbEndpoint.newBuilder()
        .setEndpoint(
            io.sluice.api.envoy.endpoint.Endpoint.newBuilder()
                .setAddress(Address.newBuilder().setSocketAddress(address)))
        .setHealthStatus(endpoint.ready() ? HealthStatus.HEALTHY : HealthStatus.UNHEALTHY)
        .build();
  }

  /** From the name that a client dials to a cluster. */
  static final class Routing {
    private static final Any ROUTER = Any.pack(Router.getDefaultInstance());

    private Routing() {}

    /**
     * @param dialled the name that the client uses
     * @param port full name of what it means
     */
    static Listener listener(String dialled, String port) {
      HttpConnectionManager manager =
          HttpConnectionManager.newBuilder()
              .setStatPrefix(port)
              .setRds(
                  Rds.newBuilder().setConfigSource(Clusters.SAME_STREAM).setRouteConfigName(port))
              .addHttpFilters(
                  HttpFilter.newBuilder()
                      .setName("envoy.filters.http.router")
                      .setTypedConfig(ROUTER))
              .build();
      return Listener.newBuilder()
          .setName(dialled)
          .setApiListener(ApiListener.newBuilder().setApiListener(Any.pack(manager)))
          .build();
    }

    /** Everything to the cluster of the same name, for as long as it takes. */
    static RouteConfiguration route(String port) {
      return RouteConfiguration.newBuilder()
          .setName(port)
          .addVirtualHosts(
              VirtualHost.newBuilder()
                  .setName(port)
                  .addDomains("*")
                  .addRoutes(
                      Route.newBuilder()
                          .setMatch(RouteMatch.newBuilder().setPrefix(""))
                          .setRoute(
                              RouteAction.newBuilder()
                                  .setCluster(port)
                                  .setTimeout(Duration.getDefaultInstance()))))
          .build();
    }
  }
}
