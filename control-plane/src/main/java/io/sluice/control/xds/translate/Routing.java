package io.sluice.control.xds.translate;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
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

/** From the name that a client dials to a cluster. */
final class Routing {
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
            .setRds(Rds.newBuilder().setConfigSource(Clusters.SAME_STREAM).setRouteConfigName(port))
            .addHttpFilters(
                HttpFilter.newBuilder().setName("envoy.filters.http.router").setTypedConfig(ROUTER))
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
