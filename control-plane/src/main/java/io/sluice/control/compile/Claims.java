package io.sluice.control.compile;

import io.sluice.control.objects.ObjectRef;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Who claims what, as objects come and go. */
final class Claims implements Owners {
  /** In order of reference; almost always one. */
  private final Map<Object, List<ObjectRef>> claimants = new HashMap<>();

  @Override
  public ObjectRef of(Object claim, ObjectRef claimant) {
    return claimants.getOrDefault(claim, List.of(claimant)).getFirst();
  }

  /** Adds a claimant. Names to {@code affected} the others whose claim has another owner now. */
  void add(Collection<?> claims, ObjectRef claimant, Consumer<ObjectRef> affected) {
    for (Object claim : claims) {
      List<ObjectRef> others = claimants.getOrDefault(claim, List.of());
      List<ObjectRef> all = new ArrayList<>(others);
      all.add(claimant);
      all.sort(null);
      claimants.put(claim, List.copyOf(all));
      if (all.getFirst().equals(claimant)) {
        others.forEach(affected);
      }
    }
  }

  /** Removes a claimant. Names to {@code affected} those whose claim has another owner now. */
  void remove(Collection<?> claims, ObjectRef claimant, Consumer<ObjectRef> affected) {
    for (Object claim : claims) {
      List<ObjectRef> before = claimants.getOrDefault(claim, List.of());
      List<ObjectRef> rest = before.stream().filter(other -> !other.equals(claimant)).toList();
      if (rest.isEmpty()) {
        claimants.remove(claim);
      } else {
        claimants.put(claim, rest);
      }
      if (before.indexOf(claimant) == 0) {
        rest.forEach(affected);
      }
    }
  }
}
