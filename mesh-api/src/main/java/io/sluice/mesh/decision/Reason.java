package io.sluice.mesh.decision;

import java.util.Locale;
import java.util.Optional;

/**
 * Why a flow got its outcome: one list for log, metric label, event, access record and status.
 * Codes below 64 are decided by the kernel programs and repeated in {@code enum sluice_reason}; a
 * test compares the two. Codes are never reused.
 */
public enum Reason {
  // Interception.
  MESH_TRAFFIC(1, "traffic of an enrolled pod"),
  LOOPBACK(2, "the destination is the pod's own loopback"),
  SELF(3, "the destination is the pod itself"),
  EXCLUDED_PORT(4, "the port is on an exclusion list"),
  EXCLUDED_RANGE(5, "the destination range is on the exclusion list"),
  NOT_INCLUDED(6, "an inclusion list exists and the destination is not on it"),
  EXCLUDED_INTERFACE(7, "the interface is on the exclusion list"),
  LINK_LOCAL(8, "link-local addresses are left alone"),
  PROXY_SOCKET(9, "the proxy's own connection"),
  DNS(10, "names are asked of the pod's own resolvers"),
  DATAGRAM_PERMISSIVE(11, "datagrams are left alone in permissive mode"),
  DATAGRAM_REFUSED(12, "datagrams other than DNS need a UDPRoute, permissive mode or an exclusion"),
  PROTOCOL_PERMISSIVE(13, "a protocol that cannot be intercepted, left alone in permissive mode"),
  PROTOCOL_REFUSED(14, "a protocol that cannot be intercepted needs permissive mode"),
  RAW_SOCKET(15, "raw sockets need CAP_NET_RAW and are outside interception"),
  PROXY_UNAVAILABLE(16, "the node daemon is not running; the mesh fails closed"),
  FAIL_OPEN(17, "the node daemon is not running and the operator chose fail-open"),
  CONNECTION_MAP_FULL(18, "too many connections are being opened at once; retry"),
  OTHER_INTERFACE(19, "the socket is bound to a secondary interface"),
  LEAVING(20, "the pod is leaving the mesh"),
  ROUTING_HEADER(21, "it names a way: an IPv6 routing header or an IPv4 source route"),
  STRAYED(22, "it was addressed to the pod itself, by an interface that leads out of the pod"),
  FORWARDED(23, "a pod sends what is its own, from its own address, and forwards nothing"),
  DNS_REFUSED(
      25,
      "port 53 of a host that is no resolver of the pod; if it should be one, name it in"
          + " spec.traffic.dnsResolvers or sluice.io/dns-resolvers"),
  METADATA_REFUSED(
      26,
      "the cloud's metadata service gives the node's credentials away; a pod that needs it has"
          + " sluice.io/metadata-mode: ALLOW"),
  PING_REFUSED(
      27,
      "an echo request of more than 64 bytes of payload (ping sends 56), or none is allowed;"
          + " sluice.io/ping-mode: ALLOW lets any go"),
  POD_QUOTA(29, "the pod opens more connections at once than leaves room for other pods"),
  NODE_PROBE(30, "the node itself calls a probe port that the pod declares"),
  DATAGRAM_ISOLATED(31, "an Isolation names the destination: no datagram goes there"),
  FAST_PATH(
      32,
      "policy grants it and nothing else is to be done, so the kernel leads it to the pod of this node"
          + " without the proxy; refused where that has changed since"),
  DATAGRAM_GRANTED(33, "a TrafficTarget grants datagrams to that port by a UDPRoute"),

  // Policy.
  PERMISSIVE_MODE(64, "permissive mode allows all mesh traffic"),
  TRAFFIC_TARGET(65, "a TrafficTarget grants it"),
  EGRESS_ALLOWED(67, "egress is enabled"),
  NO_TRAFFIC_TARGET(68, "no TrafficTarget lets this source reach the destination"),
  PORT_NOT_GRANTED(69, "a TrafficTarget names both ends but not this port of the pod"),
  SOURCE_NOT_IN_MESH(70, "the source has no mesh identity"),
  EGRESS_DISABLED(71, "the destination is outside the mesh and egress is disabled"),
  SAME_WORKLOAD(72, "a workload may reach itself"),
  MTLS_REQUIRED(73, "it is plaintext from an unproven source, and the destination is STRICT"),
  HTTP_ONLY(74, "policy lets this source send HTTP requests, and this is not decided as such"),
  ROUTE_NOT_GRANTED(75, "a policy names both ends, but no route of it matches the request"),
  INGRESS_BACKEND(130, "an IngressBackend or AccessControl lets it in"),
  INGRESS_REFUSED(
      131,
      "the port has an IngressBackend or AccessControl, and a caller outside the mesh is none of its"
          + " sources"),
  INGRESS_TLS_REFUSED(
      140,
      "a client outside the mesh has to speak TLS at this port, and did not, not in time, or not of"
          + " the versions and suites of the MeshConfig"),
  INGRESS_CERTIFICATE_REFUSED(
      141,
      "a client outside the mesh showed no certificate that the mesh's roots prove now, or one that"
          + " is denied"),
  INGRESS_PRINCIPAL_REFUSED(
      142,
      "the certificate of a client outside the mesh has no principal that the IngressBackend or"
          + " AccessControl names"),
  INGRESS_HOST_REFUSED(
      143,
      "a client outside the mesh named a host, or none, that is not in sniHosts of the IngressBackend"
          + " or AccessControl"),
  EGRESS_POLICY(132, "an Egress lets it out"),
  ISOLATED(133, "an Isolation names the destination: no pod of the mesh sends anything there"),

