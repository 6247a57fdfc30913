package io.sluice.process;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Asks a running daemon over its admin socket. */
public final class AdminClient {
  /** Silence after which whoever took the call is taken for stuck; a weak node is slow, no more. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path socket;
  private final Duration patience;

  /** Over the socket of one node. */
  public AdminClient(Path socket) {
    this(socket, PATIENCE);
  }

  /** The same for one who would rather know sooner that nobody answers. */
  public AdminClient(Path socket, Duration patience) {
    this.socket = socket;
    this.patience = patience;
  }

  /**
   * All values of the answer. Throws {@link IOException} when no daemon answers, or is silent for
   * 30 s, and {@link IllegalArgumentException} with the daemon's words when it refuses.
   */
  public List<JsonNode> ask(AdminRequest request) throws IOException {
    List<JsonNode> values = new ArrayList<>();
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      Optional<IOException> unsent = send(channel, request);
      try (InputStream in = new PatientInput(channel, patience)) {
        read(in, values::add);
      }
      failIf(unsent);
    }
    return values;
  }

  /**
   * Hands over each value as it comes, until the daemon ends the answer, however long it is silent
   * between two; throws otherwise as {@link #ask}.
   */
  public void stream(AdminRequest request, Consumer<JsonNode> consumer) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      Optional<IOException> unsent = send(channel, request);
      read(Channels.newInputStream(channel), consumer);
      failIf(unsent);
    }
  }

  private static void read(InputStream from, Consumer<JsonNode> consumer) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode value = AdminRequest.JSON.readTree(line);
      if (value.has("error")) {
        throw new IllegalArgumentException(value.get("error").asText());
      }
      consumer.accept(value);
    }
  }

  private static void failIf(Optional<IOException> unsent) throws IOException {
    if (unsent.isPresent()) {
      throw unsent.get();
    }
  }

  /** A daemon that refuses the connection says why before it is asked, so a failure can wait. */
  private static Optional<IOException> send(SocketChannel channel, AdminRequest request) {
    try {
      OutputStream out = Channels.newOutputStream(channel);
      out.write(request.toLine().getBytes(StandardCharsets.UTF_8));
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(e);
    }
  }

  /**
   * Reads a channel, but waits only so long for the next byte. For one thread; the channel is the
   * caller's to close, and non-blocking from here on.
   */
  private static final class PatientInput extends InputStream {
    private final SocketChannel channel;
    private final Selector selector;
    private final Duration patience;

    PatientInput(SocketChannel channel, Duration patience) throws IOException {
      this.channel = channel;
      this.patience = patience;
      channel.configureBlocking(false);
      this.selector = Selector.open();
      channel.register(selector, SelectionKey.OP_READ);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    /** Throws {@link IOException} also when nothing came for too long. */
    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      int count = channel.read(ByteBuffer.wrap(to, offset, length));
      while (count == 0) {
        selector.selectedKeys().clear();
        if (selector.select(patience.toMillis()) == 0) {
          throw new IOException(
              "it took the call and said nothing for " + patience.toSeconds() + " s");
        }
        count = channel.read(ByteBuffer.wrap(to, offset, length));
      }
      return count;
    }

    @Override
    public void close() throws IOException {
      selector.close();
    }
  }
}
