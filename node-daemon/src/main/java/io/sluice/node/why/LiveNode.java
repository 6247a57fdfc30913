package io.sluice.node.why;

import io.sluice.interception.maps.MapCatalogue;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.FastPath.Way;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.identity.CertificateStatus;
import io.sluice.node.identity.NodeIdentities;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The node of the daemon that is asked.
 *
 * @param readsRegistry whether it reads the mesh itself, and so all of it
 * @param identities empty where it has no controller
 * @param whyMissing says of an identity why it has no certificate
 * @param spared whether the circuit of that service is open
 * @param ways who leads a call; empty where the kernel is not to lead any
 * @param catalogue of the maps in the kernel; of a node with rules alone it holds none
 */
public record LiveNode(
    String nodeName,
    boolean failsOpen,
    BooleanSupplier readsRegistry,
    Enrolment enrolment,
    Optional<NodeIdentities> identities,
    Function<SpiffeId, String> whyMissing,
    Predicate<NamespacedName> spared,
    Supplier<MeshSnapshot> snapshot,
    EventLog events,
    BiFunction<NamespacedName, InetSocketAddress, Optional<Way>> ways,
    MapCatalogue catalogue)
    implements NodeView {
  private static final int HEX = 16;

  @Override
  public boolean isRunning() {
    return true;
  }

  @Override
  public boolean knowsEveryGrant() {
    return readsRegistry.getAsBoolean();
  }

  @Override
  public Optional<PodStatus> pod(NamespacedName name) {
    return enrolment.statuses().stream().filter(pod -> pod.name().equals(name)).findFirst();
  }

  @Override
  public Optional<Instant> foundClosed(Workload pod) {
    Instant now = Instant.now();
    return events.after(0).stream()
        .filter(event -> event.isOfLate(now) && event.isOfClosed(pod.addresses()::contains))
        .map(NodeEvent::time)
        .max(Comparator.naturalOrder());
  }

  @Override
  public Optional<String> noCertificate(SpiffeId identity) {
    boolean valid =
        identities.stream()
            .flatMap(present -> present.certificates().stream())
            .filter(one -> one.identity().equals(identity))
            .anyMatch(one -> one.state() == CertificateStatus.State.VALID);
    return valid ? Optional.empty() : Optional.of(whyMissing.apply(identity));
  }

  @Override
  public Optional<BigInteger> serial(SpiffeId identity) {
    return identities.stream()
        .flatMap(present -> present.certificates().stream())
        .filter(one -> one.identity().equals(identity))
        .flatMap(one -> one.facts().stream())
        .map(facts -> new BigInteger(facts.serial(), HEX))
        .findFirst();
  }

  @Override
  public boolean isSpared(NamespacedName service) {
    return spared.test(service);
  }

  @Override
  public Optional<Way> way(NamespacedName caller, InetSocketAddress called) {
    return ways.apply(caller, called);
  }

  /** Of ports that are excluded: what else there is, the daemon looks at by itself. */
  @Override
  public List<String> differences(NamespacedName pod) {
    MeshSnapshot inForce = snapshot.get();
    List<String> differences = new ArrayList<>();
    inForce
        .workload(pod)
        .ifPresent(workload -> {
          Set<String> wanted =
              Stream.concat(
                      workload.interception().outboundPortExclusions().stream()
                          .map(port -> "outbound " + port),
                      workload.interception().inboundPortExclusions().stream()
                          .map(port -> "inbound " + port))
                  .collect(Collectors.toSet());
          portRules(pod)
              .filter(found -> !found.equals(wanted))
              .map(found ->
                  "map port_rules has "
                      + found
                      + " for pod "
                      + pod
                      + ", and the snapshot "
                      + wanted)
              .ifPresent(differences::add);
        });
    long enforced = enrolment.enforcedRevision();
    if (enforced < inForce.revision()) {
      differences.add(
          "pods are in force as of revision "
              + enforced
              + " of the snapshot; a newer one is coming");
    }
    return differences;
  }

  /** Direction and port of each that the kernel excludes for the pod. */
  private Optional<Set<String>> portRules(NamespacedName pod) {
    return catalogue
        .dump("port_rules")
        .map(dump -> {
          int ofPod = dump.columns().indexOf("pod");
          int direction = dump.columns().indexOf("direction");
          int port = dump.columns().indexOf("port");
          return dump.rows().stream()
              .filter(row -> row.get(ofPod).equals(pod.toString()))
              .map(row -> row.get(direction) + " " + row.get(port))
              .collect(Collectors.toSet());
        });
  }
}
