package io.sluice.proxy.http;

import io.netty.buffer.ByteBufAllocator;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import java.util.Locale;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1 towards who answers (RFC 9112): one exchange at a time, and the next one where both
 * messages were whole and neither side asked to close. Event loop of the channel.
 */
final class Http1Client extends Http1Side {
  /** Hears of the connection. */
  interface Owner {
    /** It may carry another exchange. */
    void idle(Http1Client client);

    /** It carries no exchange after the last one, and is not gone yet. */
    void ending(Http1Client client);

    /** It carries nothing more. */
    void gone(Http1Client client);
  }

  private static final String NTLM = "ntlm";
  private static final String NEGOTIATE = "negotiate";

  private final Owner owner;
  private boolean requestOpen;
  private boolean responseOpen;
  private boolean upgrades;
  private boolean tunnel;
  private boolean ending;
  private boolean told; // that it is gone
  private boolean answered; // once at least, and whole
  private boolean bound; // to somebody who has shown at its beginning who he is
  private boolean unsure; // whether both ends take the same octets for content

  Http1Client(
      ByteChannel channel,
      Executor loop,
      ByteBufAllocator allocator,
      BufferBudget budget,
      Owner owner) {
    super(channel, false, loop, allocator, budget);
    this.owner = owner;
  }

  // --- requests ------------------------------------------------------------------------------

  @Override
  public void head(Head head, boolean last) {
    requestOpen = !last && head.upgrade == null;
    responseOpen = true;
    upgrades = head.upgrade != null;
    unsure |= !last || head.method().equals("HEAD");
    bound =
        bound
            || isOfConnection(head.fields, "authorization")
            || isOfConnection(head.fields, "proxy-authorization");
    parser.answers(head.method());
    writer.request(head, last);
  }

  @Override
  void messageSent() {
    requestOpen = false;
    if (tunnel) {
      flush();
      endOutputOnceWritten();
    } else {
      finishExchange();
    }
  }

  // --- responses -----------------------------------------------------------------------------

  /** An octet that nobody asked for may be the beginning of somebody's answer to the next one. */
  @Override
  boolean expectsMessage() throws BadMessage {
    if (listener() == null) {
      throw new BadMessage(502, "nobody asked");
    }
    return true;
  }

  @Override
  boolean dropsInput() {
    return ending;
  }

  @Override
  void headArrived(Head head, boolean last) throws BadMessage {
    HttpStream.Listener asking = listener();
    if (asking == null || !responseOpen) {
      throw new BadMessage(502, "nobody asked");
    }
    if (head.status() == 101) {
      if (!upgrades || head.upgrade == null) {
        throw new BadMessage(502, "nobody asked for another protocol");
      }
      tunnel = true;
      requestOpen = true;
      parser.becomeTunnel();
    }
    unsure |= head.status() == 204 || head.status() == 304;
    if (head.status() == 401 || head.status() == 407) {
      bound =
          bound
              || offersConnection(head.fields.joined("www-authenticate"))
              || offersConnection(head.fields.joined("proxy-authenticate"));
    }
    asking.head(head, last);
  }

  /**
   * By a scheme that authenticates a connection instead of its requests (RFC 4559). Of several
   * lines nobody knows which one the other end reads.
   */
  private static boolean isOfConnection(Fields fields, String name) {
    String credentials = fields.first(name);
    return credentials != null
        && (credentials.regionMatches(true, 0, NTLM, 0, NTLM.length())
            || credentials.regionMatches(true, 0, NEGOTIATE, 0, NEGOTIATE.length())
            || fields.count(name) > 1);
  }

  /** Such a scheme among others. */
  private static boolean offersConnection(@Nullable String challenges) {
    String schemes = challenges == null ? "" : challenges.toLowerCase(Locale.ROOT);
    return schemes.contains(NTLM) || schemes.contains(NEGOTIATE);
  }

  @Override
  void messageArrived() {
    responseOpen = false;
    finishExchange();
  }

  private void finishExchange() {
    if (requestOpen || responseOpen || isClosed()) {
      return;
    }
    endExchange();
    answered = true;
    if (parser.isPersistent() && !tunnel && !hasInputEnded()) {
      owner.idle(this);
    } else if (!tunnel) {
      endOutput();
    }
  }

  /**
   * Whether it waits for a request, and what it has carried leaves nothing behind for who asks the
   * next one: an answer to HEAD, or of 204 or 304, may have content all the same, which would come
   * as the next answer; an application that does not read a request's content would answer that;
   * and a stream that has grown keeps memory from those that carry much now.
   */
  boolean mayBeLeft() {
    return answered
        && !bound
        && !unsure
        && listener() == null
        && !requestOpen
        && !responseOpen
        && !ending
        && isQuiet()
        && channel.isWritable()
        && !channel.hasGrown();
  }

  /** Ends it in peace where it waits for a request. */
  void leave() {
    if (!ending && !isClosed()) {
      endOutput();
    }
  }

  /** Nothing more is asked here; the peer ends it too, or {@link #close} does. */
  private void endOutput() {
    ending = true;
    owner.ending(this);
    endOutputOnceWritten();
    goOn();
  }

  @Override
  void inputHasEnded() {
    if (tunnel && (requestOpen || responseOpen)) {
      return;
    }
    HttpStream.Listener asking = listener();
    if (asking == null) {
      endOutput();
      return;
    }
    endExchange();
    reset();
    asking.aborted(Abort.RESET);
    tellGone();
  }

  @Override
  void bad(BadMessage why) {
    HttpStream.Listener asking = listener();
    endExchange();
    reset();
    if (asking != null) {
      asking.aborted(hasInputEnded() ? Abort.RESET : Abort.PROTOCOL_ERROR);
    }
    tellGone();
  }

  @Override
  public void abort(Abort how) {
    close();
  }

  /** Ends it at once. */
  void close() {
    endExchange();
    reset();
    tellGone();
  }

  @Override
  void gone(ChannelEnd end) {
    tellGone();
  }

  private void tellGone() {
    if (!told) {
      told = true;
      owner.gone(this);
    }
  }
}
