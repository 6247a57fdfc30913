package io.sluice.node;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.EbpfTrial;
import io.sluice.interception.EbpfTrial.Refusals;
import io.sluice.interception.Mechanism;
import io.sluice.interception.Mechanism.ModeReasons;
import io.sluice.iptables.IptablesBackend;
import io.sluice.iptables.ProbeAnswer;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import io.sluice.linux.capability.FeatureAnswer;
import io.sluice.linux.capability.FeatureProbe;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What this node's kernel takes, found by trying, and what {@code --mode auto} makes of it.
 *
 * @param answers one per feature, per direction of the eBPF trial, and per iptables variant
 * @param choice what {@code auto} would run; empty when neither mechanism works
 * @param reasons why
 */
public record NodeCapabilities(
    List<Answer> answers, Optional<Mechanism> choice, ModeReasons reasons) {
  private static final int QUEUE = 16;

  /**
   * One thing that was tried.
   *
   * @param feature such as {@code kernel sk_lookup} or {@code iptables nft ipv4}
   * @param result {@code yes}, {@code no}, or {@code refuses} for iptables that filters only
   * @param detail what it is for, or how the kernel refused
   */
  public record Answer(String feature, String result, String detail) {}

  public NodeCapabilities {
    answers = List.copyOf(answers);
  }

  /**
   * Tries everything, about a second; on a platform thread, as root. Leaves nothing behind.
   *
   * @param without programs to be treated as refused
   */
  public static NodeCapabilities probe(Set<InterceptionProgram> without) {
    RequiredCapabilities.check(InterceptionMode.auto);
    List<Answer> answers = new ArrayList<>();
    new FeatureProbe().probeAll().values().forEach(answer -> answers.add(of(answer)));
    NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
    try (NetnsHandle host = namespaces.current();
        NetnsThread thread = new NetnsThread("sluice-netns", namespaces, QUEUE)) {
      EbpfTrial.Result trial =
          new EbpfTrial(namespaces, host, thread, without, Refusals.keepingNothing()).run();
      answers.add(of("ebpf trial outbound", trial.outboundRefusal()));
      answers.add(of("ebpf trial inbound", trial.inboundRefusal()));
      Optional<String> unusable = iptables(namespaces, answers);
      Mechanism mechanism = MechanismChoice.mechanism(trial);
      ModeReasons reasons = MechanismChoice.reasons(trial);
      if (mechanism == Mechanism.EBPF || unusable.isEmpty()) {
        return new NodeCapabilities(answers, Optional.of(mechanism), reasons);
      }
      return new NodeCapabilities(
          answers,
          Optional.empty(),
          new ModeReasons(reasons.outbound(), reasons.inbound() + "; " + unusable.get()));
    }
  }

  private static Answer of(String feature, Optional<String> refusal) {
    return new Answer(
        feature, refusal.isEmpty() ? "yes" : "no", refusal.orElse("every program it needs"));
  }

  /** Adds every variant's answer; returns why none redirects, if so. */
  private static Optional<String> iptables(NetworkNamespaces namespaces, List<Answer> answers) {
    try {
      IptablesBackend backend = IptablesBackend.probe(namespaces);
      backend.answers().forEach(answer -> answers.add(of(answer)));
      return backend.ability(Family.IPV4) == ProbeAnswer.Ability.REDIRECTS
          ? Optional.empty()
          : Optional.of("no iptables variant redirects");
    } catch (RedirectionException e) {
      answers.add(new Answer("iptables", "no", String.valueOf(e.getMessage())));
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static Answer of(FeatureAnswer answer) {
    return new Answer(
        "kernel " + answer.feature().name().toLowerCase(Locale.ROOT),
        answer.isSupported() ? "yes" : "no",
        answer.isSupported() ? answer.feature().purpose() : answer.reason());
  }

  private static Answer of(ProbeAnswer answer) {
    String feature =
        "iptables " + answer.variant() + " " + answer.family().name().toLowerCase(Locale.ROOT);
    return switch (answer.ability()) {
      case REDIRECTS ->
          new Answer(feature, "yes", answer.reason().isEmpty() ? "redirects" : answer.reason());
      case REFUSES -> new Answer(feature, "refuses", answer.reason());
      case NOTHING -> new Answer(feature, "no", answer.reason());
    };
  }

  /** What the daemon must be allowed to do, checked before it touches anything. */
  static final class RequiredCapabilities {
    /** NET_ADMIN: rules, marks, links. SYS_ADMIN: enter a pod's namespace. */
    private static final Set<Capability> ALWAYS =
        EnumSet.of(Capability.CAP_NET_ADMIN, Capability.CAP_SYS_ADMIN);

    private RequiredCapabilities() {}

    /**
     * Throws {@link IllegalStateException} that names what is missing. CAP_BPF loads programs:
     * without it {@code auto} finds eBPF refused, and {@code iptables} does not care.
     */
    static void check(InterceptionMode mode) {
      Set<Capability> required = EnumSet.copyOf(ALWAYS);
      if (mode == InterceptionMode.ebpf) {
        required.add(Capability.CAP_BPF);
      }
      Set<Capability> missing = Capabilities.missing(required);
      if (!missing.isEmpty()) {
        Set<String> names = new TreeSet<>();
        missing.forEach(capability -> names.add(capability.name()));
        throw new IllegalStateException(
            "the node daemon lacks "
                + String.join(", ", names)
                + "; run it as root, or add them to its container");
      }
    }
  }
}
