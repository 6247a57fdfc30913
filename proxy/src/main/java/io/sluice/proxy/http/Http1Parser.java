package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.FastThreadLocal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Reads messages of HTTP/1.1 and 1.0 (RFC 9112) from pieces of a stream, and is strict: what two
 * readers could understand in two ways is refused, also where the specification lets a recipient
 * guess. Nothing is kept between messages. One thread.
 */
final class Http1Parser {
  /** Hears of the parts of a message, in order. */
  interface Sink {
    /** The head; {@code last} where no content follows. */
    void head(Head head, boolean last) throws BadMessage;

    /** A piece of the content, which the sink owns. */
    void data(ByteBuf bytes, boolean last);

    /** Ends the message in the place of a last piece. */
    void trailers(Fields trailers);
  }

  private static final int MAX_HEAD_BYTES = HttpLimits.DEFAULTS.maxHeaderBytes();
  private static final int MAX_FIELDS = HttpLimits.DEFAULTS.maxFields();
  private static final int MAX_START_LINE_BYTES = HttpLimits.DEFAULTS.maxRequestLine();
  static final int MAX_METHOD_BYTES = 32;
  private static final int MAX_CHUNK_DIGITS = 14;
  private static final int MAX_CHUNK_LINE_BYTES = 256;

  /** Looked at at once: what is content behind a line is not to be copied. */
  private static final int PEEKED_BYTES = 512;

