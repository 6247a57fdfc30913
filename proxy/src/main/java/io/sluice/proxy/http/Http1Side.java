package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ByteQueue;
import io.sluice.proxy.relay.ChannelEnd;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection of HTTP/1: one exchange at a time, of which it is the stream. What the
 * peer sends is read when what came before has been taken. Event loop of the channel.
 */
abstract class Http1Side implements HttpStream, ByteChannel.Listener, Runnable {
  /**
   * More than this is flushed at once, less waits for the end of the loop's turn. Below the 16,375
   * octets of a DATA frame that fills a TLS record: one that came alone is not to wait.
   */
  private static final int FLUSHED_AT_ONCE_OCTETS = 12 * 1_024;

  /** Parts of content that leave together: each costs memory of its own, however small it is. */
  private static final int MOST_PARTS = 64;

  final ByteChannel channel;
  final Http1Parser parser;
  final Http1Writer writer;
  private final Executor loop;
  private final BufferBudget budget;
  private final ByteQueue arrived = new ByteQueue(); // and not parsed
  private HttpStream.@Nullable Listener listener;
  private int untaken; // octets of content that the listener has not consumed
  private int delivered; // octets of content, by the parsing that runs
  private int parts; // of content, since this pass of goOn began
  private int waiting; // of the budget
  private int elsewhere; // of what is unsent, counted where it came from
  private long dropped;
  private boolean reading; // the peer may send
  private boolean parsing;
  private boolean flushes; // before the loop waits again
  private boolean endsOutput; // once what was written has gone
  private boolean endCame; // of what the peer sends
  private boolean inputEnded; // and all before it was taken
  private boolean closed;

  Http1Side(
      ByteChannel channel,
      boolean server,
      Executor loop,
      ByteBufAllocator allocator,
      BufferBudget budget) {
    this.channel = channel;
    this.loop = loop;
    this.budget = budget;
    this.parser = new Http1Parser(server, new FromPeer());
    this.writer = new Http1Writer(channel, allocator);
  }

  // --- what the two sides do differently -----------------------------------------------------

  /** Whether what the peer sends now can be a message, or a part of one, and is to be read. */
  abstract boolean expectsMessage() throws BadMessage;

  /** Whether the connection ends, and what the peer still sends is nobody's. */
  abstract boolean dropsInput();

  /** A head has come. */
  abstract void headArrived(Head head, boolean last) throws BadMessage;

  /** Our own message is whole, and was given to the channel. */
  abstract void messageSent();

  /** The peer's message is whole. */
  abstract void messageArrived();

  /** The peer sends nothing more, and no message of its was cut. */
  abstract void inputHasEnded();

  /** What the peer sent is no message. */
  abstract void bad(BadMessage why);

  /** The channel is gone, and the listener has been told. */
  abstract void gone(ChannelEnd end);

  // --- from the peer -------------------------------------------------------------------------

  @Override
  public final void listen(HttpStream.Listener local) {
    listener = local;
  }

  /** Who has the exchange; null where there is none. */
  final HttpStream.@Nullable Listener listener() {
    return listener;
  }

  final void endExchange() {
    listener = null;
  }

  final boolean isClosed() {
    return closed;
  }

  final boolean hasInputEnded() {
    return inputEnded;
  }

  /** Whether what comes next is up to the peer, and to nobody who has to take what came before. */
  final boolean isPeersTurn() {
    return reading;
  }

  /** Octets of which nothing was made. */
  final long dropped() {
    return dropped;
  }

  /** Whether it stands, and nothing has come of the peer's next message, nor its end. */
  final boolean isQuiet() {
    return !closed && !endCame && arrived.size() == 0 && !parser.isWithinMessage();
  }

  /** Whether the peer has sent what nobody has looked at. */
  final boolean hasArrived() {
    return arrived.size() > 0;
  }

  @Override
  public final void bytes(ByteBuf bytes) {
    reading = false;
    if (closed) {
      channel.consumed(bytes.readableBytes());
      bytes.release();
    } else {
      arrived.lend(bytes);
    }
  }

  @Override
  public final void batchEnded() {
    goOn();
  }

  /**
   * Reads on once all before is taken: then the rest of a message as far as it has arrived, so that
   * it leaves in one write; the channel bounds how much that is, we in how many parts. The next
   * message waits until this one's content is taken.
   */
  final void goOn() {
    if (parsing || closed) {
      return; // whoever parses sees what has changed
    }
    if (dropsInput()) {
      drop();
    }
    parsing = true;
    boolean allWasTaken = untaken == 0;
    boolean begun = false;
    parts = 0;
    try {
      while (!closed
          && arrived.size() > 0
          && (untaken == 0 || (allWasTaken && parts < MOST_PARTS && parser.isWithinMessage()))
          && !dropsInput()
          && expectsMessage()) {
        parse();
        begun = true;
      }
    } catch (BadMessage e) {
      drop();
      if (begun) {
        endBatch(); // what was good has been sent before
      }
      if (!closed && !dropsInput()) { // else it was answered before it went wrong
        bad(e);
      }
    } finally {
      parsing = false;
    }
    if (dropsInput()) {
      drop(); // it was answered meanwhile
    }
    endBatch();
    arrived.keep();
    if (closed || untaken > 0 || arrived.size() > 0 || inputEnded) {
      return;
    }
    if (endCame) {
      endInput();
    } else if (!reading) {
      reading = true;
      channel.read();
    }
  }