  // Forwarding.
  NO_READY_ENDPOINT(80, "the service has no ready endpoint"),
  UNKNOWN_SERVICE_PORT(81, "the service has no such port"),
  UPSTREAM_REFUSED(82, "the upstream refused the connection"),
  UPSTREAM_UNREACHABLE(83, "the upstream cannot be reached"),
  POD_CLOSED(
      112,
      "the pod called is of the mesh, and its node takes no connection for it: no daemon runs there,"
          + " it keeps the pod closed, or the pod has no certificate"),
  CONNECT_TIMEOUT(84, "the upstream did not answer in time"),
  CONNECTION_LIMIT(85, "the pod has as many connections as it may have"),
  NO_ORIGINAL_DESTINATION(86, "the connection was not redirected by the mesh"),
  WRONG_NAMESPACE(87, "the connection belongs to another network namespace"),
  IDLE_TIMEOUT(88, "nothing was sent for too long"),
  DRAINING(89, "the node daemon is stopping"),
  PROTOCOL_MISMATCH(104, "the port is declared HTTP and the client spoke something else"),
  BAD_REQUEST(105, "the request breaks a rule of HTTP or a limit"),
  ANSWERED_BY_ROUTE(
      106,
      "the route of the service called answers the request itself: it redirects it (3xx), has no"
          + " rule for it (404), or leads it to a backend that cannot be used (500)"),
  FAULT_INJECTED(
      107,
      "a FaultInjection that the route of the service called names answers the request, or holds it"
          + " back for longer than is waited for the answer"),
  INTERNAL_ERROR(90, "the proxy failed; see its log"),

  // Enrolment.
  BEFORE_ENROLMENT(91, "the connection is older than the pod's enrolment"),
  INTERCEPTION_FAILED_CLOSED(92, "the pod cannot be intercepted as it should; it is refused"),
  NAMESPACE_CONFLICT(103, "the network namespace where the pod was found is another pod's"),

  // Mutual TLS between nodes.
  NO_CERTIFICATE(
      93, "the pod has no certificate, and mutual TLS is on; `node certificates` says why"),
  TLS_FAILED(94, "the TLS handshake with the peer failed; sluice_tls_handshakes_total says why"),
  REFUSED_BY_PEER(95, "the peer's proxy decided against it; its log says why"),
  PEER_FAILED(96, "the peer's proxy failed, or does not speak HBONE as we do"),
  WRONG_DESTINATION(97, "the address and port called by HBONE are not of an application there"),
  PEER_DENIED(98, "the peer's identity or certificate came onto the deny list"),

  // The node's own state.
  SNAPSHOT_UNUSABLE(99, "a snapshot on the disk cannot be used or written; see `node status`"),
  ADMITTED_ANEW(110, "the node goes by other roots than before; its log names both"),

  // Room.
  SOURCE_LIMIT(100, "this caller holds its share of the pod's connections; others still find room"),
  NODE_CONNECTION_LIMIT(
      101, "the daemon has as many connections as its memory allows; see `node status`"),
  BUFFER_LIMIT(102, "it held more unread bytes than there is memory for; its reader stands still"),
  MIRROR_LIMIT(111, "as many copies of the pod's requests are on their way as may be"),
  UPSTREAM_OVERFLOW(
      120, "this node's pods have as much of the service as its UpstreamTrafficSetting allows"),
  RATE_LIMITED(
      121,
      "the pod has taken as much of late as the UpstreamTrafficSetting of its service allows, or as"
          + " many handshakes of TLS from outside the mesh as its node begins for it"),
  CIRCUIT_OPEN(
      122, "the service was slow or failed of late, and its UpstreamTrafficSetting spares it"),
  AUTHORIZATION_DENIED(
      123, "the MeshConfig's inboundExternalAuthorization was asked and denies the request"),
  AUTHORIZATION_FAILED(
      124,
      "the MeshConfig's inboundExternalAuthorization gave no answer that could be used;"
          + " failureModeAllow lets through only what nobody has answered for"),
  RATE_LIMITED_GLOBALLY(
      125,
      "the rate-limit service that the UpstreamTrafficSetting of the service names says that it is"
          + " beyond a limit"),
  RATE_LIMIT_FAILED(
      126,
      "the rate-limit service that the UpstreamTrafficSetting of the service names gave no answer"
          + " that could be used; failOpen lets through only what nobody has answered for");

