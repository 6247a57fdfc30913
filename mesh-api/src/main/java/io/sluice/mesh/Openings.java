package io.sluice.mesh;

import java.util.List;

/**
 * What may leave one workload although no proxy sees it.
 *
 * @param resolvers name servers besides those that {@link Resolvers} finds; each may be a range
 * @param metadata whether it may call its cloud's metadata service
 * @param ping which echo requests it may send in a strict mesh
 */
public record Openings(List<Cidr> resolvers, MetadataMode metadata, PingMode ping) {
  /** What holds where nobody says anything. */
  public static final Openings DEFAULT =
      new Openings(List.of(), MetadataMode.REFUSE, PingMode.PLAIN);

  public Openings {
    resolvers = List.copyOf(resolvers);
  }
}
