package io.sluice.proxy.http;

import static io.sluice.fuzz.Promises.require;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2Error;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Pipe;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Whatever a peer of HTTP/2 sends behind its preface, client or application, cut anywhere: what is
 * whole for the proxy's own codec comes out at the other side as the same message, and nothing else
 * does; no rule that is broken is taken for an error of the proxy's.
 *
 * <p>The first byte says where it is cut, the second which side it is and whether the octets are
 * taken as they are, or as frames with type, flags, stream and length in a byte each.
 */
public final class Http2Target {
  private static final int APPLICATION = 1;
  private static final int FRAMES = 2;
  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final int FRAME_HEAD = 9;
  private static final int SHORT_HEAD = 4;
  private static final int GOAWAY = 7;
  private static final int REQUESTS = 3;

  /** Fewer than are a flood: what is one depends on time. */
  private static final int MOST_FRAMES = 190;

  private static final int MOST_OCTETS = MOST_FRAMES * 13;

  private Http2Target() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 2) {
      return;
    }
    byte[] sent = Arrays.copyOfRange(input, 2, Math.min(input.length, MOST_OCTETS));
    byte[] octets = (input[1] & FRAMES) == 0 ? sent : frames(sent);
    int cuts = 1 + (input[0] & 0xff);
    if ((input[1] & APPLICATION) == 0) {
      List<Told> direct = new ArrayList<>();
      try (Edge edge = new Edge((_, _) -> {})) {
        Pipe pipe = edge.pipe();
        new Application(edge, direct, true).serve(pipe.far());
        Edge.Raw client = new Edge.Raw(pipe.near());
        edge.send(client.channel, with(PREFACE, octets), 0);
        requireSame(requests(octets, 0), direct);
        requireSame(requests(octets, cuts), direct);
      }
    } else {
      List<Told> direct;
      try (Edge edge = new Edge((_, _) -> {})) {
        Pipe pipe = edge.pipe();
        direct = ask(edge, pipe.far());
        edge.settle();
        edge.send(new Edge.Raw(pipe.near()).channel, octets, 0);
        requireAnswers(answers(octets, 0), direct);
        requireAnswers(answers(octets, cuts), direct);
      }
    }
  }

  /** Frames from a shorter form, which a fuzzer changes without breaking all that follow. */
  private static byte[] frames(byte[] sent) {
    ByteArrayOutputStream frames = new ByteArrayOutputStream();
    int count = 0;
    for (int at = 0; at + SHORT_HEAD <= sent.length && count < MOST_FRAMES; count++) {
      int length = Math.min(sent[at + 3] & 0xff, sent.length - at - SHORT_HEAD);
      frames.writeBytes(
          ByteBuffer.allocate(FRAME_HEAD + length)
              .putShort((short) 0)
              .put((byte) length)
              .put(sent[at])
              .put(sent[at + 1])
              .putInt(sent[at + 2] & 0xff)
              .put(sent, at + SHORT_HEAD, length)
              .array());
      at += SHORT_HEAD + length;
    }
    return frames.toByteArray();
  }

  private static byte[] with(byte[] first, byte[] second) {
    return ByteBuffer.allocate(first.length + second.length).put(first).put(second).array();
  }

  /** The peer is at fault, whatever it sends. */
  private static void requireNoErrorOfOurs(byte[] heard, int from) {
    ByteBuffer in = ByteBuffer.wrap(heard);
    in.position(Math.min(from, heard.length));
    while (in.remaining() >= FRAME_HEAD) {
      int length = (in.getShort() & 0xffff) << 8 | in.get() & 0xff;
      int type = in.get();
      in.get();
      in.getInt();
      if (length > in.remaining()) {
        return;
      }
      if (type == GOAWAY) {
        long code = in.getInt(in.position() + 4);
        require(code != Http2Error.INTERNAL_ERROR.code(), "an error of the proxy's own");
      }
      in.position(in.position() + length);
    }
  }

  // --- requests ------------------------------------------------------------------------------

  /** All that are whole and were not taken back are there, in their order, and no others. */
  private static void requireSame(List<Told> found, List<Told> expected) {
    int at = 0;
    for (Told told : expected) {
      boolean same = at < found.size() && found.get(at).text().equals(told.text());
      if (told.whole && same) {
        at++;
      } else {
        require(!told.whole || told.aborted != null, "the application did not get " + told.text());
      }
    }
    if (at < found.size()) {
      throw new AssertionError("the application got what was not sent: " + found.get(at).text());
    }
  }

  /** Those that the application gets as a whole. */
  private static List<Told> requests(byte[] octets, int cuts) {
    List<Told> received = new ArrayList<>();
    List<Told> whole;
    try (Edge edge =
        new Edge((known, channel) -> new Application(known, received, false).serve(channel))) {
      Edge.Raw client = new Edge.Raw(edge.connect());
      edge.send(client.channel, with(PREFACE, octets), cuts);
      whole = received.stream().filter(told -> told.whole).toList();
      for (Told told : received) {
        if (told.whole && told.aborted == null) {
          answer((Asked) told);
        }
      }
      edge.settle();
      requireNoErrorOfOurs(client.heard.toByteArray(), 0);
      edge.pass(10);
    }
    return whole;
  }

  private static void answer(Asked asked) {
    Head head = Head.response(200, new Fields());
    asked.stream.head(head, false);
    asked.stream.data(Unpooled.wrappedBuffer(new byte[] {'o', 'k'}), false);
    Fields trailers = new Fields();
    trailers.add("x", "y");
    asked.stream.trailers(trailers);
    asked.stream.flush();
  }

  /** One of the application's. */
  private static final class Asked extends Told {
    private final HttpStream stream;

    Asked(HttpStream stream) {
      super(stream::consumed);
      this.stream = stream;
    }
  }

  /** Takes requests by the proxy's own codec. */
  private static final class Application implements Http2Codec.Listener {
    private final Edge edge;
    private final List<Told> received;
    private final boolean first; // decides like the proxy

    Application(Edge edge, List<Told> received, boolean first) {
      this.edge = edge;
      this.received = received;
      this.first = first;
    }

    void serve(ByteChannel channel) {
      new Http2Server(channel, edge.setup(), this, this::take).start();
    }

    private void take(HttpStream stream) {
      stream.listen(
          new HttpStream.Listener() {
            private @Nullable Told told;

            @Override
            public void head(Head head, boolean last) {
              if (first && !Told.isGranted(head)) {
                stream.head(LocalAnswer.to(head, 403), true);
                stream.flush();
                return;
              }
              Told asked = new Asked(stream);
              received.add(asked);
              asked.head(head, last);
              told = asked;
            }

            private void with(Consumer<Told> what, Runnable otherwise) {
              Told known = told;
              if (known == null) {
                otherwise.run();
              } else {
                what.accept(known);
              }
            }

            @Override
            public void data(ByteBuf bytes, boolean last) {
              with(
                  known -> known.data(bytes, last),
                  () -> {
                    int length = bytes.readableBytes();
                    bytes.release();
                    stream.consumed(length);
                  });
            }

            @Override
            public void trailers(Fields trailers) {
              with(known -> known.trailers(trailers), () -> {});
            }

            @Override
            public void aborted(HttpStream.Abort how) {
              with(known -> known.aborted(how), () -> {});
            }
          });
    }

    @Override
    public void closed(ChannelEnd end) {}
  }

  // --- answers -------------------------------------------------------------------------------

  private static void requireAnswers(List<Told> found, List<Told> expected) {
    for (int i = 0; i < REQUESTS; i++) {
      Told one = found.get(i);
      Told other = expected.get(i);
      boolean same =
          one.text().equals(other.text())
              || one.head == null
              || !one.whole && one.isPartOf(other)
              || one.isOfTheProxy();
      boolean lost = other.whole && other.aborted == null && !one.text().equals(other.text());
      require(same && !lost, "the client got " + one.text() + "\nand not " + other.text());
    }
  }

  private static List<Told> answers(byte[] octets, int cuts) {
    List<ByteChannel> connections = new ArrayList<>();
    List<Told> answers;
    try (Edge edge = new Edge((_, channel) -> connections.add(channel))) {
      answers = ask(edge, edge.connect());
      edge.settle();
      require(!connections.isEmpty(), "nobody was asked");
      Edge.Raw application = new Edge.Raw(connections.getFirst());
      edge.send(application.channel, octets, cuts);
      requireNoErrorOfOurs(application.heard.toByteArray(), PREFACE.length);
      edge.pass(10);
    }
    return answers;
  }

  /** Asks as a client does that keeps all rules. */
  private static List<Told> ask(Edge edge, ByteChannel channel) {
    List<Told> answers = new ArrayList<>();
    Http2Client client =
        new Http2Client(
            channel,
            edge.setup(),
            new Http2Codec.Listener() {
              @Override
              public void closed(ChannelEnd end) {}
            });
    client.start();
    for (int i = 0; i < REQUESTS; i++) {
      HttpStream stream = client.open();
      if (stream == null) {
        throw new AssertionError("a new connection takes no request");
      }
      Told told = new Asked(stream);
      answers.add(told);
      stream.listen(told);
      String method = i == 1 ? "HEAD" : "POST";
      stream.head(Head.request(method, "http", "s", "/b", "", new Fields()), i == 1);
      if (i != 1) {
        stream.data(Unpooled.wrappedBuffer(new byte[] {'?'}), true);
      }
      stream.flush();
    }
    return answers;
  }
}
