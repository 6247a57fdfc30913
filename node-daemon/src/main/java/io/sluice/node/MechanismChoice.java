package io.sluice.node;

import io.sluice.iptables.IptablesBackend;
import io.sluice.iptables.ProbeAnswer;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.interception.EbpfInterception;
import io.sluice.node.interception.EbpfTrial;
import io.sluice.node.interception.Interception;
import io.sluice.node.interception.InterceptionException;
import io.sluice.node.interception.IptablesInterception;
import io.sluice.node.placement.NodeNamespaces;
import java.io.UncheckedIOException;
import java.util.Optional;

/** Chooses the mechanism by trying, never by the kernel's version, and keeps the reason. */
final class MechanismChoice {
  private static final System.Logger LOG = System.getLogger(MechanismChoice.class.getName());

  /** Why {@code auto} takes eBPF. */
  static final String EBPF_WORKS = "a trial of every program succeeded";

  /** Why {@code auto} takes iptables; what eBPF met follows. */
  static final String EBPF_REFUSED = "eBPF does not work here: ";

  private final NodeSettings settings;
  private final NetworkNamespaces namespaces;
  private final NetnsHandle host;
  private final NetnsThread thread;

  /** A mechanism in force, and why it was taken. */
  record Chosen(Interception interception, String reason) {}

  MechanismChoice(
      NodeSettings settings, NetworkNamespaces namespaces, NetnsHandle host, NetnsThread thread) {
    this.settings = settings;
    this.namespaces = namespaces;
    this.host = host;
    this.thread = thread;
  }

  /** Starts the mechanism; throws when none that the operator allows works. */
  Chosen start() {
    Chosen chosen =
        switch (settings.mode()) {
          case iptables -> iptables("asked for");
          case ebpf -> ebpfOrFallback();
          case auto -> automatic();
        };
    LOG.log(
        System.Logger.Level.INFO,
        "interception_mode mode={0} reason={1}",
        chosen.interception.mechanism().label(),
        chosen.reason);
    return chosen;
  }

  private Chosen ebpfOrFallback() {
    try {
      return ebpf("asked for");
    } catch (LinuxException | InterceptionException | UncheckedIOException e) {
      if (!settings.fallback()) {
        throw e;
      }
      return iptables("eBPF was asked for and is refused: " + EbpfTrial.reason(e));
    }
  }

  private Chosen automatic() {
    Optional<String> refusal = EbpfTrial.run(namespaces, host, thread);
    if (refusal.isPresent()) {
      return iptables(EBPF_REFUSED + refusal.get());
    }
    try {
      return ebpf(EBPF_WORKS);
    } catch (LinuxException | InterceptionException | UncheckedIOException e) {
      return iptables("eBPF passed its trial but does not start: " + EbpfTrial.reason(e));
    }
  }

  private Chosen ebpf(String reason) {
    return new Chosen(
        EbpfInterception.start(
            settings.nodeName(),
            OwnCgroup.enter(settings.nodeName()),
            host,
            thread,
            settings.failOpen()),
        reason);
  }

  private Chosen iptables(String reason) {
    if (settings.failOpen()) {
      throw new InterceptionException(
          "iptables rules cannot tell whether a daemon runs, so --fail-open has no effect there",
          "use --mode ebpf, or leave out --fail-open");
    }
    IptablesBackend backend = IptablesBackend.probe(namespaces);
    if (backend.ability(Family.IPV4) != ProbeAnswer.Ability.REDIRECTS) {
      throw new InterceptionException(
          "iptables cannot redirect here either: " + backend.answers(),
          "load the modules named, or use a kernel that takes the eBPF programs");
    }
    return new Chosen(
        new IptablesInterception(
            namespaces,
            thread,
            backend,
            FormerMechanism.records(settings.nodeName()),
            new NodeNamespaces(namespaces, settings.placement().proc())),
        reason);
  }
}
