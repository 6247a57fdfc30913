package io.sluice.proxy;

import io.sluice.mesh.NamespacedName;
import java.util.List;

/**
 * The listeners of one pod, at most one per direction and family. Whoever takes this record owns
 * the descriptors and closes them.
 *
 * @param pod name of the pod whose network namespace they were made in
 * @param listeners 1 to 4 listeners
 */
public record PodListeners(NamespacedName pod, List<ListenerFd> listeners) {
  /** Two directions times two families. */
  public static final int MAX_LISTENERS = 4;

  public PodListeners {
    listeners = List.copyOf(listeners);
    if (listeners.isEmpty() || listeners.size() > MAX_LISTENERS) {
      throw new IllegalArgumentException(
          "pod " + pod + " has " + listeners.size() + " listeners; 1 to " + MAX_LISTENERS);
    }
  }
}
