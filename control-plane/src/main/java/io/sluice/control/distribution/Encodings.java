package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceEncoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.UnusableResourceException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Resources of objects. What cannot be encoded is told and left out, so that it hurts nothing else.
 * One thread.
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

  private final Map<Slot, String> problems = new HashMap<>();

  /**
   * The resource of {@code object}; null where there can be none.
   *
   * @param former what the object was told as before; the result where that still holds
   */
  @Nullable Resource encode(Form form, MeshResource object, @Nullable Resource former) {
    Slot slot = new Slot(form, object.key());
    try {
      Resource encoded = ResourceEncoder.encode(object);
      problems.remove(slot);
      return former != null && former.getVersion() == encoded.getVersion() ? former : encoded;
    } catch (UnusableResourceException e) {
      problems.put(slot, String.valueOf(e.getMessage()));
      return null;
    }
  }

  /** The object is no longer told in that form. */
  void forget(Form form, ResourceKey key) {
    problems.remove(new Slot(form, key));
  }

  /** What was left out and still is, in order. */
  List<String> problems() {
    return problems.values().stream().distinct().sorted().limit(MOST_PROBLEMS).toList();
  }
}
