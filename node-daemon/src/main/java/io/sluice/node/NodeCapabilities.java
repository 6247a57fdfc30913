package io.sluice.node;

import io.sluice.iptables.IptablesBackend;
import io.sluice.iptables.ProbeAnswer;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.capability.FeatureAnswer;
import io.sluice.linux.capability.FeatureProbe;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.interception.EbpfTrial;
import io.sluice.node.interception.Mechanism;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What this node's kernel takes, found by trying, and what {@code --mode auto} makes of it.
 *
 * @param answers one per feature, per mechanism tried as a whole, and per iptables variant
 * @param choice what {@code auto} would run; empty when neither mechanism works
 * @param reason why
 */
public record NodeCapabilities(List<Answer> answers, Optional<Mechanism> choice, String reason) {
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

  /** Tries everything, about a second; on a platform thread, as root. Leaves nothing behind. */
  public static NodeCapabilities probe() {
    RequiredCapabilities.check(InterceptionMode.auto);
    List<Answer> answers = new ArrayList<>();
    new FeatureProbe().probeAll().values().forEach(answer -> answers.add(of(answer)));
    NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
    try (NetnsHandle host = namespaces.current();
        NetnsThread thread = new NetnsThread("sluice-netns", namespaces, QUEUE)) {
      Optional<String> refusal = EbpfTrial.run(namespaces, host, thread);
      answers.add(
          new Answer(
              "ebpf trial", refusal.isEmpty() ? "yes" : "no", refusal.orElse("every program")));
      Optional<String> unusable = iptables(namespaces, answers);
      if (refusal.isEmpty()) {
        return new NodeCapabilities(
            answers, Optional.of(Mechanism.EBPF), MechanismChoice.EBPF_WORKS);
      }
      String reason = MechanismChoice.EBPF_REFUSED + refusal.get();
      return unusable
          .map(why -> new NodeCapabilities(answers, Optional.empty(), reason + "; " + why))
          .orElseGet(() -> new NodeCapabilities(answers, Optional.of(Mechanism.IPTABLES), reason));
    }
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
}
