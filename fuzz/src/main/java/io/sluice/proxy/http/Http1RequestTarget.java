package io.sluice.proxy.http;

import static io.sluice.fuzz.Promises.require;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whatever a client sends as HTTP/1, cut anywhere: the application gets the messages that the
 * strict parser finds in it, as far as they are granted, and no others; where it was cut makes no
 * difference to either side, and nothing is left behind.
 *
 * <p>The first byte says where it is cut, the second what application and client do.
 */
public final class Http1RequestTarget {
  private static final int LATER = 1; // it answers when the call has returned
  private static final int CHUNKS = 2; // and trailers
  private static final int SWITCHES = 4; // where it is asked for another protocol
  private static final int TAKES_LATER = 8;
  private static final int ENDS = 16; // the client sends its end, else time goes by
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  /** What both sides have seen: whole messages, one that was cut, and the answers. */
  private record Seen(List<String> whole, @Nullable Told cut, String answers) {}

  private Http1RequestTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 2) {
      return;
    }
    byte[] octets = Arrays.copyOfRange(input, 2, input.length);
    if (new String(octets, StandardCharsets.ISO_8859_1).startsWith(PREFACE)) {
      return; // the other version's
    }
    Seen expected = expected(octets, input[1]);
    Seen once = run(octets, 0, input[1]);
    requireSame(once, expected);
    Seen cut = run(octets, 1 + (input[0] & 0xff), input[1]);
    requireSame(cut, expected);
    require(
        cut.answers.equals(once.answers),
        "cut, it is answered by " + cut.answers + "\nand not " + once.answers);
  }

  private static void requireSame(Seen found, Seen expected) {
    require(
        found.whole.equals(expected.whole),
        "the application got " + found.whole + "\nand not " + expected.whole);
    Told cut = found.cut;
    if (cut != null) { // as much of it as was sent on before it ended
      require(
          expected.cut != null && cut.isPartOf(expected.cut),
          "of one that is cut, the application got " + cut.text());
    }
  }

  // --- what is to be expected ----------------------------------------------------------------

  /** The messages that the parser finds, until the proxy has to end the connection. */
  private static Seen expected(byte[] octets, int mode) {
    Wanted wanted = new Wanted();
    Http1Parser parser = new Http1Parser(true, wanted);
    ByteBuf in = Unpooled.wrappedBuffer(octets);
    List<String> whole = new ArrayList<>();
    try {
      while (!wanted.over && parser.read(in)) {
        Told told = wanted.told;
        wanted.told = null;
        boolean switched = false;
        if (told != null && told.head().upgrade != null && (mode & SWITCHES) != 0) {
          switched = true;
          told.whole = (mode & ENDS) != 0;
          told.content.writeBytes(Arrays.copyOfRange(octets, in.readerIndex(), octets.length));
        }
        if (told != null && told.whole) {
          whole.add(told.text());
        } else if (told != null) {
          wanted.told = told;
        }
        if (switched || !parser.isPersistent() || isAnsweredByTheEnd(told, parser, mode)) {
          break;
        }
      }
    } catch (BadMessage e) {
      // it ends here
    }
    return new Seen(whole, wanted.told, "");
  }

  /** A client that knows no chunks is told the end of the content by that of the connection. */
  private static boolean isAnsweredByTheEnd(@Nullable Told told, Http1Parser parser, int mode) {
    return told != null
        && parser.isHttp10()
        && (mode & CHUNKS) != 0
        && !told.head().method().equals("HEAD");
  }

  /** What is granted of it. */
  private static final class Wanted implements Http1Parser.Sink {
    @Nullable Told told;
    boolean over;

    @Override
    public void head(Head head, boolean last) {
      boolean granted = Told.isGranted(head);
      told = granted ? new Told(_ -> {}) : null;
      if (told != null) {
        told.head(head, last);
      }
      over = !granted && !last; // answered before it was whole
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      if (told == null) {
        bytes.release();
      } else {
        told.data(bytes, last);
      }
    }

    @Override
    public void trailers(Fields trailers) {
      if (told != null) {
        told.trailers(trailers);
      }
    }
  }

  // --- what happens --------------------------------------------------------------------------

  private static Seen run(byte[] octets, int cuts, int mode) {
    List<Told> received = new ArrayList<>();
    String answers;
    try (Edge edge =
        new Edge((known, channel) -> new Application(known, mode, received).serve(channel))) {
      Edge.Raw client = new Edge.Raw(edge.connect());
      edge.send(client.channel, octets, cuts);
      if ((mode & ENDS) != 0) {
        client.channel.endOutput();
        edge.settle();
        answers = client.text();
      } else {
        answers = client.text();
        edge.pass(1);
        edge.pass(15);
        edge.pass(100);
      }
    }
    List<String> whole = new ArrayList<>();
    Told cut = null;
    for (Told told : received) {
      require(cut == null, "a message follows one that was cut: " + told.text());
      if (told.whole) {
        whole.add(told.text());
      } else {
        cut = told;
      }
    }
    return new Seen(whole, cut, answers);
  }

  /** Reads by the strict parser, and answers what is whole. */
  private static final class Application implements HttpServerListener {
    private final Edge edge;
    private final int mode;
    private final List<Told> received;

    Application(Edge edge, int mode, List<Told> received) {
      this.edge = edge;
      this.mode = mode;
      this.received = received;
    }

    void serve(ByteChannel channel) {
      Http1Server server =
          new Http1Server(channel, Runnable::run, edge.allocator, edge.budget(), this);
      channel.listen(server);
      channel.start();
      server.goOn();
    }

    private void unless(int flag, Runnable what) {
      if ((mode & flag) == 0) {
        what.run();
      } else {
        edge.later(what);
      }
    }

    @Override
    public void request(HttpStream stream, Head head, boolean last) {
      Told told =
          new Told(count -> unless(TAKES_LATER, () -> stream.consumed(count))) {
            @Override
            public void data(ByteBuf bytes, boolean whole) {
              super.data(bytes, whole);
              answerIfWhole();
            }

            @Override
            public void trailers(Fields trailers) {
              super.trailers(trailers);
              answerIfWhole();
            }

            private void answerIfWhole() {
              if (whole) {
                unless(LATER, () -> answer(stream, head()));
              }
            }
          };
      received.add(told);
      stream.listen(told);
      told.head(head, last || head.upgrade != null);
      if (head.upgrade != null && (mode & SWITCHES) != 0) {
        told.whole = false;
        edge.later(() -> switchProtocol(stream, head));
      } else if (told.whole) {
        unless(LATER, () -> answer(stream, head));
      }
    }

    private static void switchProtocol(HttpStream stream, Head asked) {
      Head head = Head.response(101, new Fields());
      head.phrase = "Switching Protocols";
      head.upgrade = asked.upgrade;
      stream.head(head, false);
      stream.data(Unpooled.wrappedBuffer("tunnel".getBytes(StandardCharsets.US_ASCII)), false);
      stream.flush();
    }

    private void answer(HttpStream stream, Head asked) {
      if (asked.upgrade != null && (mode & SWITCHES) != 0) {
        stream.data(Unpooled.EMPTY_BUFFER, true);
        return;
      }
      boolean chunks = (mode & CHUNKS) != 0;
      Head head = Head.response(200, new Fields());
      head.phrase = "OK";
      head.contentLength = chunks ? Head.UNKNOWN_LENGTH : 2;
      boolean last = asked.method().equals("HEAD");
      stream.head(head, last);
      if (!last) {
        stream.data(Unpooled.wrappedBuffer(new byte[] {'o', 'k'}), !chunks);
        if (chunks) {
          Fields trailers = new Fields();
          trailers.add("x", "y");
          stream.trailers(trailers);
        }
      }
      stream.flush();
    }

    @Override
    public void bad(BadMessage why, boolean within, boolean answered) {
      throw new AssertionError("the proxy wrote what it does not read itself", why);
    }

    @Override
    public void idle(Runnable next) {
      next.run();
    }

    @Override
    public void ended(ChannelEnd end) {}
  }
}
