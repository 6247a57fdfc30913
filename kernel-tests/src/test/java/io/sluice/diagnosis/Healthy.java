package io.sluice.diagnosis;

import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.util.Map;
import java.util.TreeMap;

/** Manifests of a mesh of which nothing is to be said, by the names of their files. */
final class Healthy {
  private static final String POD =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: NAME, namespace: shop, annotations: {sluice.io/netns: NETNS, sluice.io/outbound-port-exclusion-list: "9999"}, labels: {app: NAME}}
      spec:
        serviceAccountName: NAME
        nodeName: NODE
        containers: [{name: main, image: x, ports: [{name: web, containerPort: 8080}]}]
      status:
        phase: Running
        podIPs: [{ip: FOUR}, {ip: "SIX"}]
        conditions: [{type: Ready, status: "True"}]
      """;

  private static final String SERVICE =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: store, namespace: shop}
      spec:
        clusterIP: 10.96.0.10
        clusterIPs: [10.96.0.10]
        selector: {app: store}
        ports: [{name: http-web, port: 80, targetPort: web}]
      """;

  private static final String TARGET =
      """
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: FROM-to-TO, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: TO, namespace: shop}
        sources: [{kind: ServiceAccount, name: FROM, namespace: shop}]
        rules: [RULE]
      """;

  private static final String ROUTES =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: main, namespace: shop}
      spec: {matches: {ports: [8080]}}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: web, namespace: shop}
      spec: {matches: [{name: read, pathRegex: "/books.*", methods: [GET]}]}
      """;

  private static final String NAMESPACE =
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop, labels: {sluice.io/mesh: enabled}}
      """;

  private static final String CONFIG =
      """
      apiVersion: config.sluice.io/v1alpha1
      kind: MeshConfig
      metadata: {name: mesh, namespace: sluice-system}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: false}}
      """;

  private Healthy() {}

  static Map<String, String> objects(Cluster cluster) {
    Map<String, String> objects = new TreeMap<>();
    objects.put("namespace", NAMESPACE);
    objects.put("config", CONFIG);
    objects.put("buyer", pod(cluster.pod("buyer")));
    objects.put("store", pod(cluster.pod("store")));
    objects.put("far", pod(cluster.pod("far")));
    objects.put("service", SERVICE);
    objects.put("routes", ROUTES);
    objects.put(
        "target", target("buyer", "store", "kind: HTTPRouteGroup, name: web, matches: [read]"));
    objects.put("to-far", target("buyer", "far", "kind: TCPRoute, name: main"));
    objects.put("back", target("store", "buyer", "kind: TCPRoute, name: main"));
    return objects;
  }

  static String pod(SitePod pod) {
    return POD.replace("NAME", pod.name())
        .replace("NETNS", pod.netns())
        .replace("NODE", pod.place().nodeName())
        .replace("FOUR", IpAddresses.text(pod.address(Family.IPV4)))
        .replace("SIX", IpAddresses.text(pod.address(Family.IPV6)));
  }

  private static String target(String from, String to, String rule) {
    return TARGET.replace("FROM", from).replace("TO", to).replace("RULE", "{" + rule + "}");
  }
}
