package io.sluice.node;

import io.sluice.iptables.IptablesBackend;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.interception.ForwardingPods;
import io.sluice.node.interception.InheritedListeners;
import io.sluice.node.interception.Interception;
import io.sluice.node.interception.InterceptionException;
import io.sluice.node.interception.IptablesInterception;
import io.sluice.node.maps.PinDirectory;
import io.sluice.node.placement.NodeNamespaces;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;

/**
 * What a daemon in the other mode, or of a release with another map schema, left in force. It goes
 * only after every pod is in force by the present mechanism: while both are, connections are
 * refused, never left alone.
 */
final class FormerMechanism implements Runnable {
  private static final System.Logger LOG = System.getLogger(FormerMechanism.class.getName());

  private final String nodeName;
  private final Interception present;
  private final NetworkNamespaces namespaces;
  private final NetnsThread thread;
  private final Path proc;
  private volatile boolean done; // set by the enrolment thread

  FormerMechanism(
      String nodeName,
      Interception present,
      NetworkNamespaces namespaces,
      NetnsThread thread,
      Path proc) {
    this.nodeName = nodeName;
    this.present = present;
    this.namespaces = namespaces;
    this.thread = thread;
    this.proc = proc;
  }

  /** Where iptables mode notes its pods. */
  static Path records(String nodeName) {
    return NodeSettings.runtimeDirectory(nodeName).resolve("iptables");
  }

  @Override
  public void run() {
    if (done) {
      return;
    }
    try {
      switch (present.mechanism()) {
        case IPTABLES -> removePrograms();
        case EBPF -> {
          removeOtherSchemas();
          removeRules();
        }
        // Needs both; what a pod had too much went when that pod was activated.
        case SPLIT -> removeOtherSchemas();
      }
    } catch (InterceptionException e) {
      LOG.log(System.Logger.Level.WARNING, "former_mechanism_not_removed", e);
      return; // the next sweep tries again
    }
    done = true;
  }

  private void removePrograms() {
    PinDirectory pins = PinDirectory.ofNode(nodeName);
    if (pins.existsInAnySchema()) {
      removePrograms(pins, namespaces, proc);
      LOG.log(System.Logger.Level.INFO, "former_mechanism_removed mode=ebpf");
    }
  }

  /** By now each holds only pods that are not wanted any more. */
  private void removeOtherSchemas() {
    for (PinDirectory former : PinDirectory.ofNode(nodeName).otherSchemas()) {
      allowForwarding(former.podCookies(), namespaces, proc);
      former.removeSchema();
      LOG.log(
          System.Logger.Level.INFO,
          "former_mechanism_removed mode=ebpf schema={0}",
          former.path().getFileName());
    }
  }

  /** Removes the pins of all schemas, and what programs cannot do and is in the pods. */
  static void removePrograms(PinDirectory pins, NetworkNamespaces namespaces, Path proc) {
    allowForwarding(pins.podCookies(), namespaces, proc);
    pins.otherSchemas().forEach(other -> allowForwarding(other.podCookies(), namespaces, proc));
    pins.removeAll();
  }

  private static void allowForwarding(List<Long> cookies, NetworkNamespaces namespaces, Path proc) {
    try (ForwardingPods pods = new ForwardingPods(namespaces, proc)) {
      pods.allow(cookies);
    }
  }

  private void removeRules() {
    if (Files.isDirectory(records(nodeName))) {
      removeRules(nodeName, namespaces, thread, proc);
      LOG.log(System.Logger.Level.INFO, "former_mechanism_removed mode=iptables");
    }
  }

  /** Whether anything of it may still be in force; cheap. */
  boolean isLeft() {
    return !done
        && switch (present.mechanism()) {
          case IPTABLES -> PinDirectory.ofNode(nodeName).existsInAnySchema();
          case EBPF -> hasOtherSchemas() || Files.isDirectory(records(nodeName));
          case SPLIT -> hasOtherSchemas();
        };
  }

  private boolean hasOtherSchemas() {
    return !PinDirectory.ofNode(nodeName).otherSchemas().isEmpty();
  }

  /** Removes the rules of every pod that iptables mode noted. */
  static void removeRules(
      String nodeName, NetworkNamespaces namespaces, NetnsThread thread, Path proc) {
    try (IptablesInterception former =
        new IptablesInterception(
            namespaces,
            thread,
            new InheritedListeners(),
            IptablesBackend.probe(namespaces),
            records(nodeName),
            new NodeNamespaces(namespaces, proc),
            EnumSet.allOf(Direction.class))) {
      former.leftBehind().forEach(former::release);
    }
  }
}