  private void endBatch() {
    HttpStream.Listener told = listener;
    if (told != null && !closed) {
      told.batchEnded();
    }
  }

  /** Reads to the end of one piece, or of a message. */
  private void parse() throws BadMessage {
    ByteBuf in = arrived.poll();
    if (in == null) {
      return;
    }
    int length = in.readableBytes();
    delivered = 0;
    boolean ended = false;
    try {
      ended = parser.read(in);
    } finally {
      int left = ended && !closed ? in.readableBytes() : 0;
      int taken = length - left - delivered; // heads and the like at once
      if (taken > 0) {
        channel.consumed(taken);
      }
      if (left > 0 && !closed) {
        arrived.putBack(in);
      } else {
        if (left > 0) {
          channel.consumed(left);
        }
        in.release();
      }
    }
    if (ended) {
      messageArrived();
    }
  }

  private final class FromPeer implements Http1Parser.Sink {
    @Override
    public void head(Head head, boolean last) throws BadMessage {
      headArrived(head, last);
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      HttpStream.Listener told = listener;
      int length = bytes.readableBytes();
      delivered += length;
      parts++;
      if (told == null || closed) {
        bytes.release();
        channel.consumed(length);
      } else {
        untaken += length;
        told.data(bytes, last);
      }
    }

    @Override
    public void trailers(Fields trailers) {
      HttpStream.Listener told = listener;
      if (told != null && !closed) {
        told.trailers(trailers);
      }
    }
  }

  @Override
  public final void consumed(int bytes) {
    if (closed || bytes == 0) {
      return; // all of it was let go, or nothing is new
    }
    untaken -= bytes;
    channel.consumed(bytes);
    if (untaken == 0) {
      goOn();
    }
  }

  @Override
  public final void inputEnded() {
    endCame = true;
    goOn();
  }

  /** All that the peer has sent before its end is taken. */
  private void endInput() {
    inputEnded = true;
    boolean ended;
    parsing = true;
    try {
      ended = !dropsInput() && parser.endOfStream();
    } catch (BadMessage e) {
      bad(e);
      return;
    } finally {
      parsing = false;
    }
    if (ended) {
      messageArrived();
    }
    if (!closed) {
      inputHasEnded();
    }
    endBatch();
  }

  // --- to the peer ---------------------------------------------------------------------------

  @Override
  public final void data(ByteBuf bytes, boolean last) {
    if (closed) {
      bytes.release();
      return;
    }
    writer.data(bytes, last);
    if (last) {
      messageSent();
    }
  }

  @Override
  public final void trailers(Fields trailers) {
    writer.trailers(trailers);
    messageSent();
  }

  /**
   * What is written while the loop deals with what is ready leaves behind that: a peer of several
   * connections is woken once, and finds all of it.
   */
  @Override
  public final void flush() {
    if (channel.unsentBytes() > FLUSHED_AT_ONCE_OCTETS) {
      flushNow();
    } else if (!flushes) {
      flushes = true;
      loop.execute(this);
    }
  }

  @Override
  public final void run() {
    if (flushes) {
      flushNow();
      HttpStream.Listener told = listener;
      if (told != null && isWritable()) {
        told.writable();
      }
    }
  }

  private void flushWhatWaits() {
    if (flushes) {
      flushNow();
    }
  }

  private void flushNow() {
    flushes = false;
    if (!closed) {
      channel.waitForAll(!budget.hasRoom());
      if (writer.flush()) {
        account();
      }
    }
  }

  private void account() {
    int now = closed ? 0 : Math.max(0, channel.unsentBytes() - elsewhere);
    if (now != waiting) {
      budget.hold(now - waiting);
      waiting = now;
    }
  }

  @Override
  public final boolean countsContent() {
    return channel.hasWindow();
  }

  @Override
  public final void countedElsewhere(int bytes) {
    if (bytes != elsewhere) {
      elsewhere = bytes;
      account();
    }
  }

  /** Only the channel knows whether a peer takes what is given to it. */
  @Override
  public final boolean isWritable() {
    return !flushes && channel.isWritable();
  }

  @Override
  public final void writable() {
    account();
    HttpStream.Listener told = listener;
    if (told != null && !closed) {
      told.writable();
    }
    if (endsOutput && !closed) {
      endOutputOnceWritten();
    }
    goOn();
  }

  /** Before that the channel would drop what waits. */
  final void endOutputOnceWritten() {
    flushWhatWaits();
    endsOutput = !channel.isWritable();
    if (!endsOutput) {
      channel.endOutput();
    }
  }

  // --- the end -------------------------------------------------------------------------------

  private void drop() {
    dropped += arrived.size();
    channel.consumed(arrived.size());
    arrived.clear();
  }

  /** Ends both directions at once; the peer sees a reset, behind what was flushed. */
  final void reset() {
    flushWhatWaits();
    if (!closed) {
      close();
      channel.reset();
    }
  }

  private void close() {
    closed = true;
    writer.close();
    drop();
    channel.consumed(untaken);
    untaken = 0;
    account();
  }

  @Override
  public final void closed(ChannelEnd end) {
    if (closed) {
      return;
    }
    close();
    HttpStream.Listener told = listener;
    listener = null;
    if (told != null) {
      told.aborted(Abort.RESET);
    }
    gone(end);
  }
}
