package io.sluice.iptables;

import io.sluice.iptables.ProbeAnswer.Ability;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The iptables programs of this node and what they can do here. Immutable; one per node and boot.
 */
public final class IptablesBackend {
  private static final Path IPV6_ADDRESSES = Path.of("/proc/thread-self/net/if_inet6");

  private final List<Usable> known;
  private final long ownCgroup; // the id that a path in the rules leads to; 0 without

  /** A variant with its answer. */
  record Usable(Tool tool, ProbeAnswer answer) {}

  /**
   * The variant for one namespace.
   *
   * @param saved what it held there when it was chosen
   */
  record Chosen(Tool tool, ProbeAnswer answer, SavedRules saved) {}

  IptablesBackend(List<Usable> known, long ownCgroup) {
    this.known = List.copyOf(known);
    this.ownCgroup = ownCgroup;
  }

  /**
   * Finds the installed variants and tries each in a scratch namespace; takes some 100 ms. IPv6 is
   * not tried where the node has none. On a platform thread with CAP_SYS_ADMIN and CAP_NET_ADMIN.
   *
   * @throws RedirectionException when no scratch namespace can be made
   */
  public static IptablesBackend probe(NetworkNamespaces namespaces) {
    return probe(namespaces, "");
  }

  /**
   * The same for rules that tell the proxy's sockets by its cgroup, where the kernel can.
   *
   * @param ownCgroup that of this process and nobody else, from the root of cgroup2; the calling
   *     thread is in the node's cgroup namespace, from which rules look it up
   */
  public static IptablesBackend probe(NetworkNamespaces namespaces, String ownCgroup) {
    var probe = new FunctionalProbe(namespaces, ownCgroup);
    List<Tool> tools = new ArrayList<>(Tool.installed(Family.IPV4));
    if (Files.exists(IPV6_ADDRESSES)) {
      tools.addAll(Tool.installed(Family.IPV6));
    }
    // Each starts a dozen programs one after the other and spends its time waiting for them.
    return new IptablesBackend(
        SideBySide.run(
            tools.stream()
                .<Supplier<Usable>>map(tool -> () -> new Usable(tool, probe.ask(tool)))
                .toList()),
        ownCgroup.isEmpty() ? 0 : Cgroups.id(Cgroups.rootV2().resolve(ownCgroup)));
  }

  List<Usable> known() {
    return known;
  }

  /** The id of the proxy's cgroup: rules keep the one that their path led to when written. */
  long ownCgroup() {
    return ownCgroup;
  }

  /** Whether any rule will believe a mark, so that the proxy's sockets must have it. */
  public boolean believesMarks() {
    return known.stream()
        .filter(usable -> usable.answer().ability() != Ability.NOTHING)
        .anyMatch(usable -> usable.answer().dialect().believesMarks());
  }

  /** What every variant can do, in the order of preference. */
  public List<ProbeAnswer> answers() {
    return known.stream().map(Usable::answer).toList();
  }

  /** The best that any variant can do for this family. */
  public Ability ability(Family family) {
    return candidates(family).stream()
        .map(usable -> usable.answer().ability())
        .min(Comparator.naturalOrder())
        .orElse(Ability.NOTHING);
  }

  /**
   * The variant for this namespace: one that already holds rules there, first of all ours, else the
   * first of the best, for a mixture of variants in one namespace is hard to understand for people.
   *
   * @throws RedirectionException when none can do anything
   */
  Chosen choose(Family family, NetnsHandle namespace) {
    Ability best = ability(family);
    List<Usable> able =
        candidates(family).stream().filter(usable -> usable.answer().ability() == best).toList();
    if (best == Ability.NOTHING) {
      throw unusable(family);
    }
    List<Chosen> choices =
        SideBySide.run(
            able.stream()
                .<Supplier<Chosen>>map(usable ->
                    () -> new Chosen(usable.tool(), usable.answer(), usable.tool().save(namespace)))
                .toList());
    return choices.stream()
        .filter(choice -> !choice.saved().own().isEmpty())
        .findFirst()
        .or(() -> choices.stream().filter(choice -> choice.saved().holdsRules()).findFirst())
        .orElseGet(choices::getFirst);
  }

  /** Every program that could have left rules behind. */
  List<Tool> tools() {
    return known.stream()
        .filter(usable -> usable.answer().ability() != Ability.NOTHING)
        .map(Usable::tool)
        .toList();
  }

  /** The variants for this family, whatever they can do, in the order of preference. */
  List<Usable> candidates(Family family) {
    return known.stream().filter(usable -> usable.tool().family() == family).toList();
  }

  private RedirectionException unusable(Family family) {
    List<Usable> tried = candidates(family);
    String reasons =
        tried.stream()
            .map(usable -> usable.tool().variant() + ": " + usable.answer().reason())
            .collect(Collectors.joining("; "));
    return new RedirectionException(
        "iptables " + family,
        "",
        tried.isEmpty() ? "no iptables-restore is installed" : "no variant works: " + reasons,
        "load the modules named, or use eBPF mode; the pod is not redirected until then");
  }

  /**
   * Runs what waits for programs side by side: a pod that starts waits for all of them, and each
   * takes some milliseconds.
   */
  static final class SideBySide {
    private SideBySide() {}

    /**
     * The results, in the order of the tasks, once every task has ended.
     *
     * @throws RuntimeException the first failure in that order; others are suppressed in it
     */
    static <T> List<T> run(List<Supplier<T>> tasks) {
      ThreadFactory threads = Thread.ofPlatform().daemon().name("sluice-iptables-", 0).factory();
      List<CompletableFuture<T>> started =
          tasks.stream()
              .map(task ->
                  CompletableFuture.supplyAsync(task, work -> threads.newThread(work).start()))
              .toList();
      RuntimeException failure = null;
      for (CompletableFuture<T> each : started) {
        try {
          each.join();
        } catch (CompletionException e) {
          RuntimeException cause = e.getCause() instanceof RuntimeException known ? known : e;
          if (failure == null) {
            failure = cause;
          } else {
            failure.addSuppressed(cause);
          }
        }
      }
      if (failure != null) {
        throw failure;
      }
      return started.stream().map(CompletableFuture::join).toList();
    }
  }
}
