package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads a MeshConfig and says of every other field it sets whether the mesh knows it. */
final class MeshConfigReader {
  private static final Set<String> READ_IN_TRAFFIC =
      Set.of(
          "enablePermissiveTrafficPolicyMode",
          "enableEgress",
          "outboundPortExclusionList",
          "inboundPortExclusionList",
          "outboundIPRangeExclusionList",
          "outboundIPRangeInclusionList",
          "networkInterfaceExclusionList");

  private static final Set<String> KNOWN_IN_TRAFFIC =
      Set.of(
          "inboundExternalAuthorization",
          "interceptionMode",
          "useHTTPSIngress",
          "serviceAccessMode",
          "serviceAccessNames",
          "http1PerRequestLoadBalancing",
          "http2PerRequestLoadBalancing");

  /** Sections of the MeshConfigs of OSM, osm-edge and FSM besides {@code traffic}. */
  private static final Set<String> KNOWN_SECTIONS =
      Set.of(
          "clusterSet",
          "sidecar",
          "repoServer",
          "observability",
          "certificate",
          "featureFlags",
          "pluginChains",
          "ingress",
          "gatewayAPI",
          "serviceLB",
          "flb",
          "egressGateway",
          "image",
          "misc",
          "connector",
          "warmup");

  private MeshConfigReader() {}

  static MeshConfig read(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    Fields traffic = spec.objectOrEmpty("traffic");
    List<String> notEnforced = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    for (String name : traffic.names()) {
      if (!READ_IN_TRAFFIC.contains(name) && traffic.has(name)) {
        (KNOWN_IN_TRAFFIC.contains(name) ? notEnforced : unknown).add(traffic.fieldPath(name));
      }
    }
    for (String section : spec.names()) {
      if (KNOWN_SECTIONS.contains(section)) {
        for (String name : spec.objectOrEmpty(section).names()) {
          if (spec.objectOrEmpty(section).has(name)) {
            notEnforced.add(spec.objectOrEmpty(section).fieldPath(name));
          }
        }
      } else if (!section.equals("traffic") && spec.has(section)) {
        unknown.add(spec.fieldPath(section));
      }
    }
    return new MeshConfig(
        meta,
        traffic.isTrue("enablePermissiveTrafficPolicyMode"),
        traffic.isTrue("enableEgress"),
        InterceptionReader.fromTraffic(traffic),
        notEnforced,
        unknown);
  }
}