  /** First code that the kernel programs never use. */
  public static final int FIRST_PROXY_CODE = 64;

  private static final Reason[] BY_CODE = new Reason[256];

  static {
    for (Reason reason : values()) {
      BY_CODE[reason.code] = reason;
    }
  }

  private final int code;
  private final String explanation;
  private final String label = name().toLowerCase(Locale.ROOT);

  Reason(int code, String explanation) {
    this.code = code;
    this.explanation = explanation;
  }

  /** Value of {@code enum sluice_reason}, 1..255. */
  public int code() {
    return code;
  }

  /** Half a sentence for people. */
  public String explanation() {
    return explanation;
  }

  /** Half a sentence on what to do where it is not what is wanted. */
  public String mend() {
    return switch (this) {
      case MESH_TRAFFIC,
          LOOPBACK,
          SELF,
          LINK_LOCAL,
          PROXY_SOCKET,
          DNS,
          OTHER_INTERFACE,
          LEAVING,
          NODE_PROBE,
          FAST_PATH,
          SAME_WORKLOAD,
          DRAINING ->
          "nothing: it is as it should be";
      case PERMISSIVE_MODE, DATAGRAM_PERMISSIVE, PROTOCOL_PERMISSIVE ->
          "set spec.traffic.enablePermissiveTrafficPolicyMode of the" + " MeshConfig to false";
      case TRAFFIC_TARGET, DATAGRAM_GRANTED, EGRESS_POLICY, INGRESS_BACKEND ->
          "mend or remove the object that `why SRC DST` names";
      case EGRESS_ALLOWED -> "set spec.traffic.enableEgress to false, and write Egresses";
      case EXCLUDED_PORT, EXCLUDED_RANGE, NOT_INCLUDED, EXCLUDED_INTERFACE ->
          "mend the lists of spec.traffic of the MeshConfig, or of the"
              + " pod's annotations (docs/reference/annotations.md)";
      case DATAGRAM_REFUSED ->
          "grant the port by a UDPRoute (docs/policy.md), or exclude it or the range"
              + " (spec.traffic.outboundPortExclusionList or outboundIPRangeExclusionList, or the"
              + " pod's annotations), if it should pass";
      case PROTOCOL_REFUSED ->
          "exclude the port or range (spec.traffic.outboundPortExclusionList or"
              + " outboundIPRangeExclusionList, or the pod's annotations), if it should pass";
      case RAW_SOCKET -> "take CAP_NET_RAW from the pod, unless it needs it";
      case PROXY_UNAVAILABLE, FAIL_OPEN ->
          "start the node daemon, or see in its log why it does not run; `node cleanup` takes the node"
              + " out of the mesh";
      case CONNECTION_MAP_FULL, POD_QUOTA ->
          "let the pod open fewer connections at once, or keep those that it has";
      case ROUTING_HEADER, STRAYED, FORWARDED ->
          "send it to its destination itself; a pod of the mesh is no router";
      case DNS_REFUSED ->
          "name the server in spec.traffic.dnsResolvers or sluice.io/dns-resolvers, if it should be"
              + " asked";
      case METADATA_REFUSED -> "annotate the pod with sluice.io/metadata-mode: ALLOW, if it should";
      case PING_REFUSED -> "annotate the pod with sluice.io/ping-mode: ALLOW, if it should";
      case ISOLATED, DATAGRAM_ISOLATED ->
          "take the range out of the Isolation, if it should be called";
      case NO_TRAFFIC_TARGET, PORT_NOT_GRANTED, ROUTE_NOT_GRANTED ->
          "`why SRC DST` says which TrafficTarget, TCPRoute or HTTPRouteGroup would permit it, as does"
              + " docs/policy.md";
      case SOURCE_NOT_IN_MESH, MTLS_REQUIRED, INGRESS_REFUSED ->
          "enrol the caller, or write an IngressBackend or AccessControl that names it";
      case EGRESS_DISABLED -> "write an Egress for the account, which `why SRC DST` proposes";
      case HTTP_ONLY ->
          "declare the port http by appProtocol or its name, or grant it by a TCPRoute";
      case INGRESS_TLS_REFUSED,
          INGRESS_CERTIFICATE_REFUSED,
          INGRESS_PRINCIPAL_REFUSED,
          INGRESS_HOST_REFUSED ->
          "`verify ingress` shows what the object asks for; mend it, or what the client shows";
      case NO_READY_ENDPOINT -> "see the pods of the Service, and their readiness probes";
      case UNKNOWN_SERVICE_PORT -> "call a port of the Service, or add it there";
      case UPSTREAM_REFUSED ->
          "start the application, or make a Service lead to its port where it listens on 127.0.0.1 or"
              + " ::1 alone";
      case POD_CLOSED ->
          "`node status` and `node pods` on the node of the pod called say whether its daemon runs, and"
              + " what it has against the pod";
      case UPSTREAM_UNREACHABLE, CONNECT_TIMEOUT ->
          "see whether the destination runs, and what lies between: routes, network policies,"
              + " firewalls";
      case CONNECTION_LIMIT, SOURCE_LIMIT, NODE_CONNECTION_LIMIT, BUFFER_LIMIT ->
          "`node status -o wide` and the access log say who has so many; spread the load over more pods"
              + " or nodes, or give the daemon more memory";
      case NO_ORIGINAL_DESTINATION, WRONG_NAMESPACE ->
          "call the destination itself, not a listener of the proxy";
      case IDLE_TIMEOUT -> "send something in time, or set spec.traffic.idleTimeout";
      case PROTOCOL_MISMATCH ->
          "declare what the port speaks by appProtocol or the port's name (tcp- for bytes)";
      case BAD_REQUEST -> "mend the client; docs/http.md has the rules";
      case ANSWERED_BY_ROUTE -> "mend the HTTPRoute or GRPCRoute of the Service called";
      case FAULT_INJECTED -> "lower the percentage of the FaultInjection, or shorten its delay";
      case INTERNAL_ERROR, PEER_FAILED ->
          "read the daemon's log, here and on the other node, and send a `support bug-report`";
      case BEFORE_ENROLMENT -> "let the application connect again";
      case INTERCEPTION_FAILED_CLOSED, NAMESPACE_CONFLICT ->
          "`node pods` and the daemon's log name the problem; it is tried again every second";
      case NO_CERTIFICATE -> "`node certificates` says why; see to the controller";
      case TLS_FAILED, REFUSED_BY_PEER, WRONG_DESTINATION ->
          "look at the other node's log and events at that time, and at its certificates";
      case PEER_DENIED -> "take it off deniedIdentities or deniedSerials";
      case SNAPSHOT_UNUSABLE -> "see to the disk of the state folder, and to who may write there";
      case ADMITTED_ANEW -> "find out who answers, unless the mesh was installed anew";
      case MIRROR_LIMIT -> "mirror fewer requests, or see why the copies are answered slowly";
      case UPSTREAM_OVERFLOW, RATE_LIMITED, RATE_LIMITED_GLOBALLY ->
          "call less often, or raise the limit of the UpstreamTrafficSetting";
      case CIRCUIT_OPEN -> "see why the service is slow or fails; it is tried again by itself";
      case AUTHORIZATION_DENIED -> "ask the authoriser's log why";
      case AUTHORIZATION_FAILED, RATE_LIMIT_FAILED ->
          "see that the service named there runs, and answers in its time";
    };
  }

  /** Whether somebody may have asked for just that. */
  public boolean isMeant() {
    return switch (this) {
      case PERMISSIVE_MODE,
          DATAGRAM_PERMISSIVE,
          PROTOCOL_PERMISSIVE,
          TRAFFIC_TARGET,
          DATAGRAM_GRANTED,
          EGRESS_POLICY,
          INGRESS_BACKEND,
          EGRESS_ALLOWED,
          EXCLUDED_PORT,
          EXCLUDED_RANGE,
          NOT_INCLUDED,
          EXCLUDED_INTERFACE,
          ANSWERED_BY_ROUTE,
          FAULT_INJECTED,
          PEER_DENIED ->
          true;
      default -> false;
    };
  }

  /** Value of the metric label {@code reason}. */
  public String label() {
    return label;
  }

  /** The reason with this code. */
  public static Optional<Reason> ofCode(int code) {
    return code < 0 || code >= BY_CODE.length
        ? Optional.empty()
        : Optional.ofNullable(BY_CODE[code]);
  }
}
