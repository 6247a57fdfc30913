package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.Problem;
import io.sluice.mesh.Spelling;
import io.sluice.mesh.TrustDomain;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Reads a MeshConfig and says of every other field it sets whether the mesh knows it. */
final class MeshConfigReader {
  private static final String OBSERVABILITY = "observability";
  private static final String SIDECAR = "sidecar";
  private static final String BALANCING = "http1PerRequestLoadBalancing";
  private static final String LEAF_LIFETIME = "serviceCertValidityDuration";
  private static final String CERTIFICATE = "certificate";

  private static final String TRAFFIC = "traffic";
  private static final String FLAGS = "featureFlags";

  private static final String DEBUG_SERVER = "enableDebugServer";

  static final String RETRY_FLAG = "enableRetryPolicy";
  static final String INGRESS_FLAG = "enableIngressBackendPolicy";
  static final String ACCESS_FLAG = "enableAccessControlPolicy";
  static final String EGRESS_FLAG = "enableEgressPolicy";
  static final String CERT_FLAG = "enableAccessCertPolicy";
  private static final String GATEWAY = "ingressGateway";
  private static final Set<String> OF_GATEWAY =
      Set.of("subjectAltNames", "validityDuration", "secret");
  private static final Set<String> OF_SECRET = Set.of("name", "namespace");
  static final String CHECKS_FLAG = "enableEnvoyActiveHealthChecks";

  /** As osm-edge and FSM call it, which have no Envoy. */
  private static final String OTHER_CHECKS_FLAG = "enableSidecarActiveHealthChecks";

