package io.sluice.process;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/**
 * One question to the daemon, or to a controller.
 *
 * @param command one word, such as status, pods, certificates, maps, dump, events or why
 * @param map which one, for {@code dump}; of other commands their argument, or empty
 * @param follow for {@code events}: keep sending as they come
 */
public record AdminRequest(String command, String map, boolean follow) {
  /** The argument of {@code events} by which a follower is told of allowed flows too. */
  public static final String WITH_ALLOWED = "allowed";

  static final ObjectMapper JSON = new ObjectMapper();

  /** A question without arguments. */
  public static AdminRequest of(String command) {
    return new AdminRequest(command, "", false);
  }

  String toLine() {
    return JSON.createObjectNode()
            .put("command", command)
            .put("map", map)
            .put("follow", follow)
            .toString()
        + "\n";
  }

  /** A line that is no question; the message tells the client why. */
  static final class MalformedException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedException(String message) {
      super(message);
    }
  }

  static AdminRequest parse(String line) throws MalformedException {
    JsonNode node;
    try {
      node = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new MalformedException("a request is one line of JSON: " + e.getOriginalMessage());
    }
    if (!node.path("command").isTextual()) {
      throw new MalformedException("a request is a JSON object with a \"command\"");
    }
    return new AdminRequest(
        node.path("command").asText(),
        node.path("map").asText(""),
        node.path("follow").asBoolean(false));
  }
}
