package io.sluice.node;

import io.sluice.interception.Interception;
import io.sluice.interception.maps.EventValue;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import java.time.Duration;
import java.time.Instant;

/** Moves events from the kernel's ring into the log, on a thread of its own. */
final class KernelEvents implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(KernelEvents.class.getName());

  private final Thread thread;

  private KernelEvents(Thread thread) {
    this.thread = thread;
  }

  static KernelEvents read(Interception interception, EventLog events, Enrolment pods) {
    return new KernelEvents(
        Thread.ofPlatform()
            .daemon()
            .name("sluice-events")
            .start(() -> readUntilInterrupted(interception, events, pods)));
  }

  private static void readUntilInterrupted(
      Interception interception, EventLog events, Enrolment pods) {
    try {
      interception.readEvents(event -> add(events, pods, event));
    } catch (RuntimeException e) {
      // Top frame of the thread. Traffic goes on as before; only `node events` has less to tell.
      LOG.log(System.Logger.Level.ERROR, "kernel_events_ended", e);
    }
  }

  private static void add(EventLog events, Enrolment pods, EventValue event) {
    String pod =
        pods.nameOf(event.netnsCookie())
            .map(Object::toString)
            .orElse("netns:" + Long.toUnsignedString(event.netnsCookie()));
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
    thread.interrupt();
    thread.join(Duration.ofSeconds(2));
  }
}
