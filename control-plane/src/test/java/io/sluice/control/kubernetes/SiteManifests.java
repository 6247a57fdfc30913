package io.sluice.control.kubernetes;

/** Manifests of a small site, with one object each. */
public final class SiteManifests {
  private SiteManifests() {}

  public static String namespace(String name, String mesh) {
    return """
    apiVersion: v1
    kind: Namespace
    metadata: {name: %s, labels: {sluice.io/mesh: %s}}
    """
        .formatted(name, mesh);
  }

  /** A Pod of the account and with the label {@code app} of its name. */
  public static String pod(String name, String address) {
    return """
    apiVersion: v1
    kind: Pod
    metadata:
      name: %1$s
      namespace: shop
      uid: 3f6c1a52-5ad0-4f5c-9a4e-%2$012x
      labels: {app: %1$s, sluice.io/mesh: enabled}
    spec:
      nodeName: edge-1
      serviceAccountName: %1$s
      containers:
      - {name: main, image: main, ports: [{name: http, containerPort: 8080}]}
    status:
      podIPs: [{ip: %3$s}]
    """
        .formatted(name, name.hashCode() & 0xffffffffL, address);
  }

  public static String service(String app) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s, namespace: shop}
    spec:
      clusterIP: 10.96.0.10
      selector: {app: %1$s}
      ports: [{name: http, port: 80, targetPort: http}]
    """
        .formatted(app);
  }

  public static String slice(String app, String address) {
    return """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: %1$s-1, namespace: shop, labels: {kubernetes.io/service-name: %1$s}}
    addressType: IPv4
    ports: [{name: http, port: 8080}]
    endpoints: [{addresses: [%2$s]}]
    """
        .formatted(app, address);
  }

  public static String target(String from, String to) {
    return """
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %1$s-to-%2$s, namespace: shop}
    spec:
      destination: {kind: ServiceAccount, name: %2$s, namespace: shop}
      sources: [{kind: ServiceAccount, name: %1$s, namespace: shop}]
      rules: [{kind: TCPRoute, name: all}]
    """
        .formatted(from, to);
  }

  public static String route(String ports) {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: TCPRoute
    metadata: {name: all, namespace: shop}
    spec: {matches: {ports: %s}}
    """
        .formatted(ports);
  }

  public static String config(boolean permissive) {
    return """
    apiVersion: config.sluice.io/v1alpha1
    kind: MeshConfig
    metadata: {name: sluice-mesh-config, namespace: sluice-system}
    spec: {traffic: {enablePermissiveTrafficPolicyMode: %s}}
    """
        .formatted(permissive);
  }
}
