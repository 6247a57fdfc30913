package io.sluice.mesh;

import java.util.List;

/**
 * What may leave one workload although no proxy sees it.
 *
 * @param resolvers name servers besides those that {@link Resolvers} finds; each may be a range
 * @param metadata whether it may call its cloud's metadata service
 * @param ping which echo requests it may send in a strict mesh
 * @param fail what becomes of its connections while no daemon runs
 */
public record Openings(List<Cidr> resolvers, MetadataMode metadata, PingMode ping, FailMode fail) {
  /** What holds where nobody says anything. */
  public static final Openings DEFAULT =
      new Openings(List.of(), MetadataMode.REFUSE, PingMode.PLAIN);

  public Openings {
    resolvers = List.copyOf(resolvers);
  }

  /** Those of a workload that is refused while no daemon runs. */
  public Openings(List<Cidr> resolvers, MetadataMode metadata, PingMode ping) {
    this(resolvers, metadata, ping, FailMode.CLOSED);
  }
}
