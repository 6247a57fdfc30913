package io.sluice.mesh;

import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Mesh-wide settings.
 *
 * @param permissive {@code enablePermissiveTrafficPolicyMode}: traffic needs no TrafficTarget
 * @param egress {@code enableEgress}: destinations outside the mesh may be reached
 * @param trustDomain authority part of every identity
 * @param mutualTls whether nodes reach each other's workloads by HBONE only; {@code
 *     sidecarDisabledMTLS} turns it off
 * @param denied peers that are refused, live connections included
 * @param revoked what becomes of open connections that policy refuses now, where no TrafficTarget
 *     says otherwise
 * @param retirement how far it is on its way to be taken away
 * @param answerTimeout {@code sidecarTimeout}: for how long the beginning of an answer to a whole
 *     request is waited for where no route says otherwise; zero is without end
 * @param isolated ranges to which no pod of the mesh sends anything, by Isolations
 * @param authorizationOrNull {@code inboundExternalAuthorization}: who is asked about requests that
 *     arrive; nobody where it is off
 * @param tls what handshakes between workloads may agree on
 * @param logs from which level on nodes and controllers log
 * @param federated roots of other meshes as the MeshConfig says; goes to nodes in the trust bundle,
 *     and not with these settings
 * @param nodeResolvers name servers of the node that asks; known there alone and never sent
 * @param names what the node has found under names outside the mesh
 * @param healthChecks {@code enableEnvoyActiveHealthChecks}: whether nodes ask the endpoints that
 *     their pods call whether they are well
 * @param flagsOrNull what controllers tell of the MeshConfig; null where there is none. Never sent
 * @param leafLifetimeOrNull {@code serviceCertValidityDuration}: life of workloads' certificates;
 *     null where it is the controller's option. Never sent
 * @param balancesHttp1 {@code http1PerRequestLoadBalancing}: whether requests of a connection of
 *     HTTP/1 go to endpoints each for itself, as those of HTTP/2 do
 * @param reporting {@code observability}: what is told collectors
 */
public record MeshSettings(
    boolean permissive,
    boolean egress,
    TrustDomain trustDomain,
    boolean mutualTls,
    DeniedPeers denied,
    RevokedMode revoked,
    Retirement retirement,
    Duration answerTimeout,
    List<Cidr> isolated,
    @Nullable ExternalAuthorization authorizationOrNull,
    TlsParameters tls,
    LogLevels logs,
    FederatedBundles federated,
    List<Cidr> nodeResolvers,
    HostNames names,
    boolean healthChecks,
    @Nullable Flags flagsOrNull,
    @Nullable Duration leafLifetimeOrNull,
    boolean balancesHttp1,
    Reporting reporting)
    implements MeshObject {
  /** What the one object of its kind is called. */
  public static final String NAME = "mesh";

  /** {@link #answerTimeout} where a MeshConfig does not say, as of osm-edge and FSM. */
  public static final Duration DEFAULT_ANSWER_TIMEOUT = Duration.ofSeconds(60);

  /** Longest {@link #answerTimeout}. */
  public static final Duration MAX_ANSWER_TIMEOUT = Duration.ofDays(30);

  /** What holds when no MeshConfig exists: nothing that is not granted (fail closed). */
  public static final MeshSettings CLOSED =
      new MeshSettings(false, false, TrustDomain.CLUSTER_LOCAL);

  public MeshSettings {
    isolated = List.copyOf(isolated);
    nodeResolvers = List.copyOf(nodeResolvers);
  }

  /**
   * What controllers tell of a MeshConfig.
   *
   * @param features feature flags in force, by name
   * @param debugServer {@code enableDebugServer}: whether they serve more of what they know
   */
  public record Flags(Map<String, Boolean> features, boolean debugServer) {
    public Flags {
      features = Map.copyOf(features);
    }
  }

  @Override
  public Kind<MeshSettings> kind() {
    return Kind.SETTINGS;
  }

  /** What a MeshConfig says of a mesh that stays: of no node. */
  public MeshSettings(
      boolean permissive,
      boolean egress,
      TrustDomain trustDomain,
      boolean mutualTls,
      DeniedPeers denied,
      RevokedMode revoked) {
    this(
        permissive,
        egress,
        trustDomain,
        mutualTls,
        denied,
        revoked,
        Retirement.NONE,
        DEFAULT_ANSWER_TIMEOUT,
        List.of(),
        null,
        TlsParameters.DEFAULTS,
        LogLevels.DEFAULTS,
        FederatedBundles.NONE,
        List.of(),
        HostNames.NONE,
        false,
        null,
        null,
        false,
        Reporting.NONE);
  }

  /** The same on a node with these name servers, which has found that. */
  public MeshSettings onNodeWith(List<Cidr> resolvers, HostNames found) {
    return with(isolated, authorizationOrNull, resolvers, found, healthChecks);
  }

  /** The same with these ranges, and no others, to which nothing is sent. */
  public MeshSettings isolating(List<Cidr> ranges) {
    return with(ranges, authorizationOrNull, nodeResolvers, names, healthChecks);
  }

  /** The same where nobody else is asked about requests; nobody at all where it is null. */
  public MeshSettings authorizedBy(@Nullable ExternalAuthorization asked) {
    return with(isolated, asked, nodeResolvers, names, healthChecks);
  }

  /** The same where nodes ask what their pods call whether it is well. */
  public MeshSettings checkingHealth() {
    return with(isolated, authorizationOrNull, nodeResolvers, names, true);
  }

  private MeshSettings with(
      List<Cidr> ranges,
      @Nullable ExternalAuthorization asked,
      List<Cidr> resolvers,
      HostNames found,
      boolean checking) {
    return new MeshSettings(
        permissive,
        egress,
        trustDomain,
        mutualTls,
        denied,
        revoked,
        retirement,
        answerTimeout,
        ranges,
        asked,
        tls,
        logs,
        federated,
        resolvers,
        found,
        checking,
        flagsOrNull,
        leafLifetimeOrNull,
        balancesHttp1,
        reporting);
  }

  /** Whether nothing is sent to {@code address}. Costs the ranges that there are. */
  public boolean isolates(InetAddress address) {
    return !isolated.isEmpty() && isolated.stream().anyMatch(range -> range.contains(address));
  }

  /** With mutual TLS, and nobody denied: what holds where a MeshConfig says nothing of either. */
  public MeshSettings(boolean permissive, boolean egress, TrustDomain trustDomain) {
    this(permissive, egress, trustDomain, true, DeniedPeers.NONE, RevokedMode.CLOSE);
  }

  /** Whether workloads of other nodes are called by HBONE. */
  public boolean callsByMutualTls() {
    return mutualTls && retirement != Retirement.CLEAR;
  }

  /** Whether {@code workload} takes no connection of which nothing proves the source. */
  public boolean requiresProof(Workload workload) {
    return mutualTls && workload.mtlsMode() == MtlsMode.STRICT;
  }

  /**
   * Whether a certificate with this identity makes its holder a workload of this mesh: identities
   * of other trust domains, of the mesh's own processes and of nobody are granted nothing.
   */
  public boolean isWorkload(SpiffeId identity) {
    return identity.trustDomain().equals(trustDomain)
        && !SystemIdentity.isSystem(identity)
        && !identity.isNobody();
  }
}
