package io.sluice.lab.demo;

import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.function.Function;

/** The shop as Kubernetes YAML, on one node or on two. */
final class ShopManifests {
  /** Rule of a TrafficTarget that grants bytes to the stores' till. */
  static final String TILL = "{kind: TCPRoute, name: bookstore-till}";

  private static final int HUNDRED = 100;

  private ShopManifests() {}

  /**
   * A pod of the shop.
   *
   * @param netns name of its network namespace
   * @param annotations further ones, each behind a comma
   * @param spec further fields, each behind a comma
   * @param addresses by family
   */
  static String pod(
      DemoPod pod,
      String netns,
      String annotations,
      String spec,
      Function<IpFamily, InetAddress> addresses) {
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: %s
      namespace: shop
      labels: {app: %s, version: %s}
      annotations: {sluice.io/netns: %s%s}
    spec: {serviceAccountName: %s%s}
    status: {podIPs: [{ip: %s}, {ip: "%s"}]}
    """
        .formatted(
            pod.label(),
            pod.app(),
            pod.version(),
            netns,
            annotations,
            pod.app(),
            spec,
            IpAddresses.text(addresses.apply(IpFamily.IPV4)),
            IpAddresses.text(addresses.apply(IpFamily.IPV6)));
  }

  /** The bookstore, each of its versions by itself, and the warehouse. */
  static String services() {
    String store =
        """
        - {name: tcp-till, port: %d, targetPort: %d}
          - {name: http-books, port: %d}
          - {name: grpc-books, port: %d}\
        """
            .formatted(
                DemoPlan.SERVICE_PORT,
                DemoPlan.STORE_PORT,
                DemoPlan.BOOKS_PORT,
                DemoPlan.GRPC_PORT);
    return String.join(
        "---\n",
        service("bookstore", 10, "{app: bookstore}", store),
        service("bookstore-v1", 11, "{app: bookstore, version: v1}", store),
        service("bookstore-v2", 12, "{app: bookstore, version: v2}", store),
        service(
            "bookwarehouse",
            20,
            "{app: bookwarehouse}",
            "- {name: tcp-stock, port: %d}".formatted(DemoPlan.WAREHOUSE_PORT)));
  }

  private static String service(String name, int number, String selector, String ports) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec:
      clusterIPs: ["%s", "%s"]
      selector: %s
      ports:
      %s
    """
        .formatted(
            name,
            DemoPlan.serviceAddress(IpFamily.IPV4, number),
            DemoPlan.serviceAddress(IpFamily.IPV6, number),
            selector,
            ports);
  }

  /** Rule of a TrafficTarget that grants some HTTP routes of the stores. */
  static String routes(String matches) {
    return "{kind: HTTPRouteGroup, name: bookstore-service-routes, matches: [" + matches + "]}";
  }

  static String policy() {
    return String.join(
        "---\n",
        tcpRoute("bookstore-till", DemoPlan.STORE_PORT),
        tcpRoute("bookwarehouse-stock", DemoPlan.WAREHOUSE_PORT),
        """
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: HTTPRouteGroup
        metadata: {name: bookstore-service-routes, namespace: shop}
        spec:
          matches:
          - {name: books-bought, pathRegex: /books-bought, methods: [GET]}
          - {name: buy-a-book, pathRegex: ".*a-book.*new", methods: [GET]}
          - {name: book-news, pathRegex: /book-news, methods: [GET]}
          - {name: call-to-buy, pathRegex: /bookstore.Books/Buy, methods: [POST]}
        """,
        trafficTarget("bookbuyer-to-till", "bookbuyer", "bookstore", TILL),
        trafficTarget(
            "bookbuyer-to-bookstore",
            "bookbuyer",
            "bookstore",
            routes("books-bought, buy-a-book, book-news, call-to-buy")),
        trafficTarget(
            "bookstore-to-bookwarehouse",
            "bookstore",
            "bookwarehouse",
            "{kind: TCPRoute, name: bookwarehouse-stock}"));
  }

  private static String tcpRoute(String name, int port) {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: TCPRoute
    metadata: {name: %s, namespace: shop}
    spec: {matches: {ports: [%d]}}
    """
        .formatted(name, port);
  }

  static String trafficTarget(String name, String source, String destination, String rule) {
    return """
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %s, namespace: shop}
    spec:
      destination: {kind: ServiceAccount, name: %s, namespace: shop}
      sources: [{kind: ServiceAccount, name: %s, namespace: shop}]
      rules: [%s]
    """
        .formatted(name, destination, source, rule);
  }

  /** Calls of the bookstore by version, {@code first} of a hundred to the first. */
  static String split(int first) {
    return """
    apiVersion: split.smi-spec.io/v1alpha2
    kind: TrafficSplit
    metadata: {name: bookstore-split, namespace: shop}
    spec:
      service: bookstore
      backends:
      - {service: bookstore-v1, weight: %d}
      - {service: bookstore-v2, weight: %d}
    """
        .formatted(first, HUNDRED - first);
  }
}
