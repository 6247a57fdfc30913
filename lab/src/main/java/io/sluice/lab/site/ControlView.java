package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.StateDirectory;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** What a controller tells on the admin socket below its state folder. */
public record ControlView(Path state) {
  /** {@code control status}. */
  public JsonNode status() {
    try {
      return new AdminClient(StateDirectory.at(state).adminSocket())
          .ask(AdminRequest.of("status"))
          .getFirst();
    } catch (IOException e) {
      throw new UncheckedIOException("the controller does not answer 'status'", e);
    }
  }

  /** Of the registry as the controller has read it last. */
  public long revision() {
    return status().path("registryRevision").asLong();
  }

  /**
   * Whether it has read the registry since revision {@code before}, and there is a node, and every
   * one that it knows is connected and decides by what it has read last.
   */
  public boolean isFollowedSince(long before) {
    JsonNode status = status();
    long revision = status.path("registryRevision").asLong();
    return revision > before
        && !status.path("nodes").isEmpty()
        && status
            .path("nodes")
            .valueStream()
            .allMatch(node ->
                node.path("connected").asBoolean() && node.path("revision").asLong() == revision);
  }
}
