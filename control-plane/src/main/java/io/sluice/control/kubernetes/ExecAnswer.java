package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.http.WebSocket;
import io.sluice.control.kubernetes.KubernetesApi.Ended;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/**
 * What comes from a command in a container: each message is the number of a channel and a piece of
 * what was written there, that of the status is the last. Called by one thread after the other.
 */
final class ExecAnswer implements WebSocket.Listener {
  /** With the status as JSON. */
  static final String PROTOCOL = "v4.channel.k8s.io";

  private static final int STDOUT = 1;
  private static final int STDERR = 2;
  private static final int STATUS = 3;
  private static final int AS_INTENDED = 1000; // RFC 6455 §7.4.1
  private static final ObjectMapper JSON = new ObjectMapper();

  private final int longestBytes;
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  /** Of as many bytes as {@code longestBytes}. */
  ExecAnswer(int longestBytes) {
    this.longestBytes = longestBytes;
  }

  /** Fails where the connection does, it is longer, or the command did not begin. */
  CompletableFuture<Ended> ended() {
    return ended;
  }

  @Override
  public void onMessage(WebSocket socket, ByteBuffer message) {
    int channel = message.hasRemaining() ? message.get() : 0;
    byte[] piece = new byte[message.remaining()];
    message.get(piece);
    if (out.size() + err.size() + piece.length > longestBytes) {
      ended.completeExceptionally(new IOException("it says more than " + longestBytes + " bytes"));
    } else if (channel == STDOUT) {
      out.writeBytes(piece);
    } else if (channel == STDERR) {
      err.writeBytes(piece);
    } else if (channel == STATUS) {
      end(new String(piece, StandardCharsets.UTF_8));
    }
    if (ended.isDone()) {
      socket.sendClose(AS_INTENDED, "");
    }
    socket.request();
  }

  private void end(String status) {
    try {
      ended.complete(
          new Ended(
              code(JSON.readTree(status)),
              out.toString(StandardCharsets.UTF_8),
              err.toString(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      ended.completeExceptionally(e);
    }
  }

  /** That the command ended with. @throws IOException where it did not begin */
  private static int code(JsonNode status) throws IOException {
    if (status.path("status").asText().equals("Success")) {
      return 0;
    }
    for (JsonNode cause : status.path("details").path("causes")) {
      if (cause.path("reason").asText().equals("ExitCode")) {
        return cause.path("message").asInt(-1);
      }
    }
    throw new IOException(status.path("message").asText("it does not say why"));
  }

  @Override
  public void onClose(WebSocket socket, int code, String reason) {
    ended.completeExceptionally(new IOException("the connection ended before the command"));
  }

  @Override
  public void onError(WebSocket socket, Throwable error) {
    ended.completeExceptionally(error);
  }
}
