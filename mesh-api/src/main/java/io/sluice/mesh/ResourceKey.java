package io.sluice.mesh;

/**
 * Which of the things that make up a snapshot is meant.
 *
 * @param kind name of its {@link Kind}, which another release may not know
 * @param name what it is called among those of its kind, such as {@code namespace/name}
 */
public record ResourceKey(String kind, String name) implements Comparable<ResourceKey> {
  /** Reads {@code workload/shop/buyer-0}; what has no slash is of a kind that nobody knows. */
  public static ResourceKey parse(String text) {
    int slash = text.indexOf('/');
    return slash < 0
        ? new ResourceKey("", text)
        : new ResourceKey(text.substring(0, slash), text.substring(slash + 1));
  }

  @Override
  public int compareTo(ResourceKey other) {
    int byKind = kind.compareTo(other.kind);
    return byKind != 0 ? byKind : name.compareTo(other.name);
  }

  /** {@code workload/shop/buyer-0}. */
  @Override
  public String toString() {
    return kind + "/" + name;
  }
}
