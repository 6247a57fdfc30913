package io.sluice.node.export;

import io.sluice.api.opentelemetry.AnyValue;
import io.sluice.api.opentelemetry.KeyValue;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;

/**
 * OTLP's messages, field by field as protobuf encodes them, into a buffer that is used again: spans
 * and lines are written for each request, and as objects that are asked for their size first they
 * took several times as long. One thread.
 *
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">Protobuf's encoding</a>
 */
public final class OtlpWriter {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  static final int OCTETS = 2;
  private static final int FIXED32 = 5;

  /** Octets at most of a field's tag and of a number, its length or value. */
  private static final int HEAD = 2 + 10;

  private static final int VARINT_BITS = 7;
  private static final int MORE = 1 << VARINT_BITS;

  private byte[] octets = new byte[1_024];
  private int length;

  /** Begins anew. */
  public OtlpWriter begin() {
    length = 0;
    return this;
  }

  /** Begins a message within; returns what {@link #close} wants. */
  public int open(int field) {
    room(HEAD);
    tag(field, OCTETS);
    return ++length; // most are shorter than 128 octets
  }

  /** Ends the one that was begun last. */
  public void close(int mark) {
    int size = length - mark;
    int more = varintSize(size) - 1;
    if (more > 0) {
      room(more);
      System.arraycopy(octets, mark, octets, mark + more, size);
    }
    length = mark - 1;
    varint(size);
    length += size;
  }

  /** A number, as {@code int64} and enumerations have. */
  public void number(int field, long value) {
    room(HEAD);
    tag(field, VARINT);
    varint(value);
  }

  /** 32 bits. */
  public void fixed32(int field, int value) {
    room(HEAD);
    tag(field, FIXED32);
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      octets[length++] = (byte) (value >>> shift);
    }
  }

  /** Nanoseconds since the epoch. */
  public void time(int field, Instant time) {
    room(HEAD);
    tag(field, FIXED64);
    word(Long.reverseBytes(time.getEpochSecond() * 1_000_000_000 + time.getNano()));
  }

  /** The id of a span, in network byte order. */
  public void id(int field, long id) {
    room(HEAD);
    tag(field, OCTETS);
    octets[length++] = Long.BYTES;
    word(id);
  }

  /** The id of a trace, likewise. */
  public void id(int field, long high, long low) {
    room(HEAD + Long.BYTES);
    tag(field, OCTETS);
    octets[length++] = 2 * Long.BYTES;
    word(high);
    word(low);
  }

  /** Of 64 bits the highest first. */
  private void word(long value) {
    for (int shift = Long.SIZE - Byte.SIZE; shift >= 0; shift -= Byte.SIZE) {
      octets[length++] = (byte) (value >>> shift);
    }
  }

  /** A text. */
  @SuppressWarnings("deprecation") // copies octets of ASCII as they are, which no encoder does
  public void text(int field, String text) {
    if (isAscii(text)) {
      int count = text.length();
      beginOctets(field, count);
      text.getBytes(0, count, octets, length);
      length += count;
    } else {
      byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
      text(field, encoded, encoded.length);
    }
  }

  /** The first of these octets of UTF-8. */
  public void text(int field, byte[] encoded, int count) {
    beginOctets(field, count);
    System.arraycopy(encoded, 0, octets, length, count);
    length += count;
  }

  private void beginOctets(int field, int count) {
    room(HEAD + count);
    tag(field, OCTETS);
    varint(count);
  }

  /** A text by its name. */
  public void attribute(int field, String name, String value) {
    int attribute = openAttribute(field, name);
    int any = open(KeyValue.VALUE_FIELD_NUMBER);
    text(AnyValue.STRING_VALUE_FIELD_NUMBER, value);
    close(any);
    close(attribute);
  }

  /** The same of the first of these octets of UTF-8. */
  public void attribute(int field, String name, byte[] encoded, int count) {
    int attribute = openAttribute(field, name);
    int any = open(KeyValue.VALUE_FIELD_NUMBER);
    text(AnyValue.STRING_VALUE_FIELD_NUMBER, encoded, count);
    close(any);
    close(attribute);
  }

  /** A number by its name. */
  public void attribute(int field, String name, long value) {
    int attribute = openAttribute(field, name);
    int any = open(KeyValue.VALUE_FIELD_NUMBER);
    number(AnyValue.INT_VALUE_FIELD_NUMBER, value);
    close(any);
    close(attribute);
  }

  private int openAttribute(int field, String name) {
    int attribute = open(field);
    text(KeyValue.KEY_FIELD_NUMBER, name);
    return attribute;
  }

  /** Fields that were written before. */
  public void again(byte[] fields) {
    room(fields.length);
    System.arraycopy(fields, 0, octets, length, fields.length);
    length += fields.length;
  }

  /** What was written since it began, up to {@link #length}; the next one is written over it. */
  public byte[] octets() {
    return octets;
  }

  /** Of {@link #octets}. */
  public int length() {
    return length;
  }

  /** The same, which is the caller's. */
  public byte[] copy() {
    return Arrays.copyOf(octets, length);
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 0x80) {
        return false;
      }
    }
    return true;
  }

  private void tag(int field, int type) {
    varint(field << 3 | type);
  }

  static int varintSize(int value) {
    return 1 + (Integer.SIZE - 1 - Integer.numberOfLeadingZeros(value | 1)) / VARINT_BITS;
  }

  private void varint(long value) {
    length = varint(octets, length, value);
  }

  /** Writes one, for which there is room; returns its end. */
  static int varint(byte[] to, int at, long value) {
    int end = at;
    long left = value;
    for (; (left & -MORE) != 0; left >>>= VARINT_BITS) {
      to[end++] = (byte) (left | MORE);
    }
    to[end++] = (byte) left;
    return end;
  }

  private void room(int more) {
    if (length + more > octets.length) {
      octets = Arrays.copyOf(octets, 2 * (length + more));
    }
  }
}
