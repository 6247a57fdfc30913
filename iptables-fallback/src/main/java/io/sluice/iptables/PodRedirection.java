package io.sluice.iptables;

import io.sluice.iptables.IptablesBackend.SideBySide;
import io.sluice.iptables.ProbeAnswer.Ability;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The rules inside one pod's network namespace. Calls may come from any thread, virtual ones too;
 * they run one after the other, and most start a process each, some milliseconds. The object does
 * not own the handle.
 */
public final class PodRedirection implements AutoCloseable {
  /** Somebody in the pod may change rules between our look and our change. */
  private static final int ATTEMPTS = 3;

  /** Both are written side by side, and both are taken back when one fails. */
  private static final List<Family> ORDER = List.of(Family.IPV6, Family.IPV4);

  private final NetnsHandle namespace;
  private final IptablesBackend backend;
  private final Map<Family, Applied> applied = new EnumMap<>(Family.class);
  private final Map<Counter, Long> former = new HashMap<>();
  private boolean complete;
  private @Nullable Standing standing;

  /** What another object wrote for this traffic, not read yet; its digest was {@code present}. */
  private record Standing(PodTraffic traffic, String present) {}

  private record Applied(Tool tool, RuleSet rules, OwnRules saved) {}

  /** To be written over what is present, and not read back yet. */
  private record Pending(Family family, Tool tool, RuleSet rules, OwnRules present) {}

  private record Present(Tool tool, SavedRules saved) {}

  private record Counter(Family family, Rule.Meaning meaning) {}

  /** Writes nothing yet; {@code namespace} must stay open as long as this object is used. */
  public PodRedirection(NetnsHandle namespace, IptablesBackend backend) {
    this.namespace = namespace;
    this.backend = backend;
  }

  /**
   * Makes the pod's rules those of {@code traffic}, or repairs them; each table changes at once.
   * Does nothing where they already are.
   *
   * @throws RedirectionException when the kernel refuses; a change has been taken back then, a
   *     repair is left as far as it came
   */
  public void apply(PodTraffic traffic) {
    apply(traffic, () -> {});
  }

  /**
   * The same.
   *
   * @param allWritten run when all rules have been written and none has been read back, so that a
   *     {@link RulesetGeneration} read in it covers the whole; not run when some were there already
   */
  public synchronized void apply(PodTraffic traffic, Runnable allWritten) {
    readStanding();
    List<Undo> done = new ArrayList<>();
    complete = false;
    try {
      List<Family> families = families(traffic);
      List<IptablesBackend.Chosen> choices = SideBySide.run(tasks(families, this::choose));
      List<Pending> pending = new ArrayList<>();
      for (int i = 0; i < families.size(); i++) {
        plan(traffic, families.get(i), choices.get(i), done).ifPresent(pending::add);
      }
      if (!traffic.ipv6()) {
        withdraw(Family.IPV6, done);
      }
      SideBySide.run(tasks(pending, this::write));
      if (pending.size() == families.size()) {
        allWritten.run();
      }
      List<OwnRules> saved = SideBySide.run(tasks(pending, this::readBack));
      for (int i = 0; i < saved.size(); i++) {
        Pending each = pending.get(i);
        applied.put(each.family(), new Applied(each.tool(), each.rules(), saved.get(i)));
      }
      complete = true;
    } catch (RedirectionException e) {
      undo(done, e);
      throw e;
    }
  }

  private static List<Family> families(PodTraffic traffic) {
    return ORDER.stream().filter(family -> family == Family.IPV4 || traffic.ipv6()).toList();
  }

  private static RuleSet rules(PodTraffic traffic, Family family, ProbeAnswer answer) {
    return answer.ability() == Ability.REDIRECTS
        ? RuleSet.of(traffic, family, answer.dialect())
        : RuleSet.ipv6Refused(traffic, answer.dialect());
  }

  /**
   * Of the rules that {@link #apply} would write, by whichever variant it would choose; starts no
   * process.
   *
   * @param clientsShown whether {@link ClientAddresses} is raised beside them
   */
  public String digest(PodTraffic traffic, boolean clientsShown) {
    return RulesProof.digest(
        families(traffic).stream()
            .flatMap(family ->
                backend.candidates(family).stream()
                    .map(usable ->
                        usable.tool() + " " + rules(traffic, family, usable.answer()).own()))
            .collect(
                Collectors.joining("\n", backend.ownCgroup() + " " + clientsShown + "\n", "")));
  }

