package io.sluice.control.objects;

import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.Reporting;
import io.sluice.mesh.TrustDomain;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A MeshConfig of OSM, osm-edge, FSM or Sluice.
 *
 * @param meta name and origin
 * @param permissive {@code spec.traffic.enablePermissiveTrafficPolicyMode}
 * @param egress {@code spec.traffic.enableEgress}
 * @param balancesHttp1 {@code spec.traffic.http1PerRequestLoadBalancing}
 * @param mtlsDisabled {@code spec.sidecar.sidecarDisabledMTLS}
 * @param retries {@code spec.featureFlags.enableRetryPolicy}
 * @param healthChecks {@code spec.featureFlags.enableEnvoyActiveHealthChecks}, or by its other name
 * @param mtlsModeOrNull {@code spec.traffic.mtlsMode} as written
 * @param metadataModeOrNull {@code spec.traffic.metadataMode} as written
 * @param pingModeOrNull {@code spec.traffic.pingMode} as written
 * @param localProxyModeOrNull {@code spec.sidecar.localProxyMode} as written
 * @param sameNodeMtlsOrNull {@code spec.traffic.sameNodeMtls} as written
 * @param sidecarTimeoutOrNull seconds of {@code spec.sidecar.sidecarTimeout}
 * @param tls the four fields of {@code spec.sidecar} about handshakes, as written
 * @param logLevelOrNull {@code spec.observability.osmLogLevel} as written
 * @param proxyLogLevelOrNull {@code spec.sidecar.logLevel} as written
 * @param debugServer {@code spec.observability.enableDebugServer}
 * @param reporting {@code tracing}, {@code remoteLogging} and {@code budget} of {@code
 *     spec.observability}
 * @param idleTimeoutOrNull {@code spec.traffic.idleTimeout} as written
 * @param revokedConnectionsOrNull {@code spec.traffic.revokedConnections} as written
 * @param retirementOrNull {@code spec.traffic.retirement} as written
 * @param authorizationOrNull {@code spec.traffic.inboundExternalAuthorization}, where it is on
 * @param trustDomain {@code spec.certificate.trustDomain}
 * @param leafLifetimeOrNull {@code spec.certificate.serviceCertValidityDuration} as written
 * @param deniedIdentities {@code spec.certificate.deniedIdentities} as written
 * @param deniedSerials {@code spec.certificate.deniedSerials} as written
 * @param gatewayOrNull {@code spec.certificate.ingressGateway}
 * @param federatesWith {@code spec.certificate.federatesWith}
 * @param interception the lists of {@code spec.traffic}
 * @param ingressBackends {@code spec.featureFlags.enableIngressBackendPolicy}; true where it does
 *     not say
 * @param accessControls {@code spec.featureFlags.enableAccessControlPolicy}, likewise
 * @param egresses {@code spec.featureFlags.enableEgressPolicy}, likewise
 * @param accessCerts {@code spec.featureFlags.enableAccessCertPolicy}
 * @param notEnforced paths of known fields that the object sets and the mesh does not act on
 * @param unknown paths of fields that no MeshConfig of these meshes has
 */
public record MeshConfig(
    ObjectMeta meta,
    boolean permissive,
    boolean egress,
    boolean balancesHttp1,
    boolean mtlsDisabled,
    boolean retries,
    boolean healthChecks,
    @Nullable String mtlsModeOrNull,
    @Nullable String metadataModeOrNull,
    @Nullable String pingModeOrNull,
    @Nullable String localProxyModeOrNull,
    @Nullable String sameNodeMtlsOrNull,
    @Nullable Integer sidecarTimeoutOrNull,
    TlsFields tls,
    @Nullable String logLevelOrNull,
    @Nullable String proxyLogLevelOrNull,
    boolean debugServer,
    Reporting reporting,
    @Nullable String idleTimeoutOrNull,
    @Nullable String revokedConnectionsOrNull,
    @Nullable String retirementOrNull,
    @Nullable ExternalAuthorization authorizationOrNull,
    TrustDomain trustDomain,
    @Nullable String leafLifetimeOrNull,
    List<String> deniedIdentities,
    List<String> deniedSerials,
    @Nullable GatewayFields gatewayOrNull,
    FederatedBundles federatesWith,
    InterceptionSettings interception,
    boolean ingressBackends,
    boolean accessControls,
    boolean egresses,
    boolean accessCerts,
    List<String> notEnforced,
    List<String> unknown)
    implements KubernetesObject {
  /**
   * Words about handshakes.
   *
   * @param minOrNull {@code tlsMinProtocolVersion}
   * @param maxOrNull {@code tlsMaxProtocolVersion}
   * @param suites {@code cipherSuites}
   * @param groups {@code ecdhCurves}
   */
  public record TlsFields(
      @Nullable String minOrNull,
      @Nullable String maxOrNull,
      List<String> suites,
      List<String> groups) {
    public TlsFields {
      suites = List.copyOf(suites);
      groups = List.copyOf(groups);
    }
  }

  /**
   * A certificate for an ingress outside the mesh.
   *
   * @param names {@code subjectAltNames} as written
   * @param validityOrNull {@code validityDuration} as written
   * @param secretName {@code secret.name} as written
   * @param secretNamespace {@code secret.namespace} as written
   */
  public record GatewayFields(
      List<String> names,
      @Nullable String validityOrNull,
      String secretName,
      String secretNamespace) {
    public GatewayFields {
      names = List.copyOf(names);
    }
  }

  public MeshConfig {
    deniedIdentities = List.copyOf(deniedIdentities);
    deniedSerials = List.copyOf(deniedSerials);
    notEnforced = List.copyOf(notEnforced);
    unknown = List.copyOf(unknown);
  }

  /** Whether what has a feature flag is on, by the flag's name. */
  public Map<String, Boolean> flags() {
    return Map.of(
        MeshConfigReader.RETRY_FLAG, retries,
        MeshConfigReader.CHECKS_FLAG, healthChecks,
        MeshConfigReader.INGRESS_FLAG, ingressBackends,
        MeshConfigReader.ACCESS_FLAG, accessControls,
        MeshConfigReader.EGRESS_FLAG, egresses,
        MeshConfigReader.CERT_FLAG, accessCerts);
  }

  /** Whether one of the {@link #notEnforced} fields is known to be another mesh's. */
  public static boolean isListed(String path) {
    return MeshConfigReader.isListed(path);
  }

  /** What can be done about one of the {@link #unknown} fields. */
  public static String mendOfUnknown(String path) {
    return MeshConfigReader.mendOfUnknown(path);
  }
}
