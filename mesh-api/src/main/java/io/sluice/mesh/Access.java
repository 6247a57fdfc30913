package io.sluice.mesh;

import java.util.List;
import java.util.Set;

/** What of a port a permission grants. */
public sealed interface Access {
  /** Whatever is sent there, of any protocol. */
  record Bytes() implements Access {}

  /**
   * HTTP requests that one of {@code routes} matches, and nothing else.
   *
   * @param routes empty: no request
   * @param hosts names, in lower case, of which one has to be called; empty: whichever is
   */
  record Requests(List<HttpMatch> routes, Set<String> hosts) implements Access {
    public Requests {
      routes = List.copyOf(routes);
      hosts = Set.copyOf(hosts);
    }

    /** Of whichever host. */
    public Requests(List<HttpMatch> routes) {
      this(routes, Set.of());
    }
  }

  /** The one that there is of its kind. */
  Access BYTES = new Bytes();
}