  /** Of what is present after {@link #apply}; empty unless that is whole and known. */
  public synchronized Optional<String> presentDigest() {
    return complete && standing == null ? Optional.of(digest(applied)) : Optional.empty();
  }

  private static String digest(Map<Family, Applied> present) {
    return RulesProof.digest(
        present.entrySet().stream()
            .map(one -> one.getKey() + " " + one.getValue().tool() + " " + one.getValue().saved())
            .collect(Collectors.joining("\n")));
  }

  /**
   * Takes the rules that are present for those of {@code traffic}, without a process; they are read
   * when that is needed first, and not intact when their digest is another.
   *
   * @param present what {@link #presentDigest} gave where they were written
   */
  public synchronized void adopt(PodTraffic traffic, String present) {
    applied.clear();
    standing = new Standing(traffic, present);
    complete = true;
  }

  private void readStanding() {
    Standing adopted = standing;
    if (adopted == null) {
      return;
    }
    standing = null;
    complete = false;
    List<Family> families = families(adopted.traffic());
    List<IptablesBackend.Chosen> choices = SideBySide.run(tasks(families, this::choose));
    Map<Family, Applied> read = new EnumMap<>(Family.class);
    for (int i = 0; i < families.size(); i++) {
      IptablesBackend.Chosen chosen = choices.get(i);
      Family family = families.get(i);
      RuleSet rules = rules(adopted.traffic(), family, chosen.answer());
      read.put(family, new Applied(chosen.tool(), rules, chosen.saved().own()));
    }
    if (digest(read).equals(adopted.present())) {
      applied.putAll(read);
      complete = true;
    }
  }

  private static <A, T> List<Supplier<T>> tasks(List<A> arguments, Function<A, T> task) {
    return arguments.stream().<Supplier<T>>map(argument -> () -> task.apply(argument)).toList();
  }

  private record Undo(Family family, Tool tool, OwnRules before) {}

  private IptablesBackend.Chosen choose(Family family) {
    return backend.choose(family, namespace);
  }

  /** What there is to write, if anything. */
  private Optional<Pending> plan(
      PodTraffic traffic, Family family, IptablesBackend.Chosen chosen, List<Undo> done) {
    RuleSet rules = rules(traffic, family, chosen.answer());
    Applied current = applied.get(family);
    boolean repair = false;
    if (current != null && current.rules().own().equals(rules.own())) {
      if (current.tool().equals(chosen.tool())
          ? chosen.saved().own().equals(current.saved())
          : isIntact(current)) {
        return Optional.empty();
      }
      repair = true;
    }
    keepCounts(chosen.tool(), chosen.saved());
    OwnRules present = chosen.saved().own();
    if (!repair) {
      // A half-done repair is better than what was there before it.
      done.add(new Undo(family, chosen.tool(), present));
      applied.remove(family);
    }
    return Optional.of(new Pending(family, chosen.tool(), rules, present));
  }

  private OwnRules write(Pending pending) {
    OwnRules target = pending.rules().own();
    write(pending.tool(), pending.present(), target);
    return target;
  }

  private OwnRules readBack(Pending pending) {
    OwnRules saved = pending.tool().save(namespace).own();
    if (!saved.hasShapeOf(pending.rules().own())) {
      throw new RedirectionException(
          pending.tool().toString(),
          "",
          "the rules read back differ from those written",
          "another program in the pod is changing them; they are written again");
    }
    return saved;
  }

  private void withdraw(Family family, List<Undo> done) {
    Applied current = applied.get(family);
    if (current != null) {
      SavedRules saved = current.tool().save(namespace);
      keepCounts(current.tool(), saved);
      done.add(new Undo(family, current.tool(), current.saved()));
      write(current.tool(), saved.own(), OwnRules.NONE);
      applied.remove(family);
    }
  }

  /** Leads the namespace from {@code present}, what it was when last looked at, to the target. */
  private void write(Tool tool, OwnRules present, OwnRules target) {
    OwnRules from = present;
    for (int attempt = 1; ; attempt++) {
      try {
        tool.restore(namespace, RestoreScript.between(from, target));
        return;
      } catch (RedirectionException e) {
        OwnRules now = tool.save(namespace).own();
        if (attempt == ATTEMPTS || now.equals(from)) {
          throw e;
        }
        from = now;
      }
    }
  }

