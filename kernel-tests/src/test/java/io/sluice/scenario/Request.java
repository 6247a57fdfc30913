package io.sluice.scenario;

import java.util.ArrayList;
import java.util.List;

/**
 * What a client sends.
 *
 * @param url its host is the name of a service or of a pod
 * @param options further ones of curl, as its configuration file has them
 */
record Request(String url, List<String> options) {
  private static final String H2 = "http2-prior-knowledge";

  Request {
    options = List.copyOf(options);
  }

  static Request get(String url) {
    return new Request(url, List.of());
  }

  static Request of(String method, String url) {
    return get(url).with("request = " + method);
  }

  /** With a line of curl's configuration. */
  Request with(String option) {
    List<String> all = new ArrayList<>(options);
    all.add(option);
    return new Request(url, all);
  }

  Request header(String header) {
    return with("header = \"" + header + '"');
  }

  Request body(String body) {
    return with("data = \"" + body + '"');
  }

  /** HTTP/2 from the first octet on. */
  Request h2() {
    return with(H2);
  }

  boolean isH2() {
    return options.contains(H2);
  }

  /** Asks the server to end the connection, so that the next request opens another. */
  Request once() {
    return header("Connection: close");
  }

  /** As often, one after the other; a query counts them. */
  Request times(int times) {
    return new Request(url + (url.contains("?") ? "&" : "?") + "n=[1-" + times + "]", options);
  }
}
