package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceEncoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.UnusableResourceException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Resources of objects, each encoded once for as long as it stays the same. What cannot be encoded
 * is told and left out, so that it hurts nothing else. One thread.
 */
final class Encodings {
  private static final int MOST_PROBLEMS = 100;

  /** In how much detail an object is told. */
  enum Form {
    /** As it is. */
    WHOLE,
    /** As far as it concerns nodes that do not run it, or may not call it. */
    REDUCED
  }

  private record Slot(Form form, ResourceKey key) {}

  private record Encoded(MeshResource object, @Nullable Resource resource, String problem) {}

  private Map<Slot, Encoded> former = Map.of();
  private Map<Slot, Encoded> present = new HashMap<>();
  private final List<String> problems = new ArrayList<>();

  /** Begins the next set; what it does not ask for is forgotten with the one after. */
  void begin() {
    former = present;
    present = new HashMap<>(former.size() * 2);
    problems.clear();
  }

  Optional<Resource> encode(Form form, MeshResource object) {
    Slot slot = new Slot(form, object.key());
    Encoded known = present.get(slot);
    if (known == null) {
      known = former.get(slot);
      if (known == null || !known.object().equals(object)) {
        known = encoded(object);
      }
      present.put(slot, known);
      if (!known.problem().isEmpty() && problems.size() < MOST_PROBLEMS) {
        problems.add(known.problem());
      }
    }
    return Optional.ofNullable(known.resource());
  }

  private static Encoded encoded(MeshResource object) {
    try {
      return new Encoded(object, ResourceEncoder.encode(object), "");
    } catch (UnusableResourceException e) {
      return new Encoded(object, null, String.valueOf(e.getMessage()));
    }
  }

  /** What was left out since {@link #begin}. */
  List<String> problems() {
    return List.copyOf(problems);
  }
}
