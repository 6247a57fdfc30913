package io.sluice.cli.check;

import io.sluice.cli.output.ExitCode;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.RequestRecord.End;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice support}: texts of codes, and a report. */
@Command(
    name = "support",
    description = "What codes mean, and a report for whoever helps.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = BugReportCommand.class)
public final class SupportCommand {
  private static final String NOTHING = "Nothing: it is told for the record.";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Command(
      name = "error-info",
      description =
          "Explains a code that `check` printed, one of OSM's, the word that a log, an event or a metric"
              + " has for its reason, the first word of a line of a log, or a flag of the access log;"
              + " without one, lists all codes.",
      mixinStandardHelpOptions = true)
  int errorInfo(
      @Parameters(
              arity = "0..1",
              paramLabel = "CODE",
              description =
                  "Such as SLU2006, E2005 as OSM has it, no_traffic_target, pod_not_enrolled or UF.")
          @Nullable String code) {
    PrintWriter out = spec.commandLine().getOut();
    if (code == null) {
      for (Code each : Code.values()) {
        out.println("%s %-7s %s".formatted(each.label(), each.severity().word(), each.title()));
      }
    } else {
      List<Code> meant = Code.of(code).map(List::of).orElseGet(() -> OsmCodes.of(code));
      List<Reason> reasons =
          Stream.of(Reason.values()).filter(each -> each.label().equals(code)).toList();
      List<End> ends = Stream.of(End.values()).filter(each -> each.flag().equals(code)).toList();
      List<String[]> events =
          Code.Row.cells("log.md").filter(each -> each[0].equals(code)).toList();
      for (Reason each : reasons) {
        out.println(each.label() + ": " + each.explanation());
        out.println("Do: " + mend(each));
      }
      ends.forEach(each -> out.println(each.flag() + ": " + each.explanation()));
      if (!ends.isEmpty()) {
        out.println("Do: see the reason and rule of that line, and `support error-info REASON`.");
      }
      for (String[] event : events) {
        out.println(event[0] + ": " + event[1]);
        out.println("Do: " + (event[2].equals("-") ? NOTHING : event[2]));
      }
      if (meant.isEmpty() && reasons.isEmpty() && ends.isEmpty() && events.isEmpty()) {
        throw new ParameterException(
            spec.commandLine().getSubcommands().get("error-info"),
            "'"
                + code
                + "' is no code here, none of OSM's with a counterpart, and no reason, event or flag of"
                + " a log; without a code all codes are listed");
      }
      for (Code each : meant) {
        out.println("%s %s: %s".formatted(each.label(), each.severity().word(), each.title()));
        out.println("Cause: " + each.cause());
        out.println("Do: " + each.mend());
      }
    }
    out.flush();
    return ExitCode.OK.code();
  }

  /** What to do where it is not what is wanted. */
  private static String mend(Reason reason) {
    return switch (reason) {
      case MESH_TRAFFIC,
          LOOPBACK,
          SELF,
          LINK_LOCAL,
          PROXY_SOCKET,
          DNS,
          OTHER_INTERFACE,
          LEAVING,
          NODE_PROBE,
          SAME_WORKLOAD,
          DRAINING ->
          "Nothing: it is as it should be.";
      case PERMISSIVE_MODE, DATAGRAM_PERMISSIVE, PROTOCOL_PERMISSIVE ->
          "Nothing, if that is meant; else set spec.traffic.enablePermissiveTrafficPolicyMode of the"
              + " MeshConfig to false.";
      case TRAFFIC_TARGET, EGRESS_POLICY, INGRESS_BACKEND ->
          "Nothing, if that is meant; else mend or remove the object that `why SRC DST` names.";
      case EGRESS_ALLOWED ->
          "Nothing, if that is meant; else set spec.traffic.enableEgress to false, and write Egresses.";
      case EXCLUDED_PORT, EXCLUDED_RANGE, NOT_INCLUDED, EXCLUDED_INTERFACE ->
          "Nothing, if that is meant; else mend the lists of spec.traffic of the MeshConfig, or of the"
              + " pod's annotations (docs/reference/annotations.md).";
      case DATAGRAM_REFUSED, PROTOCOL_REFUSED ->
          "Exclude the port or range (spec.traffic.outboundPortExclusionList or"
              + " outboundIPRangeExclusionList, or the pod's annotations), if it should pass.";
      case RAW_SOCKET -> "Take CAP_NET_RAW from the pod, unless it needs it.";
      case PROXY_UNAVAILABLE, FAIL_OPEN ->
          "Start the node daemon, or see in its log why it does not run; `node cleanup` takes the node"
              + " out of the mesh.";
      case CONNECTION_MAP_FULL, POD_QUOTA ->
          "Let the pod open fewer connections at once, or keep those that it has.";
      case ROUTING_HEADER, STRAYED, FORWARDED ->
          "Send it to its destination itself; a pod of the mesh is no router.";
      case DNS_REFUSED ->
          "Name the server in spec.traffic.dnsResolvers or sluice.io/dns-resolvers, if it should be"
              + " asked.";
      case METADATA_REFUSED ->
          "Annotate the pod with sluice.io/metadata-mode: ALLOW, if it should.";
      case PING_REFUSED -> "Annotate the pod with sluice.io/ping-mode: ALLOW, if it should.";
      case ISOLATED, DATAGRAM_ISOLATED ->
          "Take the range out of the Isolation, if it should be called.";
      case NO_TRAFFIC_TARGET, PORT_NOT_GRANTED, ROUTE_NOT_GRANTED ->
          "`why SRC DST` says which TrafficTarget, TCPRoute or HTTPRouteGroup would permit it, as does"
              + " docs/policy.md.";
      case SOURCE_NOT_IN_MESH, MTLS_REQUIRED, INGRESS_REFUSED ->
          "Enrol the caller, or write an IngressBackend or AccessControl that names it.";
      case EGRESS_DISABLED -> "Write an Egress for the account, which `why SRC DST` proposes.";
      case HTTP_ONLY ->
          "Declare the port http by appProtocol or its name, or grant it by a TCPRoute.";
      case INGRESS_TLS_REFUSED,
          INGRESS_CERTIFICATE_REFUSED,
          INGRESS_PRINCIPAL_REFUSED,
          INGRESS_HOST_REFUSED ->
          "`verify ingress` shows what the object asks for; mend it, or what the client shows.";
      case NO_READY_ENDPOINT -> "See the pods of the Service, and their readiness probes.";
      case UNKNOWN_SERVICE_PORT -> "Call a port of the Service, or add it there.";
      case UPSTREAM_REFUSED ->
          "Start the application, or make a Service lead to its port where it listens on 127.0.0.1 or"
              + " ::1 alone.";
      case POD_CLOSED ->
          "`node status` and `node pods` on the node of the pod called say whether its daemon runs, and"
              + " what it has against the pod.";
      case UPSTREAM_UNREACHABLE, CONNECT_TIMEOUT ->
          "See whether the destination runs, and what lies between: routes, network policies,"
              + " firewalls.";
      case CONNECTION_LIMIT, SOURCE_LIMIT, NODE_CONNECTION_LIMIT, BUFFER_LIMIT ->
          "`node status -o wide` and the access log say who has so many; spread the load over more pods"
              + " or nodes, or give the daemon more memory.";
      case NO_ORIGINAL_DESTINATION, WRONG_NAMESPACE ->
          "Call the destination itself, not a listener of the proxy.";
      case IDLE_TIMEOUT -> "Send something in time, or set spec.traffic.idleTimeout.";
      case PROTOCOL_MISMATCH ->
          "Declare what the port speaks by appProtocol or the port's name (tcp- for bytes).";
      case BAD_REQUEST -> "Mend the client; docs/http.md has the rules.";
      case ANSWERED_BY_ROUTE, FAULT_INJECTED ->
          "Nothing, if that is meant; else mend the HTTPRoute or GRPCRoute of the Service called.";
      case INTERNAL_ERROR, PEER_FAILED ->
          "Read the daemon's log, here and on the other node, and send a `support bug-report`.";
      case BEFORE_ENROLMENT -> "Let the application connect again.";
      case INTERCEPTION_FAILED_CLOSED, NAMESPACE_CONFLICT ->
          "`node pods` and the daemon's log name the problem; it is tried again every second.";
      case NO_CERTIFICATE -> "`node certificates` says why; see to the controller.";
      case TLS_FAILED, REFUSED_BY_PEER, WRONG_DESTINATION ->
          "Look at the other node's log and events at that time, and at its certificates.";
      case PEER_DENIED ->
          "Nothing, if that is meant; else take it off deniedIdentities or deniedSerials.";
      case SNAPSHOT_UNUSABLE -> "See to the disk of the state folder, and to who may write there.";
      case ADMITTED_ANEW -> "Nothing, if the mesh was installed anew; else find out who answers.";
      case MIRROR_LIMIT -> "Mirror fewer requests, or see why the copies are answered slowly.";
      case UPSTREAM_OVERFLOW, RATE_LIMITED, RATE_LIMITED_GLOBALLY ->
          "Call less often, or raise the limit of the UpstreamTrafficSetting.";
      case CIRCUIT_OPEN -> "See why the service is slow or fails; it is tried again by itself.";
      case AUTHORIZATION_DENIED -> "Ask the authoriser's log why.";
      case AUTHORIZATION_FAILED, RATE_LIMIT_FAILED ->
          "See that the service named there runs, and answers in its time.";
    };
  }
}
