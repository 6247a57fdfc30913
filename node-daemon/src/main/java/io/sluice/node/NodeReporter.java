package io.sluice.node;

import io.sluice.interception.Interception;
import io.sluice.interception.maps.EventValue;
import io.sluice.linux.bpf.RingBuffer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Printable;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.enrolment.EarlierConnection;
import io.sluice.node.enrolment.EarlierConnection.EarlierAction;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsListener;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.enrolment.ProtectionListener;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.store.StoreFault;
import io.sluice.node.store.StoreListener;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Hands what the daemon's own parts report to metrics and events: connections older than their
 * pod's enrolment, pods that are not protected, and what concerns the node itself, of which one
 * line is enough, since log and `node status` have the rest.
 */
record NodeReporter(NodeMetrics metrics, EventLog events)
    implements EarlierConnectionsListener, ProtectionListener, StoreListener {
  /** Events of one pod at a time, so that it leaves room for others; the metric counts them all. */
  private static final int MAX_EVENTS = 64;

  @Override
  public void taken(EarlierAction action, NamespacedName pod, List<EarlierConnection> connections) {
    metrics.earlierConnections(action, connections.size());
    Outcome outcome =
        switch (action) {
          case DESTROYED -> Outcome.REFUSED;
          case KEPT, GRACED, FAILED -> Outcome.PASSTHROUGH;
        };
    for (EarlierConnection one : connections.subList(0, Math.min(MAX_EVENTS, connections.size()))) {
      tell(
          "enrolment",
          pod.toString(),
          one.direction(),
          one.socket().transport().label(),
          one.source(),
          one.destination(),
          outcome,
          Reason.BEFORE_ENROLMENT);
    }
  }

  @Override
  public void closed(NamespacedName pod, String problem) {
    refused(pod, Reason.INTERCEPTION_FAILED_CLOSED);
  }

  @Override
  public void namespaceConflict(NamespacedName claimant) {
    metrics.namespaceConflict();
    refused(claimant, Reason.NAMESPACE_CONFLICT);
  }

  private void refused(NamespacedName pod, Reason reason) {
    for (Direction direction : Direction.values()) {
      tell("enrolment", pod.toString(), direction, "any", null, null, Outcome.REFUSED, reason);
    }
  }

  /** A snapshot on the disk cannot be used or written. */
  @Override
  public void failed(StoreFault fault, String problem) {
    tellOfNode("store", Outcome.REFUSED, Reason.SNAPSHOT_UNUSABLE);
  }

  /** The node goes by other roots than until now, of which {@code former} are the ids. */
  void admittedAnew(List<String> former) {
    tellOfNode("identity", Outcome.ALLOWED, Reason.ADMITTED_ANEW);
  }

  /** Every pod and both directions. */
  private void tellOfNode(String origin, Outcome outcome, Reason reason) {
    tell(origin, "-", Direction.INBOUND, "any", null, null, outcome, reason);
  }

  private void tell(
      String origin,
      String pod,
      Direction direction,
      String protocol,
      @Nullable InetSocketAddress source,
      @Nullable InetSocketAddress destination,
      Outcome outcome,
      Reason reason) {
    Instant now = Instant.now();
    events.add(sequence ->
        new NodeEvent(
            sequence,
            now,
            origin,
            pod,
            direction,
            protocol,
            source,
            destination,
            outcome,
            reason,
            null,
            null));
  }

  /**
   * One line for each pod that the mesh does not protect as it should; empty when there is none.
   */
  static String unprotected(List<PodStatus> pods) {
    return new TreeMap<>(troubled(pods))
        .entrySet().stream()
            .map(pod -> Printable.line("pod %s %s".formatted(pod.getKey(), pod.getValue())) + "\n")
            .collect(Collectors.joining());
  }

  /** What the mesh does for those that are not protected, and why. */
  static Map<NamespacedName, String> troubled(List<PodStatus> pods) {
    return pods.stream()
        .filter(pod ->
            pod.protection() == Protection.REFUSED || pod.protection() == Protection.NOT_PROTECTED)
        .collect(
            Collectors.toMap(
                PodStatus::name,
                pod -> Printable.line(pod.protection().label() + ": " + pod.problem())));
  }

  /** Moves events from the kernel's ring into the log, on a thread of its own. */
  static final class KernelEvents implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(KernelEvents.class.getName());

    private final RingBuffer.Ending ending = new RingBuffer.Ending();
    private final Thread thread;

    private KernelEvents(Interception interception, EventLog events, Enrolment pods) {
      this.thread =
          Thread.ofPlatform()
              .daemon()
              .name("sluice-events")
              .start(() -> readUntilTold(interception, events, pods));
    }

    static KernelEvents read(Interception interception, EventLog events, Enrolment pods) {
      return new KernelEvents(interception, events, pods);
    }

    private void readUntilTold(Interception interception, EventLog events, Enrolment pods) {
      try {
        interception.readEvents(event -> add(events, pods, event), ending);
      } catch (RuntimeException | Error e) {
        // Top frame of the thread. Traffic goes on as before; only `node events` has less to tell.
        LOG.log(System.Logger.Level.ERROR, "kernel_events_ended", e);
      }
    }

    private static void add(EventLog events, Enrolment pods, EventValue event) {
      String pod =
          pods.nameOf(event.netnsCookie())
              .map(Object::toString)
              .orElseGet(() -> NodeEvent.podOf(event.netnsCookie()));
      // System.nanoTime() is CLOCK_MONOTONIC on Linux, as bpf_ktime_get_ns() is.
      Instant time = Instant.now().minusNanos(System.nanoTime() - event.monotonicNanos());
      events.add(sequence ->
          new NodeEvent(
              sequence,
              time,
              "kernel",
              pod,
              event.direction(),
              protocol(event.protocol()),
              event.source(),
              event.destination(),
              event.outcome(),
              event.reason(),
              null,
              null));
    }

    private static String protocol(int number) {
      return switch (number) {
        case 6 -> "tcp";
        case 17 -> "udp";
        case 132 -> "sctp";
        case 136 -> "udp-lite";
        default -> Integer.toString(number);
      };
    }

    @Override
    public void close() throws InterruptedException {
      ending.tell();
      if (thread.join(Duration.ofSeconds(2))) {
        ending.close();
      } // else it still looks at it
    }
  }
}