  private static final byte[] NOTHING = {};
  private static final byte[] VERSION = " HTTP/".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] HTTP_1 = "HTTP/1.".getBytes(StandardCharsets.US_ASCII);
  private static final byte LF = '\n';
  private static final byte CR = '\r';

  private static final FastThreadLocal<Scratch> SCRATCH =
      new FastThreadLocal<>() {
        @Override
        protected Scratch initialValue() {
          return new Scratch();
        }
      };

  /** What lines are read into, and where those of a head or of trailers end, at their CR. */
  private static final class Scratch {
    final byte[] octets = new byte[MAX_HEAD_BYTES + 2];
    final int[] ends = new int[MAX_FIELDS + 2]; // of more it is only to be known that there are
    int lines;

    void ended(int at) {
      if (lines < ends.length) {
        ends[lines++] = at;
      }
    }

    /** Anew, those of whole lines of that length. */
    void endedBefore(int length) {
      lines = 0;
      for (int i = indexOf(octets, LF, 0, length); i >= 0; i = indexOf(octets, LF, i + 1, length)) {
        ended(i - 1);
      }
    }
  }

  private enum State {
    HEAD,
    FIXED,
    CHUNK_SIZE,
    CHUNK_DATA,
    CHUNK_END,
    TRAILERS,
    UNTIL_CLOSE
  }

  /** What lines are read for. */
  private enum Lines {
    HEAD,
    ONE,
    TRAILERS
  }

  private final boolean requests;
  private final Sink sink;
  private State state = State.HEAD;
  private byte[] begun = NOTHING; // of a head, or of a line, that is not whole
  private int lineStart;
  private boolean skippedLine;
  private long left; // of the content, or of the chunk
  private boolean answersHead; // what is read answers HEAD

  // What the last head said of its connection.
  private boolean persistent;
  private boolean http10;

  /** Of requests, or else of responses. */
  Http1Parser(boolean requests, Sink sink) {
    this.requests = requests;
    this.sink = sink;
  }

  /** The responses that are read next answer a request of this method. */
  void answers(String method) {
    answersHead = method.equals("HEAD");
  }

  /** What follows belongs to another protocol: it is content without an end. */
  void becomeTunnel() {
    state = State.UNTIL_CLOSE;
  }

  /** Whether it is in the middle of a message, or of what may become one. */
  boolean isWithinMessage() {
    return state != State.HEAD || begun.length > 0;
  }

  /** Whether the connection may carry another message after the last one that was read. */
  boolean isPersistent() {
    return persistent;
  }

  /** Whether the last head was of HTTP/1.0. */
  boolean isHttp10() {
    return http10;
  }

  /**
   * Reads {@code in} to its end, or to the end of a message, and leaves what is behind that.
   *
   * @return whether a message has ended
   */
  boolean read(ByteBuf in) throws BadMessage {
    while (in.isReadable()) {
      boolean ended =
          switch (state) {
            case HEAD -> head(in);
            case FIXED -> content(in);
            case UNTIL_CLOSE -> {
              sink.data(in.readRetainedSlice(in.readableBytes()), false);
              yield false;
            }
            case CHUNK_SIZE -> chunkSize(in);
            case CHUNK_DATA -> chunkData(in);
            case CHUNK_END -> chunkEnd(in);
            case TRAILERS -> trailers(in);
          };
      if (ended) {
        return true;
      }
    }
    return false;
  }

  /**
   * The stream has ended.
   *
   * @return whether that ends a message
   */
  boolean endOfStream() throws BadMessage {
    if (state == State.UNTIL_CLOSE) {
      state = State.HEAD;
      sink.data(Unpooled.EMPTY_BUFFER, true);
      return true;
    }
    if (isWithinMessage()) {
      throw new BadMessage(400, "the connection ended within a message");
    }
    return false;
  }

  // --- lines ---------------------------------------------------------------------------------

  /**
   * Takes lines up to the one that ends them, as far as they have come.
   *
   * @return how many octets of the scratch they have; -1 where some have not come yet
   */
  private int lines(ByteBuf in, Lines what, int most, int status) throws BadMessage {
    Scratch lines = SCRATCH.get();
    byte[] scratch = lines.octets;
    int length = begun.length;
    System.arraycopy(begun, 0, scratch, 0, length);
    boolean resumed = lineStart > 0;
    lines.lines = 0;
    int seen = length; // what of the scratch is a copy of what was not taken yet
    while (true) {
      int end = indexOf(scratch, LF, length, seen) + 1;
      while (end == 0 && seen - length < in.readableBytes() && seen < scratch.length) {
        int from = seen;
        int more = Math.min(in.readableBytes() - (seen - length), scratch.length - seen);
        seen += Math.min(more, PEEKED_BYTES);
        in.getBytes(in.readerIndex() + from - length, scratch, from, seen - from);
        end = indexOf(scratch, LF, from, seen) + 1;
      }
      int line = end == 0 ? 0 : end - length;
      int take = line == 0 ? in.readableBytes() : line;
      boolean first = lineStart == 0 && what == Lines.HEAD;
      if (first && length + take > MAX_START_LINE_BYTES) {
        throw new BadMessage(414, "the first line is longer than " + MAX_START_LINE_BYTES);
      }
      if (length + take > most) {
        throw new BadMessage(status, "it is longer than " + most + " octets");
      }
      in.skipBytes(take);
      length += take;
      if (first && requests) {
        checkMethod(scratch, length);
      }
      if (line == 0) {
        begun = length == 0 ? begun : Arrays.copyOf(scratch, length);
        return -1;
      }
      int text = length - 2;
      if (text < lineStart || scratch[text] != CR) {
        throw new BadMessage(400, "a line ends without CR LF");
      }
      boolean empty = text == lineStart;
      if (what == Lines.ONE || (empty && (lineStart > 0 || what == Lines.TRAILERS))) {
        if (resumed) {
          lines.endedBefore(lineStart); // once: it may come in thousands of pieces
        }
        begun = NOTHING;
        lineStart = 0;
        skippedLine = false;
        return length;
      }
      if (empty) {
        if (!requests || skippedLine) {
          throw new BadMessage(400, "an empty line stands before the message");
        }
        skippedLine = true; // one may stand before a request (RFC 9112 §2.2)
        length = 0;
        seen = 0;
        begun = NOTHING;
      } else {
        if (first && requests) {
          checkVersion(scratch, length);
        }
        lines.ended(text);
        lineStart = length;
      }
    }
  }

  /** Those of lines of text are known by their first one: nobody has to wait for a second. */
  private static void checkVersion(byte[] bytes, int length) throws BadMessage {
    for (int i = length - VERSION.length; i >= 0; i--) {
      if (Octets.isAt(bytes, i, VERSION)) {
        return;
      }
    }
    throw new BadMessage(0, "this is not HTTP");
  }

  /** Other protocols are known by their first octets, before a line of theirs ends. */
  private static void checkMethod(byte[] bytes, int length) throws BadMessage {
    for (int i = 0; i < length && bytes[i] != ' ' && bytes[i] != CR; i++) {
      if (!Octets.isToken(bytes[i]) || i == MAX_METHOD_BYTES) {
        throw new BadMessage(0, "this is not HTTP");
      }
    }
  }

  private static int endOfLine(byte[] bytes, int from) throws BadMessage {
    int i = from;
    while (bytes[i] != CR) {
      i++;
    }
    if (bytes[i + 1] != LF) {
      throw new BadMessage(400, "a CR stands alone");
    }
    return i;
  }

  /** Of the lines that were read, from that one on. */
  private static Fields fields(Scratch scratch, int first) throws BadMessage {
    Fields fields = new Fields();
    KnownLines known = KnownLines.ofThread();
    byte[] bytes = scratch.octets;
    for (int i = first; i < scratch.lines; i++) {
      int start = i == 0 ? 0 : scratch.ends[i - 1] + 2;
      int end = scratch.ends[i];
      if (fields.size() == MAX_FIELDS) {
        throw new BadMessage(431, "it has more than " + MAX_FIELDS + " fields");
      }
      KnownLines.Line line = known.find(bytes, start, end);
      if (line == null) {
        field(bytes, start, end, fields, known);
      } else {
        fields.add(line.name(), line.value());
      }
    }
    return fields;
  }

  private static void field(byte[] bytes, int start, int end, Fields fields, KnownLines known)
      throws BadMessage {
    int colon = start;
    while (colon < end && Octets.isToken(bytes[colon])) {
      colon++;
    }
    if (colon == start || colon == end || bytes[colon] != ':') {
      throw new BadMessage(400, "a field line has no valid name"); // also one that is folded
    }
    int from = colon + 1;
    while (from < end && isBlank(bytes[from])) {
      from++;
    }
    int to = end;
    while (to > from && isBlank(bytes[to - 1])) {
      to--;
    }
    for (int i = from; i < to; i++) {
      if (!Octets.isValue(bytes[i])) {
        throw new BadMessage(400, "a field's value has an octet that is not allowed");
      }
    }
    String name = Octets.name(bytes, start, colon);
    String value = Octets.text(bytes, from, to);
    fields.add(name, value);
    if (Octets.isRepeated(name)) {
      known.found(bytes, start, end, name, value);
    }
  }

  private static boolean isBlank(byte octet) {
    return octet == ' ' || octet == '\t';
  }

  // --- heads ---------------------------------------------------------------------------------

  private boolean head(ByteBuf in) throws BadMessage {
    int length = lines(in, Lines.HEAD, MAX_HEAD_BYTES, 431);
    if (length < 0) {
      return false;
    }
    Scratch lines = SCRATCH.get();
    byte[] bytes = lines.octets;
    int end = endOfLine(bytes, 0);
    Fields fields = fields(lines, 1);
    Head head = requests ? request(bytes, end, fields) : response(bytes, end, fields);
    boolean chunked = isChunked(fields);
    long stated = statedLength(fields);
    if (chunked && stated >= 0) {
      throw new BadMessage(400, "it has both Content-Length and Transfer-Encoding");
    }
    persistent = HopByHop.strip(head, http10);
    head.contentLength = stated;
    boolean interim = !requests && head.isInterim();
    boolean last = frame(head, chunked, stated);
    if (requests && !last) {
      head.upgrade = null; // what is content and what another protocol must not be a question
    }
    sink.head(head, last && !interim);
    return last && !interim;
  }

  /** Which content follows; true where none does. */
  private boolean frame(Head head, boolean chunked, long stated) throws BadMessage {
    boolean answerWithout =
        !requests
            && (answersHead || head.isInterim() || head.status() == 204 || head.status() == 304);
    if (answerWithout) {
      if (head.isInterim() || head.status() == 204) {
        if (chunked || stated > 0) {
          throw new BadMessage(400, "a response without content tells of some"); // RFC 9110 §8.6
        }
      }
      return true;
    }
    if (chunked) {
      state = State.CHUNK_SIZE;
    } else if (stated > 0) {
      state = State.FIXED;
      left = stated;
    } else if (stated < 0 && !requests) {
      state = State.UNTIL_CLOSE;
      persistent = false;
    } else {
      return true;
    }
    return false;
  }

  private Head request(byte[] bytes, int end, Fields fields) throws BadMessage {
    int space = indexOf(bytes, (byte) ' ', 0, end);
    int second = space < 0 ? -1 : indexOf(bytes, (byte) ' ', space + 1, end);
    if (space < 1 || second < 0) {
      throw new BadMessage(400, "the first line is not a request's");
    }
    version(bytes, second + 1, end);
    String method = Octets.text(bytes, 0, space);
    for (int i = space + 1; i < second; i++) {
      if (bytes[i] <= ' ' || bytes[i] == 0x7f || bytes[i] == '#') {
        throw new BadMessage(400, "the target has an octet that is not allowed");
      }
    }
    String target = Octets.text(bytes, space + 1, second);
    return RequestTarget.head(method, target, fields, http10);
  }

  private Head response(byte[] bytes, int end, Fields fields) throws BadMessage {
    int space = indexOf(bytes, (byte) ' ', 0, end);
    if (space < 0 || end < space + 4 || (end > space + 4 && bytes[space + 4] != ' ')) {
      throw new BadMessage(502, "the first line is not a response's");
    }
    version(bytes, 0, space);
    int status = 0;
    for (int i = space + 1; i < space + 4; i++) {
      if (bytes[i] < '0' || bytes[i] > '9') {
        throw new BadMessage(502, "the status is no number");
      }
      status = status * 10 + bytes[i] - '0';
    }
    if (status < 100 || status > 599) {
      throw new BadMessage(502, "the status is none"); // RFC 9110 §15
    }
    for (int i = space + 4; i < end; i++) {
      if (!Octets.isValue(bytes[i])) {
        throw new BadMessage(502, "the reason phrase has an octet that is not allowed");
      }
    }
    Head head = Head.response(status, fields);
    head.phrase = end > space + 5 ? Octets.text(bytes, space + 5, end) : "";
    return head;
  }

  private void version(byte[] bytes, int from, int to) throws BadMessage {
    boolean one = to - from == HTTP_1.length + 1 && Octets.isAt(bytes, from, HTTP_1);
    http10 = one && bytes[to - 1] == '0';
    if (!http10 && !(one && bytes[to - 1] == '1')) {
      String version = Octets.text(bytes, from, to);
      throw version.matches("HTTP/[0-9](\\.[0-9])?")
          ? new BadMessage(505, "the version is not 1.1 or 1.0")
          : new BadMessage(400, "the first line has no version");
    }
  }

  private static int indexOf(byte[] bytes, byte octet, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] == octet) {
        return i;
      }
    }
    return -1;
  }

  /** Takes the field: chunks are a matter of one connection. */
  private boolean isChunked(Fields fields) throws BadMessage {
    int lines = fields.count("Transfer-Encoding");
    if (lines == 0) {
      return false;
    }
    String codings = fields.joined("Transfer-Encoding");
    if (http10) {
      throw new BadMessage(400, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (lines > 1 || codings == null || !codings.equalsIgnoreCase("chunked")) {
      boolean known =
          codings != null && codings.toLowerCase(Locale.ROOT).matches("(gzip|deflate|compress)");
      throw new BadMessage(known ? 501 : 400, "the Transfer-Encoding is not chunked alone");
    }
    fields.remove("Transfer-Encoding");
    return true;
  }

  private static long statedLength(Fields fields) throws BadMessage {
    String length = fields.take("Content-Length");
    long number = length == null ? Head.UNKNOWN_LENGTH : Octets.length(length);
    if (number < Head.UNKNOWN_LENGTH) {
      throw new BadMessage(400, "the Content-Length is no number");
    }
    return number;
  }

  // --- content -------------------------------------------------------------------------------

  private boolean content(ByteBuf in) {
    ByteBuf piece = in.readRetainedSlice((int) Math.min(left, in.readableBytes()));
    left -= piece.readableBytes();
    boolean last = left == 0;
    if (last) {
      state = State.HEAD;
    }
    sink.data(piece, last);
    return last;
  }

  /** Extensions mean something between two neighbours only: they are dropped (RFC 9112 §7.1.1). */
  private boolean chunkSize(ByteBuf in) throws BadMessage {
    int length = lines(in, Lines.ONE, MAX_CHUNK_LINE_BYTES, 400);
    if (length < 0) {
      return false;
    }
    byte[] line = SCRATCH.get().octets;
    long size = 0;
    int i = 0;
    for (int digit = Character.digit(line[0], 16);
        digit >= 0;
        digit = Character.digit(line[i], 16)) {
      size = size * 16 + digit;
      if (++i > MAX_CHUNK_DIGITS) {
        throw new BadMessage(400, "a chunk's size has too many digits");
      }
    }
    if (i == 0 || (line[i] != CR && line[i] != ';') || endOfLine(line, i) != length - 2) {
      throw new BadMessage(400, "a chunk's size is not one number");
    }
    for (int j = i; j < length - 2; j++) {
      if (!Octets.isValue(line[j])) {
        throw new BadMessage(400, "a chunk's extension has an octet that is not allowed");
      }
    }
    left = size;
    state = size == 0 ? State.TRAILERS : State.CHUNK_DATA;
    return false;
  }

  private boolean chunkData(ByteBuf in) {
    ByteBuf piece = in.readRetainedSlice((int) Math.min(left, in.readableBytes()));
    left -= piece.readableBytes();
    if (left == 0) {
      state = State.CHUNK_END;
    }
    sink.data(piece, false);
    return false;
  }

  private boolean chunkEnd(ByteBuf in) throws BadMessage {
    int length = lines(in, Lines.ONE, 2, 400);
    if (length > 0) {
      state = State.CHUNK_SIZE;
    }
    return false;
  }

  private boolean trailers(ByteBuf in) throws BadMessage {
    int length = lines(in, Lines.TRAILERS, MAX_HEAD_BYTES, 431);
    if (length < 0) {
      return false;
    }
    state = State.HEAD;
    if (length == 2) { // the empty line alone
      sink.data(Unpooled.EMPTY_BUFFER, true);
    } else {
      Fields trailers = fields(SCRATCH.get(), 0);
      if (HopByHop.hasForbidden(trailers)) {
        throw new BadMessage(400, "a trailer has a name that must stand in the head");
      }
      sink.trailers(trailers);
    }
    return true;
  }
}
