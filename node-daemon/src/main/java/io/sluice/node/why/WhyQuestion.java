package io.sluice.node.why;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which call is meant.
 *
 * @param source NAMESPACE/NAME of a Pod, or of a Service whose pods call, or an IP address
 * @param destination the same of who is called, an IP address or a host name; with or without port
 * @param method of an HTTP request; empty for a connection
 * @param path of it with its query; empty for a connection
 * @param headers of it by name
 * @param tls whether a connection begins with TLS that names the host called
 * @param udp whether a datagram is meant
 */
public record WhyQuestion(
    String source,
    String destination,
    String method,
    String path,
    Map<String, String> headers,
    boolean tls,
    boolean udp) {
  private static final ObjectMapper JSON = new ObjectMapper();

  public WhyQuestion {
    headers = Map.copyOf(headers);
    if (method.isEmpty() != path.isEmpty()) {
      throw new IllegalArgumentException("a request has a METHOD and a path");
    }
    String capitals = method.toUpperCase(Locale.ROOT);
    if (!method.equals(capitals)) {
      throw new IllegalArgumentException(
          "METHOD '" + method + "' is written in capitals: " + capitals);
    }
    if (method.isEmpty() && !headers.isEmpty()) {
      throw new IllegalArgumentException("headers need a METHOD and a path");
    }
    if (tls && !method.isEmpty()) {
      throw new IllegalArgumentException("what is asked for inside TLS is not seen");
    }
    if (udp && (tls || !method.isEmpty())) {
      throw new IllegalArgumentException(
          "of a datagram nobody looks at what it carries: leave METHOD and path out");
    }
  }

  /** Of what does not begin with TLS, and is no datagram. */
  public WhyQuestion(
      String source, String destination, String method, String path, Map<String, String> headers) {
    this(source, destination, method, path, headers, false, false);
  }

  /** Whether it is about an HTTP request rather than a connection. */
  public boolean isRequest() {
    return !method.isEmpty();
  }

  /** As the admin socket carries it. */
  public String toText() {
    ObjectNode node = JSON.createObjectNode();
    node.put("source", source).put("destination", destination);
    node.put("method", method).put("path", path).put("tls", tls).put("udp", udp);
    ObjectNode fields = node.putObject("headers");
    new TreeMap<>(headers).forEach(fields::put);
    return node.toString();
  }

  /**
   * Reads that.
   *
   * @throws IllegalArgumentException where it is none
   */
  public static WhyQuestion parse(String text) {
    try {
      JsonNode node = JSON.readTree(text);
      Map<String, String> headers = new TreeMap<>();
      node.path("headers")
          .properties()
          .forEach(field -> headers.put(field.getKey(), field.getValue().asText()));
      return new WhyQuestion(
          node.path("source").asText(),
          node.path("destination").asText(),
          node.path("method").asText(),
          node.path("path").asText(),
          headers,
          node.path("tls").asBoolean(),
          node.path("udp").asBoolean());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no question: " + e.getOriginalMessage(), e);
    }
  }
}
