package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.mesh.HealthCheck;
import io.sluice.mesh.IpAddresses;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Asks an application once whether it is well. Runs on the channel's event loop. */
public final class HealthQuestion implements ByteChannel.Listener {
  /** What applications see of who asks. */
  static final String AGENT = "sluice-health-check";

  /** As much of an answer is looked at; what decides comes first. */
  private static final int MOST_BYTES = 16_384;

  private static final int FIRST_GOOD = 200;
  private static final int FIRST_BAD = 400;

  private final ByteChannel channel;
  private final @Nullable Words question; // null: that it accepts is enough
  private final Consumer<Boolean> listener;
  private final ByteBuf come = Unpooled.buffer();
  private boolean told;

  /** What is sent, and what an answer means. */
  interface Words {
    ByteBuf sent();

    /** Whether it is well; null while more has to come. Reads what it has understood. */
    @Nullable Boolean answer(ByteBuf come);

    /** What is to be sent meanwhile. */
    default @Nullable ByteBuf reply() {
      return null;
    }
  }

  private HealthQuestion(
      ByteChannel channel, @Nullable Words question, Consumer<Boolean> listener) {
    this.channel = channel;
    this.question = question;
    this.listener = listener;
  }

  /**
   * Asks by a channel that has just been opened, and was not started.
   *
   * @param asked the endpoint, for which the question is as the kubelet's is
   * @param listener told once, unless the channel is reset before. The application may end its side
   *     then; to be reset after a while
   */
  public static void begin(
      HealthCheck check, InetSocketAddress asked, ByteChannel channel, Consumer<Boolean> listener) {
    String host = IpAddresses.text(asked);
    Words question =
        switch (check.how()) {
          case TCP -> null;
          case HTTP -> new Get(host, check.target(), FIRST_GOOD, FIRST_BAD);
          case ANY_HTTP -> new Get(host, "/", 100, 1_000);
          case GRPC -> new GrpcHealth(host, check.target(), false);
          case ANY_GRPC -> new GrpcHealth(host, "", true);
        };
    HealthQuestion asking = new HealthQuestion(channel, question, listener);
    channel.listen(asking);
    channel.start();
    if (question == null) {
      asking.tell(true);
    } else {
      channel.write(question.sent());
      channel.flush();
    }
    channel.read();
  }

  @Override
  public void bytes(ByteBuf bytes) {
    int size = bytes.readableBytes();
    if (!told) {
      come.writeBytes(bytes);
    }
    bytes.release();
    channel.consumed(size);
  }

  @Override
  public void batchEnded() {
    Words asked = question;
    if (told || asked == null) {
      channel.read(); // until it ends its side
      return;
    }
    Boolean well = asked.answer(come);
    if (well != null) {
      tell(well);
      channel.read();
    } else if (come.writerIndex() > MOST_BYTES) {
      tell(false);
    } else {
      ByteBuf reply = asked.reply();
      if (reply != null) {
        channel.write(reply);
        channel.flush();
      }
      channel.read();
    }
  }

  @Override
  public void inputEnded() {
    Words asked = question;
    tell(asked != null && Boolean.TRUE.equals(asked.answer(come)));
  }

  @Override
  public void closed(ChannelEnd end) {
    tell(false);
  }

  private void tell(boolean well) {
    if (!told) {
      told = true;
      if (well) {
        channel.endOutput();
      }
      listener.accept(well);
    }
  }

  /** One request of HTTP/1.1, of which the status is the answer. */
  private record Get(String host, String path, int first, int end) implements Words {
    private static final String VERSION = "HTTP/1.";
    private static final int STATUS_AT = VERSION.length() + 2;

    @Override
    public ByteBuf sent() {
      String request =
          "GET "
              + path
              + " HTTP/1.1\r\nHost: "
              + host
              + "\r\nUser-Agent: "
              + AGENT
              + "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
      return Unpooled.copiedBuffer(request, StandardCharsets.US_ASCII);
    }

    @Override
    public @Nullable Boolean answer(ByteBuf come) {
      if (come.readableBytes() < STATUS_AT + 3) {
        return null;
      }
      String line = come.toString(0, STATUS_AT + 3, StandardCharsets.US_ASCII);
      try {
        int status = Integer.parseUnsignedInt(line, STATUS_AT, line.length(), 10);
        return line.startsWith(VERSION) && status >= first && status < end;
      } catch (NumberFormatException e) {
        return false;
      }
    }
  }
}
