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
 * @param ejected endpoints that are not asked for anything for a while, as they have failed
 */
public record Remembered(
    List<Spared> spared, List<Taken> taken, List<Out> out, List<Ejected> ejected) {
  public static final Remembered NOTHING =
      new Remembered(List.of(), List.of(), List.of(), List.of());

  public Remembered {
    spared = List.copyOf(spared);
    taken = List.copyOf(taken);
    out = List.copyOf(out);
    ejected = List.copyOf(ejected);
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
   * An endpoint of a pod; more than once where it was asked as several.
   *
   * @param caller one of those as which it was asked
   */
  public record Out(InetSocketAddress endpoint, NamespacedName pod, NamespacedName caller) {}

  /**
   * An endpoint of a service.
   *
   * @param times how often in a row it was ejected
   * @param left until it is chosen again
   */
  public record Ejected(
      NamespacedName service, InetSocketAddress endpoint, int times, Duration left) {}

  /** How much it is. */
  @Override
  public String toString() {
    return "%d open circuits, %d limits, %d endpoints that are out, %d ejected"
        .formatted(
            spared.size(),
            taken.size(),
            out.stream().map(Out::endpoint).distinct().count(),
            ejected.size());
  }
}
