package io.sluice.mesh.decision;

import org.jspecify.annotations.Nullable;

/** A request as policy and routes see it (RFC 9110): never its content. */
public interface HttpRequest {
  /** As it was sent; methods are told apart by case. */
  String method();

  /** The authority asked for, port included where one was given. */
  String authority();

  /** Normalised, without the query; begins with a slash but for {@code *} and CONNECT. */
  String path();

  /**
   * The values of a field as one list; null where there is none.
   *
   * @param name in lower case
   */
  @Nullable String header(String name);

  /**
   * The first value of a parameter of the query, decoded; null where there is none. Grants never
   * ask for it.
   *
   * @param name told apart by case
   */
  default @Nullable String parameter(String name) {
    return null;
  }
}
