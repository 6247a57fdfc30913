package io.sluice.proxy.http;

import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.decision.HttpRequest;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request that nobody has sent: seen by policy and routes as the proxy would show it to them. For
 * who asks what would become of it. Immutable.
 */
public final class WrittenRequest implements HttpRequest {
  private final Head head;

  private WrittenRequest(Head head) {
    this.head = head;
  }

  /**
   * As HTTP/1.1 has it.
   *
   * @param authority as a client writes it into {@code Host}
   * @param target path and query
   * @param headers by name; {@code host} among them goes before {@code authority}
   * @throws IllegalArgumentException where the proxy would answer it by 400 or 501, with the reason
   */
  public static WrittenRequest of(
      String method, String authority, String target, Map<String, String> headers) {
    Fields fields = new Fields();
    headers.forEach(fields::add);
    if (fields.count("Host") == 0) {
      fields.add("Host", authority);
    }
    try {
      Head head = RequestTarget.head(method, target, fields, false);
      if (!head.path().equals("*")) {
        head.path(Paths.normalised(head.path()));
      }
      return new WrittenRequest(head);
    } catch (BadMessage e) {
      throw new IllegalArgumentException(
          "the proxy answers " + e.status + ": " + e.getMessage(), e);
    }
  }

  /** The same as a route sends it on. */
  public WrittenRequest changed(HttpFilters filters) {
    return new WrittenRequest(head.changed(filters));
  }

  @Override
  public String method() {
    return head.method();
  }

  @Override
  public String authority() {
    return head.authority();
  }

  @Override
  public String path() {
    return head.path();
  }

  @Override
  public @Nullable String header(String name) {
    return head.header(name);
  }

  @Override
  public @Nullable String parameter(String name) {
    return head.parameter(name);
  }
}
