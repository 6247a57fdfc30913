package io.sluice.proxy.http;

import static io.sluice.fuzz.Promises.require;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.relay.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Whatever an application sends in answer to a request of HTTP/1, cut anywhere: the client gets the
 * response that the strict parser finds in it, or one of the proxy's own, and never what is none.
 *
 * <p>The first byte says where it is cut, the second what was asked and what else both do.
 */
public final class Http1AnswerTarget {
  private static final int HEAD = 1;
  private static final int UPGRADE = 2;
  private static final int CONTENT = 4; // of the request
  private static final int AGAIN = 8; // the client asks for more than one
  private static final int TAKES_LATER = 16;
  private static final int ENDS = 32; // the application sends its end
  private static final int MOST_INTERIM = 32;
  private static final int MOST_REQUESTS = 4;

  private Http1AnswerTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 2) {
      return;
    }
    byte[] octets = Arrays.copyOfRange(input, 2, input.length);
    Told expected = new Expected(input[1]).after(octets);
    requireSame(run(octets, 0, input[1]), expected);
    requireSame(run(octets, 1 + (input[0] & 0xff), input[1]), expected);
  }

  private static void requireSame(Told found, Told expected) {
    boolean same =
        expected.whole
            ? found.text().equals(expected.text())
            : found.head == null
                || found.isOfTheProxy()
                || !found.whole && expected.head != null && found.isPartOf(expected);
    require(same, "the client got " + found.text() + "\nand not " + expected.text());
  }

  private static Head asked(int mode) {
    String method = (mode & HEAD) != 0 ? "HEAD" : (mode & CONTENT) != 0 ? "POST" : "GET";
    Head head = Head.request(method, "http", "s", "/b", "", new Fields());
    if ((mode & UPGRADE) != 0 && !hasContent(mode)) {
      head.upgrade = "u";
    }
    return head;
  }

  private static boolean hasContent(int mode) {
    return (mode & CONTENT) != 0;
  }

  /** By the parser alone. */
  private static final class Expected implements Http1Parser.Sink {
    private final int mode;
    private final Told told = new Told(_ -> {});
    private final Http1Parser parser = new Http1Parser(false, this);

    Expected(int mode) {
      this.mode = mode;
    }

    Told after(byte[] octets) {
      parser.answers(asked(mode).method());
      try {
        boolean ended = parser.read(Unpooled.wrappedBuffer(octets));
        if (!ended && (mode & ENDS) != 0) {
          parser.endOfStream();
        }
      } catch (BadMessage e) {
        told.whole = false;
      }
      return told;
    }

    @Override
    public void head(Head head, boolean last) throws BadMessage {
      if (head.status() == 101) {
        if (head.upgrade == null || asked(mode).upgrade == null) {
          throw new BadMessage(502, "nobody asked for it");
        }
        parser.becomeTunnel();
      }
      told.head(head, last);
      if (told.interim.size() > MOST_INTERIM) {
        throw new BadMessage(502, "too many");
      }
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      told.data(bytes, last);
    }

    @Override
    public void trailers(Fields trailers) {
      told.trailers(trailers);
    }
  }

  /** What the client has got in answer to its first request. */
  private static Told run(byte[] octets, int cuts, int mode) {
    List<ByteChannel> connections = new ArrayList<>();
    Told first;
    try (Edge edge = new Edge((_, channel) -> connections.add(channel))) {
      Client client = new Client(edge, mode);
      client.ask();
      edge.settle();
      require(connections.size() == 1, "nobody was asked");
      Edge.Raw application = new Edge.Raw(connections.getFirst());
      edge.send(application.channel, octets, cuts);
      if ((mode & ENDS) != 0) {
        application.channel.endOutput();
        edge.settle();
      }
      first = client.answers.getFirst();
    }
    return first;
  }

  /** Asks as a client does that keeps all rules. */
  private static final class Client implements Http1Client.Owner {
    private final Edge edge;
    private final int mode;
    private final List<Told> answers = new ArrayList<>();
    private final Http1Client http1;

    Client(Edge edge, int mode) {
      this.edge = edge;
      this.mode = mode;
      ByteChannel channel = edge.connect();
      this.http1 = new Http1Client(channel, Runnable::run, edge.allocator, edge.budget(), this);
      channel.listen(http1);
      channel.start();
      http1.goOn();
    }

    void ask() {
      Told told =
          new Told(
              count -> {
                if ((mode & TAKES_LATER) == 0) {
                  http1().consumed(count);
                } else {
                  edge.later(() -> http1().consumed(count));
                }
              }) {
            @Override
            public void aborted(HttpStream.Abort how) {
              super.aborted(how);
              require(
                  how != HttpStream.Abort.PROTOCOL_ERROR,
                  "the proxy wrote what it does not read itself");
            }
          };
      answers.add(told);
      http1.listen(told);
      http1.head(asked(mode), !hasContent(mode));
      if (hasContent(mode)) {
        http1.data(Unpooled.wrappedBuffer("asked".getBytes(StandardCharsets.US_ASCII)), true);
      }
      http1.flush();
    }

    private Http1Client http1() {
      return http1;
    }

    @Override
    public void idle(Http1Client client) {
      if ((mode & AGAIN) != 0 && answers.size() < MOST_REQUESTS) {
        edge.later(this::ask);
      }
    }

    @Override
    public void ending(Http1Client client) {}

    @Override
    public void gone(Http1Client client) {}
  }
}
