package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.TrustDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Reads a MeshConfig and says of every other field it sets whether the mesh knows it. */
final class MeshConfigReader {
  private static final String SIDECAR = "sidecar";
  private static final String CERTIFICATE = "certificate";

  private static final Set<String> READ_IN_TRAFFIC =
      Set.of(
          "enablePermissiveTrafficPolicyMode",
          "enableEgress",
          "mtlsMode",
          "metadataMode",
          "pingMode",
          "sameNodeMtls",
          "idleTimeout",
          "revokedConnections",
          "retirement",
          "dnsResolvers",
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
          SIDECAR,
          "repoServer",
          "observability",
          CERTIFICATE,
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

  /** Fields of those sections that are read. */
  private static final Map<String, Set<String>> READ_IN_SECTIONS =
      Map.of(
          SIDECAR, Set.of("sidecarDisabledMTLS", "localProxyMode"),
          CERTIFICATE,
              Set.of("trustDomain", "deniedIdentities", "deniedSerials", FederationReader.FIELD));

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
        Fields fields = spec.objectOrEmpty(section);
        for (String name : fields.names()) {
          boolean read = READ_IN_SECTIONS.getOrDefault(section, Set.of()).contains(name);
          if (!read && fields.has(name)) {
            notEnforced.add(fields.fieldPath(name));
          }
        }
      } else if (!section.equals("traffic") && spec.has(section)) {
        unknown.add(spec.fieldPath(section));
      }
    }
    Fields certificate = spec.objectOrEmpty(CERTIFICATE);
    unknown.addAll(FederationReader.unknown(certificate));
    TrustDomain trustDomain =
        certificate
            .parsed("trustDomain", TrustDomain::new, FederationReader.NAME_A_DOMAIN)
            .orElse(TrustDomain.CLUSTER_LOCAL);
    Fields sidecar = spec.objectOrEmpty(SIDECAR);
    return new MeshConfig(
        meta,
        traffic.isTrue("enablePermissiveTrafficPolicyMode"),
        traffic.isTrue("enableEgress"),
        sidecar.isTrue("sidecarDisabledMTLS"),
        traffic.text("mtlsMode").orElse(null),
        traffic.text("metadataMode").orElse(null),
        traffic.text("pingMode").orElse(null),
        sidecar.text("localProxyMode").orElse(null),
        traffic.text("sameNodeMtls").orElse(null),
        traffic.text("idleTimeout").orElse(null),
        traffic.text("revokedConnections").orElse(null),
        traffic.text("retirement").orElse(null),
        trustDomain,
        texts(certificate, "deniedIdentities"),
        texts(certificate, "deniedSerials"),
        FederationReader.read(certificate, trustDomain),
        InterceptionReader.fromTraffic(traffic),
        notEnforced,
        unknown);
  }

  private static List<String> texts(Fields fields, String name) {
    return fields.parsedList(name, Function.identity(), "write a string");
  }
}