  private void undo(List<Undo> done, RedirectionException cause) {
    for (Undo step : done.reversed()) {
      applied.remove(step.family());
      try {
        write(step.tool(), step.tool().save(namespace).own(), step.before());
      } catch (RedirectionException e) {
        cause.addSuppressed(e);
      }
    }
  }

  /**
   * Whether the own chains and the jumps to them are exactly what {@link #apply} left, the jumps in
   * first place. One process per family. False before the first apply and after a failed one.
   */
  public synchronized boolean isIntact() {
    readStanding();
    return complete && applied.values().stream().allMatch(this::isIntact);
  }

  /** Whether all rules went in as nftables, so that {@link RulesetGeneration} tells of changes. */
  public synchronized boolean isNftables() {
    return complete && applied.values().stream().allMatch(rules -> rules.tool().isNftables());
  }

  private boolean isIntact(Applied current) {
    return current.tool().save(namespace).own().equals(current.saved());
  }

  /**
   * Leads nothing new into our chains. The chains stay: without a rule that needs connection
   * tracking the kernel would no longer translate the connections that were redirected.
   */
  public synchronized void detach() {
    leadAll(OwnRules::withoutJumps);
  }

  /** Takes everything of ours away, by whichever variant and process it was written. */
  public synchronized void remove() {
    leadAll(_ -> OwnRules.NONE);
    backend.tools().forEach(tool -> tool.dropIdle(namespace));
  }

  private void leadAll(UnaryOperator<OwnRules> to) {
    standing = null;
    complete = false;
    List<Present> present =
        SideBySide.run(tasks(backend.tools(), tool -> new Present(tool, tool.save(namespace))));
    present.stream()
        .filter(each -> applied.values().stream().anyMatch(one -> one.tool().equals(each.tool())))
        .forEach(each -> keepCounts(each.tool(), each.saved()));
    applied.clear();
    SideBySide.run(
        tasks(
            present,
            each -> {
              OwnRules current = each.saved().own();
              if (!current.isEmpty()) {
                write(each.tool(), current, to.apply(current));
              }
              return each;
            }));
  }

  /**
   * Counts since this object was made, of rules that it adopted since they were written; those of
   * rules flushed by somebody else are lost. Starts no process where {@code unchanged}.
   *
   * @param unchanged whether nobody has changed the rules of the namespace since they were found
   *     intact, by {@link RulesetGeneration}; asked again once they have been read
   */
  public synchronized List<CountedVerdict> verdicts(BooleanSupplier unchanged) {
    readStanding();
    Map<Counter, Long> counts = new HashMap<>(former);
    applied.forEach((family, rules) -> addCounts(family, rules, packets(rules, unchanged), counts));
    return counts.entrySet().stream()
        .map(entry ->
            new CountedVerdict(
                entry.getKey().meaning().direction(),
                entry.getKey().family(),
                entry.getKey().meaning().outcome(),
                entry.getKey().meaning().reason(),
                entry.getValue()))
        .toList();
  }

  /** By table and chain; nothing where nobody knows which rule is which. */
  private Map<String, List<Long>> packets(Applied current, BooleanSupplier unchanged) {
    if (current.tool().isNftables() && unchanged.getAsBoolean()) {
      Set<String> chains =
          current.rules().rules().stream().map(Rule::place).collect(Collectors.toUnmodifiableSet());
      Optional<Map<String, List<Long>>> told = current.tool().packets(namespace, chains);
      if (told.isPresent() && unchanged.getAsBoolean()) {
        return told.get();
      }
    }
    return packets(current, current.tool().save(namespace));
  }

  private static Map<String, List<Long>> packets(Applied current, SavedRules saved) {
    return saved.own().equals(current.saved()) ? saved.packets() : Map.of();
  }

  /** A restore sets the counters of our chains to zero; {@code saved} is what was there before. */
  private void keepCounts(Tool tool, SavedRules saved) {
    Applied current = applied.get(tool.family());
    if (current != null) {
      SavedRules own = current.tool().equals(tool) ? saved : current.tool().save(namespace);
      addCounts(tool.family(), current, packets(current, own), former);
    }
  }

  private static void addCounts(
      Family family, Applied current, Map<String, List<Long>> packets, Map<Counter, Long> counts) {
    current
        .rules()
        .counts(packets)
        .forEach((meaning, count) -> counts.merge(new Counter(family, meaning), count, Long::sum));
  }

  /** Leaves the rules in place: the pod stays closed while no daemon runs. */
  @Override
  public synchronized void close() {
    standing = null;
    complete = false;
    applied.clear();
  }
}
