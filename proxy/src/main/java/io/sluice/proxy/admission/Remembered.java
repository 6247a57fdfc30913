package io.sluice.proxy.admission;

import io.sluice.mesh.NamespacedName;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;

/**
 * What a proxy has found out of services and counted for pods, for the one that follows it on the
 * node. Times count from when it was asked.
 *
 * @param spared services that are left alone
 * @param taken what pods have been asked for beyond what their limits let through at once
 * @param out endpoints that are not asked for anything, as they have not been well
 */
public record Remembered(List<Spared> spared, List<Taken> taken, List<Out> out) {
  public static final Remembered NOTHING = new Remembered(List.of(), List.of(), List.of());

  public Remembered {
    spared = List.copyOf(spared);
    taken = List.copyOf(taken);
    out = List.copyOf(out);
  }

  /** A service whose circuit is open for so long yet; zero: until a request has tried. */
  public record Spared(NamespacedName service, Duration left) {}

  /**
   * A limit of a service that leads to a pod.
   *
   * @param limit which one of that service
   * @param untilFull until as much may come at once as ever
   */
  public record Taken(
      NamespacedName pod, NamespacedName service, String limit, Duration untilFull) {}

  /**
   * An endpoint of a pod.
   *
   * @param caller in whose name it was asked
   */
  public record Out(InetSocketAddress endpoint, NamespacedName pod, NamespacedName caller) {}

  /** How much it is. */
  @Override
  public String toString() {
    return "%d open circuits, %d limits, %d endpoints that are out"
        .formatted(spared.size(), taken.size(), out.size());
  }
}
