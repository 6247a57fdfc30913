package io.sluice.node.why;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.FastPath.Way;
import io.sluice.node.enrolment.PodStatus;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What a node knows of itself that no snapshot says. Any thread; never blocks for long. */
public interface NodeView {
  /** Its name. */
  String nodeName();

  /** Whether a daemon runs, so that what is redirected is taken. */
  boolean isRunning();

  /** Whether pods are left alone while none does. */
  boolean failsOpen();

  /** Whether its snapshot holds every TrafficTarget, and not those of its own pods alone. */
  boolean knowsEveryGrant();

  /** How a pod of the snapshot stands here; empty where the daemon does not list it. */
  Optional<PodStatus> pod(NamespacedName name);

  /** When a node last took no connection of this one for that pod; empty where not of late. */
  Optional<Instant> foundClosed(Workload pod);

  /** Why that identity, of a pod of this node, cannot prove itself now; empty where it can. */
  Optional<String> noCertificate(SpiffeId identity);

  /** The number of the certificate by which it proves itself here; empty where it has none. */
  Optional<BigInteger> serial(SpiffeId identity);

  /** Whether it answers requests in the place of that service now, as its circuit is open. */
  boolean isSpared(NamespacedName service);

  /**
   * What in the kernel is otherwise than the snapshot asks for that pod; empty where nothing is.
   */
  List<String> differences(NamespacedName pod);

  /** Who leads a call of that pod; empty where the kernel is not to lead any. */
  default Optional<Way> way(NamespacedName caller, InetSocketAddress called) {
    return Optional.empty();
  }

  /** A node of which nobody answers: what is known is the snapshot that it left on its disk. */
  static NodeView dead(String nodeName) {
    return new NodeView() {
      @Override
      public String nodeName() {
        return nodeName;
      }

      @Override
      public boolean isRunning() {
        return false;
      }

      @Override
      public boolean failsOpen() {
        return false;
      }

      @Override
      public boolean knowsEveryGrant() {
        return false;
      }

      @Override
      public Optional<PodStatus> pod(NamespacedName name) {
        return Optional.empty();
      }

      @Override
      public Optional<Instant> foundClosed(Workload pod) {
        return Optional.empty();
      }

      @Override
      public Optional<String> noCertificate(SpiffeId identity) {
        return Optional.empty();
      }

      @Override
      public Optional<BigInteger> serial(SpiffeId identity) {
        return Optional.empty();
      }

      @Override
      public boolean isSpared(NamespacedName service) {
        return false;
      }

      @Override
      public List<String> differences(NamespacedName pod) {
        return List.of();
      }
    };
  }
}
