package io.sluice.node.events;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One JSON object on a line of its own, written as octets of ASCII into a buffer that is used
 * again: lines of the access log are written for every request. Names of fields are plain words.
 * One thread.
 */
final class JsonLine {
  /** Octets that a character takes where it is escaped. */
  static final int WIDEST = 6;

  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss").withZone(ZoneOffset.UTC);
  private static final byte[] HEX = "0123456789ABCDEF".getBytes(StandardCharsets.US_ASCII);
  private static final int NANO_DIGITS = 9;
  private static final int AROUND_NAME = 4;

  /** Characters that stand for themselves. */
  private static final boolean[] PLAIN = new boolean[0x80];

  static {
    Arrays.fill(PLAIN, ' ', PLAIN.length, true);
    PLAIN['"'] = false;
    PLAIN['\\'] = false;
  }

  private byte[] octets = new byte[2_048];
  private int length;
  private long second = Long.MIN_VALUE; // of which the text is known
  private String secondText = "";

  /** Begins another one. */
  void begin() {
    length = 0;
  }

  /** Ends it. */
  JsonLine end() {
    plain("}");
    return endOfText();
  }

  /** The same of a line that is no object, or one that is written whole. */
  JsonLine endOfText() {
    plain("\n");
    return this;
  }

  /** What was written, up to {@link #length}; the next one is written over it. */
  byte[] octets() {
    return octets;
  }

  /** Of {@link #octets}, as yet or with the end of the line; for {@link #cut} where it stands. */
  int length() {
    return length;
  }

  /** Of a line that has ended, without that end. */
  int textLength() {
    return length - 1;
  }

  /** Takes out what was written since then, for {@link #again}. */
  byte[] cut(int mark) {
    byte[] fields = since(mark);
    length = mark;
    return fields;
  }

  /** The same, which stays. */
  byte[] since(int mark) {
    return Arrays.copyOfRange(octets, mark, length);
  }

  /** Fields that were written before, not as the first ones. */
  void again(byte[] fields) {
    room(fields.length);
    System.arraycopy(fields, 0, octets, length, fields.length);
    length += fields.length;
  }

  /** A text of whoever, all but ASCII escaped; nothing where it is not known. */
  void text(String name, @Nullable String value) {
    if (value != null) {
      name(name);
      quote(value);
    }
  }

  /** The same, which is there also where it is not known. */
  void textOrNull(String name, @Nullable String value) {
    if (value == null) {
      name(name);
      plain("null");
    } else {
      text(name, value);
    }
  }

  /** A number. */
  void number(String name, long value) {
    name(name);
    decimal(value);
  }

  /** As {@link Instant#toString} has it: with as many groups of three digits as it needs. */
  void time(String name, Instant time) {
    name(name);
    if (time.getEpochSecond() != second) {
      second = time.getEpochSecond();
      secondText = SECONDS.format(time);
    }
    plain("\"");
    plain(secondText);
    int nanos = time.getNano();
    if (nanos != 0) {
      room(NANO_DIGITS + 1);
      octets[length] = '.';
      digits(length + 1, NANO_DIGITS, nanos);
      length += 1 + (nanos % 1_000_000 == 0 ? 3 : nanos % 1_000 == 0 ? 6 : NANO_DIGITS);
    }
    plain("Z\"");
  }

  /** One that has nothing to escape: a word of ours, an address, an identity. */
  void word(String name, @Nullable String value) {
    if (value != null) {
      name(name);
      mark('"');
      plain(value);
      mark('"');
    }
  }

  @SuppressWarnings("deprecation") // as in plain
  private void name(String name) {
    int more = name.length();
    room(more + AROUND_NAME);
    int at = length;
    octets[at++] = (byte) (length == 0 ? '{' : ',');
    octets[at++] = '"';
    name.getBytes(0, more, octets, at);
    at += more;
    octets[at++] = '"';
    octets[at++] = ':';
    length = at;
  }

  private void mark(char c) {
    room(1);
    octets[length++] = (byte) c;
  }

  /** The digits alone. */
  void decimal(long value) {
    if (value < 0) {
      plain(Long.toString(value));
      return;
    }
    int digits = 1;
    for (long left = value; left >= 10; left /= 10) {
      digits++;
    }
    room(digits);
    digits(length, digits, value);
    length += digits;
  }

  private void digits(int at, int count, long value) {
    long left = value;
    for (int i = at + count - 1; i >= at; i--) {
      octets[i] = (byte) ('0' + left % 10);
      left /= 10;
    }
  }

  /** ASCII alone, and nothing to escape. */
  @SuppressWarnings("deprecation") // copies those octets as they are, which no encoder does
  void plain(String text) {
    int more = text.length();
    room(more);
    text.getBytes(0, more, octets, length);
    length += more;
  }

  /** A text of whoever as a value of JSON. */
  void quote(String text) {
    mark('"');
    escaped(text);
    mark('"');
  }

  /** The same as a part of a value. Most have nothing to escape, and are copied as a whole. */
  @SuppressWarnings("deprecation") // what of a character it leaves out is looked at before
  void escaped(String text) {
    int count = text.length();
    int plain = 0;
    while (plain < count && isPlain(text.charAt(plain))) {
      plain++;
    }
    room(plain + WIDEST * (count - plain));
    text.getBytes(0, plain, octets, length);
    length += plain;
    for (int i = plain; i < count; i++) {
      char c = text.charAt(i);
      if (isPlain(c)) {
        octets[length++] = (byte) c;
      } else {
        escape(c);
      }
    }
  }

  private static boolean isPlain(char c) {
    return c < PLAIN.length && PLAIN[c];
  }

  private void escape(char c) {
    octets[length++] = '\\';
    switch (c) {
      case '"', '\\' -> octets[length++] = (byte) c;
      case '\b' -> octets[length++] = 'b';
      case '\t' -> octets[length++] = 't';
      case '\n' -> octets[length++] = 'n';
      case '\f' -> octets[length++] = 'f';
      case '\r' -> octets[length++] = 'r';
      default -> {
        octets[length++] = 'u';
        for (int shift = 12; shift >= 0; shift -= 4) {
          octets[length++] = HEX[c >> shift & 0xf];
        }
      }
    }
  }

  private void room(int more) {
    if (length + more > octets.length) {
      octets = Arrays.copyOf(octets, 2 * (length + more));
    }
  }
}
