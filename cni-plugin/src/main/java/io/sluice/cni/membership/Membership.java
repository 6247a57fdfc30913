package io.sluice.cni.membership;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Which namespaces are in the mesh, as far as that is decided without the daemon. A namespace that
 * is not named starts nothing: fail closed.
 *
 * @param kinds by name of the namespace, sorted
 */
public record Membership(SortedMap<String, NamespaceKind> kinds) {
  /** Names no namespace: nothing starts by it. */
  public static final Membership NONE = new Membership(new TreeMap<>());

  private static final Pattern LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

  /**
   * @throws IllegalArgumentException for a name that no namespace of Kubernetes can have
   */
  public Membership {
    for (String namespace : kinds.keySet()) {
      if (!isNamespaceName(namespace)) {
        throw new IllegalArgumentException(
            "'" + namespace + "' is no name of a namespace: it has to be a label of RFC 1123");
      }
    }
    // Not the caller's comparator: the order is part of the file.
    kinds = Collections.unmodifiableSortedMap(new TreeMap<>(Map.copyOf(kinds)));
  }

  /** The same from any map. */
  public static Membership of(Map<String, NamespaceKind> kinds) {
    return new Membership(new TreeMap<>(kinds));
  }

  static boolean isNamespaceName(String text) {
    return LABEL.matcher(text).matches();
  }

  /** What is known of a namespace. */
  public Optional<NamespaceKind> kindOf(String namespace) {
    return Optional.ofNullable(kinds.get(namespace));
  }

  /** Whether a pod of this namespace starts while no daemon answers. */
  public boolean startsWithoutDaemon(String namespace) {
    return kindOf(namespace).map(NamespaceKind::startsWithoutDaemon).orElse(false);
  }

  /** The namespaces that {@code earlier} lets start and this one does not. */
  public SortedSet<String> noLongerStarting(Membership earlier) {
    var names = new TreeSet<String>();
    for (String namespace : earlier.kinds.keySet()) {
      if (earlier.startsWithoutDaemon(namespace) && !startsWithoutDaemon(namespace)) {
        names.add(namespace);
      }
    }
    return names;
  }
}
