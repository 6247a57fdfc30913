package io.sluice.control.compile;

import io.sluice.control.objects.Birth;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who has what only one can have, as objects come and go. Whoever has it keeps it, for as long as
 * it claims it and does not terminate; else one that claims what its own Node gives out, and of
 * several the older one ({@link Birth}). A name decides nothing: where nothing tells which claimant
 * is the older one, nobody has it.
 */
final class Claims implements Owners {
  /** Almost always one claimant. */
  private final Map<Object, Contest> contests = new HashMap<>();

  private final Set<Object> touched = new HashSet<>();

  /** Who of those that will claim has had what. */
  Claims(Map<Object, String> had) {
    had.forEach((claim, party) -> contests.put(claim, new Contest(List.of(), party)));
    touched.addAll(had.keySet());
  }

  /**
   * An object that claims.
   *
   * @param isAtHome whether what it claims is its own Node's to give out
   * @param party those who may have a thing together: an object alone, or what stands for all Pods
   *     of a node's network
   * @param isLeaving whether it terminates, and so gives way to anybody who does not
   */
  record Claimant(ObjectRef ref, Birth birth, boolean isLeaving, boolean isAtHome, String party) {
    /** An object for itself; another one that has its name later is another party. */
    static Claimant alone(KubernetesObject object) {
      ObjectRef ref = object.ref();
      return of(object, ref.group() + " " + ref + " " + object.meta().birth().uid());
    }

    static Claimant of(KubernetesObject object, String party) {
      return new Claimant(
          object.ref(), object.meta().birth(), object.meta().terminating(), false, party);
    }

    Claimant atHome() {
      return new Claimant(ref, birth, isLeaving, true, party);
    }
  }

  /** Adds a claimant, which decides nothing before {@link #settle}. */
  void add(Collection<?> claims, Claimant claimant) {
    for (Object claim : claims) {
      Contest before = contests.getOrDefault(claim, Contest.NONE);
      List<Claimant> all = new ArrayList<>(before.all());
      all.add(claimant);
      contests.put(claim, new Contest(List.copyOf(all), before.partyOrNull()));
      touched.add(claim);
    }
  }

  /** Removes a claimant, which decides nothing before {@link #settle}. */
  void remove(Collection<?> claims, ObjectRef claimant) {
    for (Object claim : claims) {
      Contest before = contests.getOrDefault(claim, Contest.NONE);
      List<Claimant> rest =
          before.all().stream().filter(other -> !other.ref().equals(claimant)).toList();
      contests.put(claim, new Contest(rest, before.partyOrNull()));
      touched.add(claim);
    }
  }

  /** Decides anew what was touched, and names to {@code affected} all who claim that. */
  void settle(Consumer<ObjectRef> affected) {
    for (Object claim : touched) {
      Contest before = contests.getOrDefault(claim, Contest.NONE);
      if (before.all().isEmpty()) {
        contests.remove(claim);
        continue;
      }
      contests.put(claim, new Contest(before.all(), winner(before)));
      before.all().forEach(each -> affected.accept(each.ref()));
    }
    touched.clear();
  }

  private static @Nullable String winner(Contest contest) {
    List<Claimant> staying = contest.all().stream().filter(each -> !each.isLeaving()).toList();
    List<Claimant> candidates = staying.isEmpty() ? contest.all() : staying;
    if (candidates.stream().anyMatch(each -> each.party().equals(contest.partyOrNull()))) {
      return contest.partyOrNull();
    }
    Comparator<Claimant> byRight =
        Comparator.comparing((Claimant each) -> !each.isAtHome()).thenComparing(Claimant::birth);
    Claimant first = candidates.stream().min(byRight).orElseThrow();
    boolean isPlain =
        candidates.stream()
            .allMatch(
                each -> each.party().equals(first.party()) || byRight.compare(first, each) < 0);
    return isPlain ? first.party() : null;
  }

  @Override
  public @Nullable Refusal refusal(Object claim, ObjectRef claimant) {
    Contest contest = contests.getOrDefault(claim, Contest.NONE);
    Claimant own = null;
    ObjectRef holder = null;
    ObjectRef other = null;
    for (Claimant each : contest.all()) {
      if (each.ref().equals(claimant)) {
        own = each;
      } else {
        other = smaller(other, each.ref());
      }
      if (each.party().equals(contest.partyOrNull())) {
        holder = smaller(holder, each.ref());
      }
    }
    if (own == null || other == null || own.party().equals(contest.partyOrNull())) {
      return null;
    }
    return holder == null ? new Refusal(other, false) : new Refusal(holder, true);
  }

  /** Which of several is named in a sentence: the same at every look. */
  private static ObjectRef smaller(@Nullable ObjectRef before, ObjectRef now) {
    return before == null || now.compareTo(before) < 0 ? now : before;
  }

  /** Who has what now. */
  Map<Object, String> held() {
    Map<Object, String> held = new HashMap<>();
    contests.forEach((claim, contest) -> {
      if (contest.partyOrNull() != null) {
        held.put(claim, contest.partyOrNull());
      }
    });
    return held;
  }

  /** Those who claim a thing, in no order, and which party has it. */
  private record Contest(List<Claimant> all, @Nullable String partyOrNull) {
    static final Contest NONE = new Contest(List.of(), null);
  }
}
