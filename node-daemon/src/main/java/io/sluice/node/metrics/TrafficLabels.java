package io.sluice.node.metrics;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Values of the labels that Istio's standard metrics of connections and of requests share.
 *
 * @param ends in the order of {@link #ENDS}
 * @param protocol value of {@code request_protocol}
 * @param security value of {@code connection_security_policy}
 */
record TrafficLabels(List<String> ends, String protocol, String security) {
  private static final List<String> ENDS =
      List.of(
          "reporter",
          "source_workload",
          "source_workload_namespace",
          "source_principal",
          "source_app",
          "source_version",
          "source_canonical_service",
          "source_canonical_revision",
          "destination_workload",
          "destination_workload_namespace",
          "destination_principal",
          "destination_app",
          "destination_version",
          "destination_canonical_service",
          "destination_canonical_revision",
          "destination_service",
          "destination_service_name",
          "destination_service_namespace");

  /** Names of the labels of what is counted by two ends alone. */
  static final List<String> OF_ENDS =
      joined(ENDS, "request_protocol", "connection_security_policy");

  /** Names of the labels of what is counted of connections. */
  static final List<String> OF_CONNECTIONS =
      joined(ENDS, "request_protocol", "response_flags", "connection_security_policy");

  /** Names of the labels of what is counted of requests by how they were answered. */
  static final List<String> OF_REQUESTS =
      joined(
          ENDS,
          "request_protocol",
          "response_code",
          "grpc_response_status",
          "response_flags",
          "connection_security_policy");

  /** Order of values of the same labels. */
  static final Comparator<List<String>> BY_VALUES =
      Comparator.comparing(values -> String.join("\n", values));

  /** What labels say of what is not known. */
  static final String UNKNOWN = "unknown";

  private static final int SOURCE = ENDS.indexOf("source_workload");
  private static final int DESTINATION = ENDS.indexOf("destination_workload");
  private static final int PRINCIPAL = ENDS.indexOf("source_principal") - SOURCE;
  private static final int SERVICE = ENDS.indexOf("destination_service");

  /** What labels say that there is no room for. */
  static final String NO_ROOM = "other";

  TrafficLabels {
    ends = List.copyOf(ends);
  }

  /** What takes the place of {@code labels} once there are too many sets: it names no end. */
  static TrafficLabels other(TrafficLabels labels) {
    return new TrafficLabels(
        Collections.nCopies(ENDS.size(), NO_ROOM), labels.protocol, labels.security);
  }

  /** Labels of a connection or request, by what {@code snapshot} knows of its ends. */
  static TrafficLabels of(ConnectionInfo info, String protocol, MeshSnapshot snapshot) {
    boolean atDestination = info.reporter() == Reporter.DESTINATION;
    Optional<Workload> destination =
        atDestination ? snapshot.workload(info.pod()) : workloadAt(snapshot, info.upstreamOrNull());
    List<String> ends = new ArrayList<>(ENDS.size());
    ends.add(info.reporter().label());
    ends.addAll(workload(info.source().flatMap(snapshot::workload), info.sourceIdentityOrNull()));
    ends.addAll(workload(destination, info.destinationIdentityOrNull()));
    ends.addAll(service(info.service(), snapshot));
    return new TrafficLabels(ends, protocol, info.securityPolicy());
  }

  private static Optional<Workload> workloadAt(
      MeshSnapshot snapshot, @Nullable InetSocketAddress address) {
    return address == null ? Optional.empty() : snapshot.workloadAt(address.getAddress());
  }

  /**
   * Workload, namespace, principal, app, version, canonical service and revision. The principal of
   * a certificate is told also where the snapshot does not know which workload has it.
   */
  private static List<String> workload(Optional<Workload> known, @Nullable SpiffeId identity) {
    return known
        .map(workload ->
            List.of(
                workload.app(),
                workload.name().namespace(),
                workload.identity().toString(),
                workload.app(),
                workload.version(),
                workload.app(),
                workload.version()))
        .orElseGet(() -> unknownWorkload(identity));
  }

  private static List<String> unknownWorkload(@Nullable SpiffeId identity) {
    List<String> values = new ArrayList<>(Collections.nCopies(DESTINATION - SOURCE, UNKNOWN));
    if (identity != null) {
      values.set(PRINCIPAL, identity.toString());
    }
    return values;
  }

  private static List<String> service(Optional<NamespacedName> called, MeshSnapshot snapshot) {
    return called
        .map(name ->
            List.of(
                snapshot.service(name).map(Service::host).orElse(UNKNOWN),
                name.name(),
                name.namespace()))
        .orElseGet(() -> Collections.nCopies(ENDS.size() - SERVICE, UNKNOWN));
  }

  /** Whether it names no end, because there are too many sets. */
  boolean isOther() {
    return ends.getFirst().equals(NO_ROOM);
  }

  /** Whose traffic of which direction it is, to or from whom, as {@code sluice stat} names them. */
  ObjectNode names() {
    boolean atSource = ends.getFirst().equals(Reporter.SOURCE.label());
    String source = name(SOURCE);
    String destination = name(DESTINATION);
    String service = ends.get(SERVICE + 1);
    return JsonNodeFactory.instance
        .objectNode()
        .put("workload", atSource ? source : destination)
        .put("direction", (atSource ? Direction.OUTBOUND : Direction.INBOUND).label())
        .put("peer", atSource ? destination : source)
        .put("service", service.equals(UNKNOWN) ? UNKNOWN : ends.get(SERVICE + 2) + "/" + service)
        .put("sourcePrincipal", ends.get(SOURCE + PRINCIPAL))
        .put("destinationPrincipal", ends.get(DESTINATION + PRINCIPAL))
        .put("protocol", protocol)
        .put("security", security);
  }

  private String name(int workload) {
    String name = ends.get(workload);
    return name.equals(UNKNOWN) ? UNKNOWN : ends.get(workload + 1) + "/" + name;
  }

  /** All values, with those of the labels between protocol and security. */
  List<String> with(String... between) {
    String[] last = Arrays.copyOf(between, between.length + 2);
    System.arraycopy(between, 0, last, 1, between.length);
    last[0] = protocol;
    last[last.length - 1] = security;
    return joined(ends, last);
  }

  private static List<String> joined(List<String> first, String... more) {
    List<String> all = new ArrayList<>(first.size() + more.length);
    all.addAll(first);
    Collections.addAll(all, more);
    return Collections.unmodifiableList(all);
  }

  /**
   * Every end that a snapshot knows, or lets in from another mesh, as the labels name it, and how
   * many objects make it known. One thread at a time.
   */
  static final class Ends {
    private final Map<List<String>, Integer> workloads = new HashMap<>();
    private MeshSnapshot known = MeshSnapshot.EMPTY;

    /** Goes on to {@code next}; costs what differs. */
    void follow(MeshSnapshot next) {
      SnapshotDifference difference = next.since(known);
      known = next;
      for (Change<Workload> change : difference.of(Kind.WORKLOAD)) {
        change.before().ifPresent(pod -> namesOf(pod).forEach(name -> count(name, -1)));
        change.after().ifPresent(pod -> namesOf(pod).forEach(name -> count(name, 1)));
      }
      for (Change<Permission> change : difference.of(Kind.PERMISSION)) {
        change
            .before()
            .ifPresent(was -> was.foreignSources().forEach(one -> count(unknownWorkload(one), -1)));
        change
            .after()
            .ifPresent(is -> is.foreignSources().forEach(one -> count(unknownWorkload(one), 1)));
      }
    }

    private static List<List<String>> namesOf(Workload pod) {
      return List.of(workload(Optional.of(pod), pod.identity()), unknownWorkload(pod.identity()));
    }

    private void count(List<String> name, int more) {
      workloads.merge(name, more, (was, by) -> was + by == 0 ? null : was + by);
    }

    /** Whether both ends and the service of {@code labels} still exist. */
    boolean include(TrafficLabels labels) {
      return hasWorkload(labels.ends.subList(SOURCE, DESTINATION))
          && hasWorkload(labels.ends.subList(DESTINATION, SERVICE))
          && hasService(labels.ends.subList(SERVICE, ENDS.size()));
    }

    private boolean hasWorkload(List<String> name) {
      return workloads.containsKey(name) || name.equals(unknownWorkload(null));
    }

    private boolean hasService(List<String> name) {
      return name.equals(service(Optional.empty(), known))
          || known
              .get(Kind.SERVICE, name.get(2) + "/" + name.get(1))
              .filter(one -> one.host().equals(name.getFirst()))
              .isPresent();
    }
  }
}
