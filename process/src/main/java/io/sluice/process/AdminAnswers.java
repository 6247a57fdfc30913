package io.sluice.process;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Consumer;

/** What the daemon answers to the questions of the admin socket. */
public interface AdminAnswers {
  /**
   * Sends the answer to {@code request} as one or more JSON values. Runs on a thread of the
   * connection and may block; a consumer that throws ends the answer.
   *
   * @throws InterruptedException when the daemon stops
   */
  void answer(AdminRequest request, Consumer<JsonNode> out) throws InterruptedException;
}
