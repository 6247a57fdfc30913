package io.sluice.control.kubernetes;

import com.fasterxml.jackson.core.JsonParser;
import io.sluice.control.manifest.YamlValue;
import java.io.IOException;
import java.util.Optional;

/** The events of one watch, in the order of the server. Confined to one thread. */
final class WatchEvents {
  private final AnswerStream in;
  private final JsonParser parser;

  /** Waits for the first bytes: the parser looks at once which encoding they have. */
  WatchEvents(AnswerStream in) throws IOException {
    this.in = in;
    in.allow(ListPage.LONGEST_OBJECT_BYTES);
    this.parser = JsonTree.parser(in);
  }

  /** The next event; empty when the server has ended the watch. */
  Optional<WatchEvent> next() throws IOException {
    in.allow(ListPage.LONGEST_OBJECT_BYTES);
    if (parser.nextToken() == null) {
      return Optional.empty();
    }
    YamlValue.Mapping event = JsonTree.object(parser);
    if (!(event.entries().get("object") instanceof YamlValue.Mapping object)) {
      throw new IOException("an event of the watch has no object");
    }
    return Optional.of(new WatchEvent(JsonTree.text(event, "type"), object));
  }

  /**
   * What happened to an object.
   *
   * @param type as the server writes it
   * @param object as it is now; as it was last, where it was removed
   */
  record WatchEvent(String type, YamlValue.Mapping object) {
    String version() {
      return JsonTree.text(object, "metadata", "resourceVersion");
    }
  }
}
