package io.sluice.mesh.decision;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request for tests. */
record SentRequest(String method, String authority, String path, Map<String, String> headers)
    implements HttpRequest {
  static SentRequest get(String path) {
    return new SentRequest("GET", "store.shop", path, Map.of());
  }

  SentRequest with(String header, String value) {
    return new SentRequest(method, authority, path, Map.of(header, value));
  }

  @Override
  public @Nullable String header(String name) {
    return headers.get(name);
  }
}
