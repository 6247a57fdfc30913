package io.sluice.node.admin;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/**
 * One question to the daemon.
 *
 * @param command {@code status}, {@code pods}, {@code maps}, {@code dump} or {@code events}
 * @param map name of the map for {@code dump}, else empty
 * @param follow for {@code events}: keep sending as they come
 */
public record AdminRequest(String command, String map, boolean follow) {
  static final ObjectMapper JSON = new ObjectMapper();

  /** A question without arguments. */
  public static AdminRequest of(String command) {
    return new AdminRequest(command, "", false);
  }

  String toLine() throws IOException {
    return JSON.createObjectNode()
            .put("command", command)
            .put("map", map)
            .put("follow", follow)
            .toString()
        + "\n";
  }

  static AdminRequest parse(String line) throws IOException {
    var node = JSON.readTree(line);
    if (node == null || !node.path("command").isTextual()) {
      throw new IOException("a request is a JSON object with a \"command\"");
    }
    return new AdminRequest(
        node.path("command").asText(),
        node.path("map").asText(""),
        node.path("follow").asBoolean(false));
  }
}
