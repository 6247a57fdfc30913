package io.sluice.proxy.http;

import io.netty.buffer.ByteBufAllocator;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import java.util.concurrent.Executor;

/**
 * HTTP/1 towards who asks (RFC 9112): requests one after the other, each answered before the next
 * one is read. Event loop of the channel.
 */
final class Http1Server extends Http1Side {
  private final HttpServerListener owner;
  private final Runnable next = this::takeNext; // the same after every exchange
  private boolean exchanging;
  private boolean resting; // between two exchanges
  private boolean requestOpen; // its message is not whole yet
  private boolean withoutContent; // and was not meant to have any
  private boolean responseOpen; // it is not whole yet
  private boolean responseBegun;
  private boolean persistent = true;
  private boolean chunks = true; // the peer knows them
  private boolean saysKeepAlive; // as a client of HTTP/1.0 wants to be told
  private boolean answersHead;
  private boolean tunnel;
  private boolean retiring; // the next head says that it is the last one
  private boolean draining; // the present exchange is the last one
  private boolean ending; // what still comes is dropped

  Http1Server(
      ByteChannel channel,
      Executor loop,
      ByteBufAllocator allocator,
      BufferBudget budget,
      HttpServerListener owner) {
    super(channel, true, loop, allocator, budget);
    this.owner = owner;
  }

  // --- requests ------------------------------------------------------------------------------

  @Override
  boolean expectsMessage() {
    // Who does not read answers is not asked for more: their heads wait for nobody.
    return requestOpen || !(exchanging || resting) && channel.isWritable();
  }

  @Override
  boolean dropsInput() {
    return ending;
  }

  @Override
  void headArrived(Head head, boolean last) {
    exchanging = true;
    requestOpen = true;
    withoutContent = last;
    responseOpen = true;
    responseBegun = false;
    persistent = parser.isPersistent();
    chunks = !parser.isHttp10();
    saysKeepAlive = persistent && parser.isHttp10();
    answersHead = head.method().equals("HEAD");
    owner.request(this, head, last && head.upgrade == null);
  }

  @Override
  void messageArrived() {
    requestOpen = false;
    finishExchange();
  }

  @Override
  void inputHasEnded() {
    if (!exchanging) {
      endOutput();
    }
  }

  @Override
  void bad(BadMessage why) {
    boolean within = exchanging;
    boolean answerable =
        why.status != 0
            && !tunnel
            && !hasInputEnded()
            && !(within && (responseBegun || !responseOpen));
    HttpStream.Listener told = listener();
    endExchange();
    owner.bad(why, within, answerable);
    if (told != null) {
      told.aborted(hasInputEnded() ? Abort.RESET : Abort.PROTOCOL_ERROR);
    }
    if (isClosed()) {
      return;
    }
    if (answerable) {
      exchanging = true;
      withoutContent = false;
      requestOpen = true; // and never ends
      responseOpen = true;
      head(LocalAnswer.of(why.status), true);
    } else {
      reset();
      owner.ended(ChannelEnd.RESET_BY_US);
    }
  }

  // --- responses -----------------------------------------------------------------------------

  @Override
  public void head(Head head, boolean last) {
    if (head.status() == 101) {
      tunnel = true;
      persistent = false;
      requestOpen = true;
      responseBegun = true;
      parser.becomeTunnel();
      writer.response(head, true, false, "");
      flush();
      goOn();
    } else if (!head.isInterim()) {
      boolean content = !last && !answersHead;
      responseBegun = true;
      persistent =
          persistent
              && !retiring
              && !hasInputEnded()
              && !isStillAsking()
              && (!content || chunks || head.contentLength >= 0);
      writer.response(
          head, content, chunks, persistent ? saysKeepAlive ? "keep-alive" : "" : "close");
      if (last) {
        messageSent();
      }
    } else if (chunks) { // HTTP/1.0 knows no interim ones (RFC 9110 §15.2)
      writer.response(head, false, false, "");
    }
  }

  private boolean isStillAsking() {
    return requestOpen && !withoutContent;
  }

  @Override
  void messageSent() {
    responseOpen = false;
    if (tunnel) {
      flush();
      endOutputOnceWritten();
    } else if (isStillAsking()) {
      flush();
      endOutput(); // what is still to be asked has its answer
    } else {
      finishExchange();
    }
  }

  private void finishExchange() {
    if (!exchanging || requestOpen || responseOpen || tunnel) {
      return;
    }
    flush();
    exchanging = false;
    endExchange();
    if (persistent && !draining && !hasInputEnded()) {
      resting = true;
      owner.idle(next);
    } else {
      endOutput();
    }
  }

  private void takeNext() {
    resting = false;
    goOn();
  }

  /** The client may still be sending: a reset now could take the answer from it. */
  private void endOutput() {
    if (!isClosed() && !ending) {
      ending = true;
      endExchange();
      endOutputOnceWritten();
      goOn();
    }
  }

  @Override
  public void abort(Abort how) {
    endExchange();
    if (!isClosed()) {
      reset();
      owner.ended(ChannelEnd.RESET_BY_US);
    }
  }

  @Override
  void gone(ChannelEnd end) {
    owner.ended(end);
  }

  // --- the life of the connection ------------------------------------------------------------

  /** Whether it has said its last word, and waits for the peer's. */
  boolean isEnding() {
    return ending && channel.isWritable(); // a slow reader of the last answer gets all of it
  }

  /** Whether a request has begun and its head is not whole. */
  boolean isWithinHead() {
    return !exchanging && !ending && parser.isWithinMessage();
  }

  /** Whether the peer owes the rest of a request, and may send it. */
  boolean owesContent() {
    return exchanging && isStillAsking() && !tunnel && isPeersTurn();
  }

  /** The peer is too slow: it is told, where it still can be. */
  void timedOut() {
    bad(new BadMessage(408, "it did not come in time"));
  }

  /**
   * Ends it after an answer that says so: of the present exchange, or of the next one where that
   * answer's head has left already.
   */
  void retire() {
    retiring = true;
  }

  /** Ends it after the present exchange, or at once where there is none. */
  void drain() {
    retire();
    draining = true;
    if (!exchanging && !parser.isWithinMessage() && !hasArrived()) {
      endOutput();
    }
  }
}
