package io.sluice.node;

import io.sluice.interception.EbpfInterception;
import io.sluice.interception.EbpfShape;
import io.sluice.interception.EbpfTrial;
import io.sluice.interception.EbpfTrial.Refusals;
import io.sluice.interception.FormerMechanism;
import io.sluice.interception.ForwardingPods;
import io.sluice.interception.InheritedListeners;
import io.sluice.interception.Interception;
import io.sluice.interception.InterceptionException;
import io.sluice.interception.IptablesInterception;
import io.sluice.interception.LoadedPrograms;
import io.sluice.interception.Mechanism;
import io.sluice.interception.Mechanism.ModeReasons;
import io.sluice.interception.NamespaceSearch;
import io.sluice.interception.PassedTrial;
import io.sluice.interception.ProgramRefusedException;
import io.sluice.interception.SplitInterception;
import io.sluice.interception.SpreadPods;
import io.sluice.iptables.IptablesBackend;
import io.sluice.iptables.ProbeAnswer;
import io.sluice.linux.LinuxException;
import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.placement.NodeNamespaces;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the mechanism of each direction by trying, never by the kernel's version, and keeps the
 * reasons. The steps down are eBPF, eBPF outbound alone, iptables. For one thread.
 */
final class MechanismChoice implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(MechanismChoice.class.getName());
  private static final Set<Direction> BOTH = EnumSet.allOf(Direction.class);

  /** After which a daemon that was replaced has been told to end, and drains. */
  private static final Duration TRANSLATED_LONGER = Duration.ofMinutes(1);

  private static final String ASKED_FOR = "asked for";
  private static final String EBPF_WORKS = "a trial of every program succeeded";
  private static final String EBPF_WORKED = EBPF_WORKS + " earlier, since the machine started";
  private static final String OUTBOUND_WORKS = "a trial of every outbound program succeeded";
  private static final String EBPF_REFUSED = "eBPF does not work here: ";
  private static final String ASKED_AND_REFUSED = "eBPF was asked for and is refused: ";
  private static final String PASSED_BUT_REFUSED = "eBPF passed its trial but does not start: ";

  private final NodeSettings settings;
  private final NetworkNamespaces namespaces;
  private final NetnsHandle host;
  private final NetnsThread thread;
  private final InheritedListeners inherited;
  private final Refusals refusals;
  private final PassedTrial passed;
  private boolean believed; // a note, instead of a trial
  private EbpfTrial.@Nullable Result trial;
  private @Nullable LoadedPrograms loaded;
  private @Nullable IptablesBackend backend;
  private boolean begins = true;

  /** A mechanism in force, and why it was taken. */
  record Chosen(Interception interception, ModeReasons reasons) {
    /** Both in a sentence. */
    String summary() {
      return interception.mechanism().label() + ": " + reasons.summary();
    }
  }

  MechanismChoice(
      NodeSettings settings,
      NetworkNamespaces namespaces,
      NetnsHandle host,
      NetnsThread thread,
      InheritedListeners inherited) {
    this.settings = settings;
    this.inherited = inherited;
    this.namespaces = namespaces;
    this.host = host;
    this.thread = thread;
    this.refusals = Refusals.keepingLogsIn(settings.stateDirectory());
    this.passed = new PassedTrial(NodeSettings.passedTrial(settings.nodeName()));
  }

  /** What {@code auto} takes after this trial. */
  static Mechanism mechanism(EbpfTrial.Result trial) {
    if (trial.outboundRefusal().isPresent()) {
      return Mechanism.IPTABLES;
    }
    return trial.inboundRefusal().isPresent() ? Mechanism.SPLIT : Mechanism.EBPF;
  }

  /** And why. */
  static ModeReasons reasons(EbpfTrial.Result trial) {
    return switch (mechanism(trial)) {
      case EBPF -> ModeReasons.both(EBPF_WORKS);
      case SPLIT ->
          new ModeReasons(OUTBOUND_WORKS, EBPF_REFUSED + trial.inboundRefusal().orElseThrow());
      case IPTABLES -> ModeReasons.both(EBPF_REFUSED + trial.outboundRefusal().orElseThrow());
    };
  }

  /**
   * Does what changes nothing that is in force, so that {@link #start} takes no longer than it
   * must: tries, and loads what is likely to be started. Throws when no mechanism that the operator
   * allows works; where there is another one, a failure is met and told by {@link #start}.
   */
  void prepare() {
    switch (settings.mode()) {
      case iptables -> usableIptables(ASKED_FOR);
      case ebpf -> load(full());
      case auto -> {
        ModeReasons reasons = trialReasons();
        switch (mechanism(trial())) {
          case EBPF -> load(full());
          case SPLIT -> {
            usableIptables(reasons.summary());
            load(outboundOnly());
          }
          case IPTABLES -> usableIptables(reasons.summary());
        }
      }
    }
  }

  private void load(EbpfShape shape) {
    try {
      LoadedPrograms programs = LoadedPrograms.load(settings.nodeName(), shape);
      loaded = programs;
      programs.loadPodsAhead();
    } catch (LinuxException | ProgramRefusedException | UncheckedIOException e) {
      if (settings.mode() == InterceptionMode.ebpf && !settings.fallback()) {
        throw refused(ASKED_AND_REFUSED + refusals.clause(e), e);
      }
      LOG.log(System.Logger.Level.DEBUG, "mechanism_not_prepared", e);
      if (isDisproved()) {
        prepare();
      }
    }
  }

  private static InterceptionException refused(String why, RuntimeException cause) {
    return new InterceptionException(
        why, "allow iptables with --fallback true, or leave the choice to --mode auto", cause);
  }

  private EbpfShape full() {
    return EbpfShape.full(settings.withoutPrograms(), settings.failOpen());
  }

  private EbpfShape outboundOnly() {
    return EbpfShape.outboundOnly(settings.withoutPrograms());
  }

  private EbpfTrial.Result trial() {
    EbpfTrial.Result tried = trial;
    if (tried == null) {
      believed = settings.withoutPrograms().isEmpty() && passed.isNoted();
      tried =
          believed
              ? EbpfTrial.Result.SUCCESS
              : new EbpfTrial(namespaces, host, thread, settings.withoutPrograms(), refusals).run();
      if (!believed && tried.equals(EbpfTrial.Result.SUCCESS)) {
        passed.note();
      }
      trial = tried;
    }
    return tried;
  }

  private ModeReasons trialReasons() {
    ModeReasons reasons = reasons(trial());
    return believed ? ModeReasons.both(EBPF_WORKED) : reasons;
  }

  /** Whether a trial is due after all, since what was noted does not hold here. */
  private boolean isDisproved() {
    if (!believed) {
      return false;
    }
    passed.forget();
    trial = null;
    return true;
  }

  /** Lets go of what was prepared and not started. */
  @Override
  public void close() {
    LoadedPrograms unused = loaded;
    if (unused != null) {
      unused.close();
      loaded = null;
    }
  }

  /**
   * Makes the mechanism, and lets it begin; throws when none that the operator allows works.
   *
   * @param begin false: the caller lets it begin, after a daemon that has it in force already
   */
  Chosen start(boolean begin) {
    begins = begin;
    Chosen chosen =
        switch (settings.mode()) {
          case iptables -> iptables(ModeReasons.both(ASKED_FOR));
          case ebpf -> ebpfOrFallback();
          case auto -> automatic();
        };
    LOG.log(
        System.Logger.Level.INFO,
        "interception_mode mode={0} reason={1}",
        chosen.interception.mechanism().label(),
        chosen.reasons.summary());
    return chosen;
  }

  /** What a daemon in another mode may have left, which goes as {@code present} takes over. */
  FormerMechanism former(Interception present) {
    return new FormerMechanism(
        settings.nodeName(),
        present,
        inherited,
        namespaces,
        thread,
        everywhere(),
        NodeSettings.iptablesRecords(settings.nodeName()),
        settings.drainTimeout().plus(TRANSLATED_LONGER));
  }

  private NamespaceSearch everywhere() {
    return new NodeNamespaces(namespaces, settings.placement().proc());
  }

  private Chosen ebpfOrFallback() {
    String whole;
    try {
      return ebpf(ModeReasons.both(ASKED_FOR));
    } catch (LinuxException
        | InterceptionException
        | ProgramRefusedException
        | UncheckedIOException e) {
      whole = ASKED_AND_REFUSED + refusals.clause(e);
      if (!settings.fallback()) {
        throw refused(whole, e);
      }
    }
    IptablesBackend backend = usableIptables(whole);
    try {
      return split(backend, new ModeReasons(ASKED_FOR, whole));
    } catch (LinuxException
        | InterceptionException
        | ProgramRefusedException
        | UncheckedIOException e) {
      return iptables(backend, ModeReasons.both(ASKED_AND_REFUSED + refusals.clause(e)));
    }
  }

  private Chosen automatic() {
    Mechanism mechanism = mechanism(trial());
    ModeReasons reasons = trialReasons();
    if (mechanism == Mechanism.IPTABLES) {
      return iptables(reasons);
    }
    try {
      return mechanism == Mechanism.EBPF
          ? ebpf(reasons)
          : split(usableIptables(reasons.summary()), reasons);
    } catch (LinuxException | ProgramRefusedException | UncheckedIOException e) {
      if (isDisproved()) {
        return automatic();
      }
      return iptables(ModeReasons.both(PASSED_BUT_REFUSED + refusals.clause(e)));
    }
  }

  private Chosen ebpf(ModeReasons reasons) {
    return new Chosen(ebpf(full()), reasons);
  }

  private EbpfInterception ebpf(EbpfShape shape) {
    Path cgroup = OwnCgroup.enter(settings.nodeName());
    LoadedPrograms programs = programs(shape);
    try {
      EbpfInterception made =
          new EbpfInterception(
              programs,
              cgroup,
              host,
              thread,
              inherited,
              new ForwardingPods(namespaces, everywhere()),
              new SpreadPods(namespaces, everywhere(), programs::isHeld));
      if (begins) {
        made.begin();
      }
      return made;
    } catch (RuntimeException e) {
      programs.close();
      throw e;
    }
  }

  private LoadedPrograms programs(EbpfShape shape) {
    LoadedPrograms ready = loaded;
    if (ready != null && ready.shape().equals(shape)) {
      loaded = null;
      return ready;
    }
    close();
    return LoadedPrograms.load(settings.nodeName(), shape);
  }

  private Chosen split(IptablesBackend backend, ModeReasons reasons) {
    EbpfInterception outbound = ebpf(outboundOnly());
    return new Chosen(
        new SplitInterception(outbound, rules(backend, Set.of(Direction.INBOUND))), reasons);
  }

  private Chosen iptables(ModeReasons reasons) {
    return iptables(usableIptables(reasons.summary()), reasons);
  }

  private Chosen iptables(IptablesBackend backend, ModeReasons reasons) {
    return new Chosen(rules(backend, BOTH), reasons);
  }

  private IptablesInterception rules(IptablesBackend backend, Set<Direction> directions) {
    return new IptablesInterception(
        namespaces,
        thread,
        inherited,
        backend,
        NodeSettings.iptablesRecords(settings.nodeName()),
        everywhere(),
        directions);
  }

  /** Throws when rules cannot do what is asked; {@code why} they are used at all is told then. */
  private IptablesBackend usableIptables(String why) {
    IptablesBackend probed = backend;
    if (probed != null) {
      return probed;
    }
    if (settings.failOpen()) {
      throw new InterceptionException(
          "iptables rules cannot tell whether a daemon runs, so --fail-open has no effect there",
          "use --mode ebpf, or leave out --fail-open");
    }
    probed = IptablesBackend.probe(namespaces, ownCgroup());
    if (probed.ability(Family.IPV4) != ProbeAnswer.Ability.REDIRECTS) {
      throw new InterceptionException(
          "iptables cannot redirect here: " + probed.answers() + "; it was tried, for " + why,
          withoutRawSockets()
              + "load the modules named, or use a kernel that takes the eBPF programs");
    }
    if (probed.believesMarks()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "proxy_told_by_mark problem={0}",
          "a pod with CAP_NET_RAW may send past the mesh: " + probed.answers());
    }
    backend = probed;
    return probed;
  }

  /** Where rules can find the daemon's cgroup; empty where it can have none. */
  private String ownCgroup() {
    try {
      Path own = OwnCgroup.enter(settings.nodeName());
      return Cgroups.rootV2().relativize(own).toString();
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.WARNING, "no_own_cgroup problem={0}", e.getMessage());
      return "";
    }
  }

  private static String withoutRawSockets() {
    return Capabilities.missing(EnumSet.of(Capability.CAP_NET_RAW)).isEmpty()
        ? ""
        : "add CAP_NET_RAW to the daemon's container, without which iptables-legacy cannot work, or ";
  }
}
