package io.sluice.diagnosis;

import io.sluice.diagnosis.Fault.Act;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Faults of objects and policy, in the folder that the controller reads. */
final class ObjectFaults {
  private static final String TARGET = "target";
  private static final String TO_STORE = "TrafficTarget shop/buyer-to-store";
  private static final String SERVICE = "service";
  private static final String SPLIT =
      """
      apiVersion: split.smi-spec.io/v1alpha4
      kind: TrafficSplit
      metadata: {name: half, namespace: shop}
      spec: {service: store, backends: [{service: BACKEND, weight: WEIGHT}]}
      """;

  private final List<Fault> all = new ArrayList<>();

  private ObjectFaults() {}

  static List<Fault> all() {
    ObjectFaults faults = new ObjectFaults();
    faults.targets();
    faults.services();
    faults.others();
    faults.decisions();
    return faults.all;
  }

  private void changed(
      String what, String code, String object, String file, String from, String to) {
    all.add(
        Fault.seen(
            what,
            "`" + from + "` becomes `" + to + "`",
            code,
            object,
            bay -> bay.change(file, from, to),
            bay -> bay.restore(file)));
  }

  private void added(String what, String way, String code, String object, String yaml) {
    Act add = bay -> bay.cluster.registry().write("more", yaml);
    all.add(Fault.seen(what, way, code, object, add, bay -> bay.restore("more")));
  }

  private void targets() {
    changed(
        "A TrafficTarget names a route that does not exist",
        "SLU2006",
        TO_STORE,
        TARGET,
        "name: web",
        "name: wbe");
    changed(
        "A TrafficTarget names a match that its route does not have",
        "SLU2007",
        TO_STORE,
        TARGET,
        "[read]",
        "[raed]");
    changed(
        "A TrafficTarget is in another namespace than its destination",
        "SLU2008",
        TO_STORE,
        TARGET,
        "name: store, namespace: shop",
        "name: store, namespace: bank");
    changed(
        "The account of a destination is misspelt",
        "SLU2031",
        TO_STORE,
        TARGET,
        "name: store,",
        "name: stroe,");
    changed(
        "The account of a source is misspelt",
        "SLU2032",
        TO_STORE,
        TARGET,
        "name: buyer,",
        "name: byuer,");
    changed(
        "A TCPRoute has a port that nobody serves",
        "SLU2034",
        "TCPRoute shop/main",
        "routes",
        "ports: [8080]",
        "ports: [80]");
    changed(
        "The destination of a TrafficTarget is kept out of the mesh",
        "SLU2035",
        TO_STORE,
        "store",
        "labels: {",
        "labels: {sluice.io/mesh: disabled, ");
  }

  private void services() {
    changed(
        "The selector of a Service is misspelt",
        "SLU2039",
        "Service shop/store",
        SERVICE,
        "{app: store}",
        "{app: stroe}");
    changed(
        "No pod of a Service is ready",
        "SLU2040",
        "Service shop/store",
        "store",
        "status: \"True\"",
        "status: \"False\"");
    changed(
        "A Service leads to a port name that no container has",
        "SLU2042",
        "Service shop/store",
        SERVICE,
        "targetPort: web",
        "targetPort: wbe");
    added(
        "A TrafficSplit has a backend that does not exist",
        "a TrafficSplit is written",
        "SLU2016",
        "TrafficSplit shop/half",
        SPLIT.replace("BACKEND", "stroe").replace("WEIGHT", "1"));
    added(
        "All weights of a TrafficSplit are 0",
        "a TrafficSplit is written",
        "SLU2018",
        "TrafficSplit shop/half",
        SPLIT.replace("BACKEND", "store").replace("WEIGHT", "0"));
  }

  private void others() {
    added(
        "There is a second MeshConfig",
        "a MeshConfig is written",
        "SLU2012",
        "MeshConfig sluice-system/second",
        """
        apiVersion: config.sluice.io/v1alpha1
        kind: MeshConfig
        metadata: {name: second, namespace: sluice-system}
        spec: {traffic: {enablePermissiveTrafficPolicyMode: true}}
        """);
    added(
        "A manifest has a mistake",
        "a list where a mapping has to be",
        "SLU2002",
        "more.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: [no, mapping]\n");
    all.add(
        Fault.seen(
            "A manifest cannot be read",
            "a link that leads nowhere",
            "SLU2001",
            "gone.yaml",
            bay -> Files.createSymbolicLink(link(bay), Path.of("nowhere")),
            bay -> Files.delete(link(bay))));
    changed(
        "An annotation has a word that means nothing",
        "SLU2022",
        "shop/store",
        "store",
        "annotations: {",
        "annotations: {sluice.io/mtls-mode: strictly, ");
    changed(
        "A port is excluded for which policy is written",
        "SLU2045",
        "shop/buyer",
        "buyer",
        "annotations: {",
        "annotations: {sluice.io/inbound-port-exclusion-list: \"8080\", ");
  }

  private static Path link(SickBay bay) {
    return bay.cluster.registry().directory().resolve("gone.yaml");
  }

  private void decisions() {
    all.add(
        new Fault(
            "No TrafficTarget lets the caller in",
            "it is deleted",
            "no_traffic_target",
            "shop/store",
            bay -> bay.why("shop/buyer", "shop/store:8080"),
            bay -> bay.cluster.registry().remove(TARGET),
            bay -> bay.restore(TARGET)));
    changed(
        "No route of a TrafficTarget matches the request",
        "route_not_granted",
        TO_STORE,
        "routes",
        "/books.*",
        "/boks.*");
    all.add(all.removeLast().asked(bay -> bay.why("shop/buyer", "shop/store:80", "GET", "/books")));
    changed(
        "The caller's identity is denied",
        "peer_denied",
        "MeshConfig",
        "config",
        "spec: {",
        "spec: {certificate: {deniedIdentities: [\"spiffe://cluster.local/ns/shop/sa/buyer\"]}, ");
    all.add(all.removeLast().asked(bay -> bay.why("shop/buyer", "shop/far:8080")));
  }
}
