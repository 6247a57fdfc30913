package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import java.util.List;
import java.util.stream.IntStream;

/**
 * An SMI TrafficSplit ({@code split.smi-spec.io/v1alpha1} to {@code v1alpha4}).
 *
 * @param meta name and origin
 * @param service the one that clients call, by its name or a name of DNS
 * @param backends where its calls go instead
 * @param groups of matches: requests that none of them matches go to the service itself; empty
 *     where all calls are meant
 */
public record TrafficSplit(
    ObjectMeta meta, String service, List<Backend> backends, List<Group> groups)
    implements KubernetesObject {
  public TrafficSplit {
    backends = List.copyOf(backends);
    groups = List.copyOf(groups);
  }

  /**
   * A service that calls may go to.
   *
   * @param weight its share; where some are written in thousandths, as {@code v1alpha1} may, all
   *     are in thousandths
   */
  public record Backend(String service, int weight) {}

  /**
   * Matches, by the kind and name of the object that has them.
   *
   * @param index among those that are written
   */
  public record Group(int index, String kind, String name) {
    /** All that {@code spec.matches} names. */
    static List<Group> of(List<Fields> matches) {
      return IntStream.range(0, matches.size())
          .mapToObj(i ->
              new Group(
                  i, matches.get(i).requiredText("kind"), matches.get(i).requiredText("name")))
          .toList();
    }
  }
}
