package io.sluice.mesh;

import java.util.List;

/** What of a port a permission grants. */
public sealed interface Access {
  /** Whatever is sent there, of any protocol. */
  record Bytes() implements Access {}

  /**
   * HTTP requests that one of {@code routes} matches, and nothing else.
   *
   * @param routes empty: no request
   */
  record Requests(List<HttpMatch> routes) implements Access {
    public Requests {
      routes = List.copyOf(routes);
    }
  }

  /** The one that there is of its kind. */
  Access BYTES = new Bytes();
}
