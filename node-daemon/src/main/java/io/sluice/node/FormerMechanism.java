package io.sluice.node;

import io.sluice.iptables.IptablesBackend;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.node.interception.Interception;
import io.sluice.node.interception.InterceptionException;
import io.sluice.node.interception.IptablesInterception;
import io.sluice.node.interception.Mechanism;
import io.sluice.node.maps.PinDirectory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a daemon in the other mode left in force. It goes only after every pod is in force by the
 * present mechanism: while both are, connections are refused, never left alone.
 */
final class FormerMechanism implements Runnable {
  private static final System.Logger LOG = System.getLogger(FormerMechanism.class.getName());

  private final String nodeName;
  private final Interception present;
  private final NetworkNamespaces namespaces;
  private final NetnsThread thread;
  private volatile boolean done; // set by the enrolment thread

  FormerMechanism(
      String nodeName, Interception present, NetworkNamespaces namespaces, NetnsThread thread) {
    this.nodeName = nodeName;
    this.present = present;
    this.namespaces = namespaces;
    this.thread = thread;
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
    if (present.mechanism() == Mechanism.IPTABLES) {
      PinDirectory pins = PinDirectory.ofNode(nodeName);
      if (pins.exists()) {
        pins.removeAll();
        LOG.log(System.Logger.Level.INFO, "former_mechanism_removed mode=ebpf");
      }
    } else if (Files.isDirectory(records(nodeName))) {
      try {
        removeRules(nodeName, namespaces, thread);
      } catch (InterceptionException e) {
        LOG.log(System.Logger.Level.WARNING, "former_mechanism_not_removed mode=iptables", e);
        return; // the next sweep tries again
      }
      LOG.log(System.Logger.Level.INFO, "former_mechanism_removed mode=iptables");
    }
    done = true;
  }

  /** Whether anything of it may still be in force; cheap. */
  boolean isLeft() {
    return !done
        && (present.mechanism() == Mechanism.IPTABLES
            ? PinDirectory.ofNode(nodeName).exists()
            : Files.isDirectory(records(nodeName)));
  }

  /** Removes the rules of every pod that iptables mode noted. */
  static void removeRules(String nodeName, NetworkNamespaces namespaces, NetnsThread thread) {
    try (IptablesInterception former =
        new IptablesInterception(
            namespaces, thread, IptablesBackend.probe(namespaces), records(nodeName))) {
      former.leftBehind().forEach(former::release);
    }
  }
}