  /**
   * Sections of the MeshConfigs of OSM, osm-edge and FSM of which not all that they may have is
   * listed.
   */
  private static final Set<String> UNREAD_SECTIONS =
      Set.of(
          "clusterSet",
          "repoServer",
          OBSERVABILITY,
          FLAGS,
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

  /** Fields that are read, by their sections. */
  private static final Map<String, Set<String>> READ =
      Map.of(
          TRAFFIC,
          Set.of(
              "enablePermissiveTrafficPolicyMode",
              "enableEgress",
              BALANCING,
              "mtlsMode",
              "metadataMode",
              "pingMode",
              "sameNodeMtls",
              "idleTimeout",
              "revokedConnections",
              "retirement",
              "dnsResolvers",
              AuthorizationReader.FIELD,
              "outboundPortExclusionList",
              "inboundPortExclusionList",
              "outboundIPRangeExclusionList",
              "outboundIPRangeInclusionList",
              "networkInterfaceExclusionList"),
          SIDECAR,
          Set.of(
              "sidecarDisabledMTLS",
              "localProxyMode",
              "sidecarTimeout",
              "tlsMinProtocolVersion",
              "tlsMaxProtocolVersion",
              "cipherSuites",
              "ecdhCurves",
              "logLevel"),
          OBSERVABILITY,
          Set.of(
              "osmLogLevel",
              DEBUG_SERVER,
              ReportingReader.BUDGET,
              TracingReader.FIELD,
              RemoteLoggingReader.FIELD),
          FLAGS,
          Set.of(
              RETRY_FLAG,
              INGRESS_FLAG,
              ACCESS_FLAG,
              EGRESS_FLAG,
              CERT_FLAG,
              CHECKS_FLAG,
              OTHER_CHECKS_FLAG),
          CERTIFICATE,
          Set.of(
              "trustDomain",
              "deniedIdentities",
              "deniedSerials",
              LEAF_LIFETIME,
              GATEWAY,
              FederationReader.FIELD));

  /** Fields of those sections that a version of OSM, osm-edge or FSM has and that are not read. */
  private static final Map<String, Set<String>> UNREAD =
      Map.of(
          TRAFFIC,
          Set.of(
              "interceptionMode",
              "useHTTPSIngress",
              "serviceAccessMode",
              "serviceAccessNames",
              "http2PerRequestLoadBalancing"),
          SIDECAR,
          Set.of(
              "enablePrivilegedInitContainer",
              "compressConfig",
              "envoyImage",
              "envoyWindowsImage",
              "initContainerImage",
              "sidecarClass",
              "sidecarImage",
              "sideWindowsImage", // as osm-edge v1alpha1 spells it
              "SidecarImageWindowsImage", // and v1alpha2
              "sidecarDrivers",
              "maxDataPlaneConnections",
              "configResyncInterval",
              "resources",
              "initResources",
              "healthcheckResources",
              "localDNSProxy",
              "holdApplicationUntilProxyStarts",
              "gracefulExitUntilDownstreamEnds"),
          FLAGS,
          Set.of(
              "dropRouteRuleIfNoAvailableBackends",
              "enableAsyncProxyServiceMapping",
              "enableAutoDefaultRoute",
              "enableGatewayAgentService",
              "enableGatewayProxyTag",
              "enableMeshRootCertificate",
              "enableMulticlusterMode",
              "enableOSMGateway",
              "enablePluginPolicy",
              "enableSidecarPrettyConfig",
              "enableSnapshotCacheMode",
              "enableValidateGRPCRouteHostnames",
              "enableValidateGatewayListenerHostname",
              "enableValidateHTTPRouteHostnames",
              "enableValidateTCPRouteHostnames",
              "enableValidateTLSRouteHostnames",
              "enableWASMStats",
              "useEndpointSlicesForGateway"),
          OBSERVABILITY,
          Set.of("fsmLogLevel"),
          CERTIFICATE,
          Set.of("certKeyBitSize"));

  private MeshConfigReader() {}

  static MeshConfig read(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    Fields traffic = spec.objectOrEmpty(TRAFFIC);
    List<String> notEnforced = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    for (String section : spec.names()) {
      if (!READ.containsKey(section) && !UNREAD_SECTIONS.contains(section)) {
        if (spec.has(section)) {
          unknown.add(spec.fieldPath(section));
        }
        continue;
      }
      Fields fields = spec.objectOrEmpty(section);
      for (String name : fields.names()) {
        if (!READ.getOrDefault(section, Set.of()).contains(name) && fields.has(name)) {
          boolean isKnown =
              UNREAD.getOrDefault(section, Set.of()).contains(name)
                  || (UNREAD_SECTIONS.contains(section) && !isMisspelt(section, name));
          (isKnown ? notEnforced : unknown).add(fields.fieldPath(name));
        }
      }
    }
    Fields certificate = spec.objectOrEmpty(CERTIFICATE);
    unknown.addAll(FederationReader.unknown(certificate));
    unknown.addAll(AuthorizationReader.unknown(traffic));
    Fields observability = spec.objectOrEmpty(OBSERVABILITY);
    unknown.addAll(ReportingReader.unknown(observability));
    Fields gateway = certificate.objectOrEmpty(GATEWAY);
    unknown.addAll(gateway.unknown(OF_GATEWAY));
    unknown.addAll(gateway.objectOrEmpty("secret").unknown(OF_SECRET));
    TrustDomain trustDomain =
        certificate
            .parsed("trustDomain", TrustDomain::new, FederationReader.NAME_A_DOMAIN)
            .orElse(TrustDomain.CLUSTER_LOCAL);
    Fields sidecar = spec.objectOrEmpty(SIDECAR);
    Fields flags = spec.objectOrEmpty(FLAGS);
    return new MeshConfig(
        meta,
        traffic.isTrue("enablePermissiveTrafficPolicyMode"),
        traffic.isTrue("enableEgress"),
        traffic.isTrue(BALANCING),
        sidecar.isTrue("sidecarDisabledMTLS"),
        flags.isTrue(RETRY_FLAG),
        flags.isTrue(CHECKS_FLAG) || flags.isTrue(OTHER_CHECKS_FLAG),
        traffic.text("mtlsMode").orElse(null),
        traffic.text("metadataMode").orElse(null),
        traffic.text("pingMode").orElse(null),
        sidecar.text("localProxyMode").orElse(null),
        traffic.text("sameNodeMtls").orElse(null),
        sidecar.number("sidecarTimeout", "a number of seconds").orElse(null),
        new MeshConfig.TlsFields(
            sidecar.text("tlsMinProtocolVersion").orElse(null),
            sidecar.text("tlsMaxProtocolVersion").orElse(null),
            texts(sidecar, "cipherSuites"),
            texts(sidecar, "ecdhCurves")),
        observability.text("osmLogLevel").orElse(null),
        sidecar.text("logLevel").orElse(null),
        observability.isTrue(DEBUG_SERVER),
        ReportingReader.read(observability, meta.namespace()),
        traffic.text("idleTimeout").orElse(null),
        traffic.text("revokedConnections").orElse(null),
        traffic.text("retirement").orElse(null),
        AuthorizationReader.read(traffic),
        trustDomain,
        certificate.text(LEAF_LIFETIME).orElse(null),
        texts(certificate, "deniedIdentities"),
        texts(certificate, "deniedSerials"),
        gateway.names().iterator().hasNext() ? gateway(gateway) : null,
        FederationReader.read(certificate, trustDomain),
        InterceptionReader.fromTraffic(traffic),
        isOn(flags, INGRESS_FLAG),
        isOn(flags, ACCESS_FLAG),
        isOn(flags, EGRESS_FLAG),
        flags.isTrue(CERT_FLAG),
        notEnforced,
        unknown);
  }

  /**
   * Whether a field that is not read is one of another mesh, as far as the fields of its section
   * are known. Others are no mistake for sure: a later version of such a mesh may have them.
   */
  static boolean isListed(String path) {
    String[] names = path.split("\\.", -1);
    return names.length < 3
        || !UNREAD_SECTIONS.contains(names[1])
        || !UNREAD.containsKey(names[1])
        || UNREAD.get(names[1]).contains(names[2]);
  }

  /**
   * Whether a field of a section of which not all is listed is a slip away from one that is read.
   */
  private static boolean isMisspelt(String section, String name) {
    return Spelling.nearest(name, READ.getOrDefault(section, Set.of())).isPresent();
  }

  private static MeshConfig.GatewayFields gateway(Fields gateway) {
    Optional<Fields> secret = gateway.requiredObject("secret");
    return new MeshConfig.GatewayFields(
        texts(gateway, "subjectAltNames"),
        gateway.text("validityDuration").orElse(null),
        secret.flatMap(one -> one.text("name")).orElse(""),
        secret.flatMap(one -> one.text("namespace")).orElse(""));
  }

  /** A flag that is on unless it is turned off. */
  private static boolean isOn(Fields flags, String name) {
    return !flags.has(name) || flags.isTrue(name);
  }

  /** Of the field at {@code path}, among those that its section has. */
  static String mendOfUnknown(String path) {
    String[] names = path.split("\\.");
    Set<String> known = new HashSet<>();
    if (names.length == 2) {
      known.addAll(READ.keySet());
      known.addAll(UNREAD_SECTIONS);
    } else if (names.length == 3) {
      known.addAll(READ.getOrDefault(names[1], Set.of()));
      known.addAll(UNREAD.getOrDefault(names[1], Set.of()));
    } else {
      if (names[names.length - 2].equals(ServerTlsReader.FIELD)) {
        return Problem.mendOfUnknown(names[names.length - 1], ServerTlsReader.FIELDS);
      }
      if (names[2].equals(GATEWAY)) {
        known.addAll(names.length == 4 ? OF_GATEWAY : OF_SECRET);
        return Problem.mendOfUnknown(names[names.length - 1], known);
      }
      known.addAll(
          switch (names[1]) {
            case TRAFFIC -> AuthorizationReader.FIELDS;
            case OBSERVABILITY ->
                names[2].equals(RemoteLoggingReader.FIELD)
                    ? RemoteLoggingReader.FIELDS
                    : TracingReader.FIELDS;
            default -> FederationReader.FIELDS;
          });
    }
    return Problem.mendOfUnknown(names[names.length - 1], known);
  }

  private static List<String> texts(Fields fields, String name) {
    return fields.parsedList(name, Function.identity(), "write a string");
  }
}
