package io.sluice.node.names;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Questions for addresses, and the answers to them (RFC 1035 §4). Pure; nothing is trusted. */
final class DnsMessage {
  /** Largest answer that is read; no larger one is asked for (RFC 1035 §4.2.1). */
  static final int MAX_BYTES = 512;

  static final int A = 1;
  static final int AAAA = 28;
  private static final int CNAME = 5;
  private static final int INTERNET = 1;
  private static final int HEADER_BYTES = 12;
  private static final int RECURSION_DESIRED = 0x0100;
  private static final int RESPONSE = 0x8000;
  private static final int OPCODE = 0x7800;
  private static final int RCODE = 0x000f;
  private static final int NO_SUCH_NAME = 3;
  private static final int POINTER = 0xc0;
  private static final int MAX_RECORDS = 64;
  private static final int MAX_NAME = 255;
  private static final int MAX_JUMPS = 16;
  private static final int MAX_ALIASES = 8;

  private DnsMessage() {}

  /**
   * What an answer says.
   *
   * @param tells whether it says anything; one server that cannot or will not is not all
   * @param addresses none where there is no such name, or none of the type asked for
   * @param life of what it says
   */
  record Answer(boolean tells, Set<InetAddress> addresses, Duration life) {}

  private record Entry(String owner, int type, long life, String alias, byte[] data) {}

  static byte[] question(int id, String host, int type) {
    ByteBuffer buffer = ByteBuffer.allocate(MAX_BYTES);
    buffer.putShort((short) id).putShort((short) RECURSION_DESIRED);
    buffer.putShort((short) 1).putShort((short) 0).putInt(0);
    for (String label : host.split("\\.", -1)) {
      byte[] bytes = label.getBytes(StandardCharsets.US_ASCII);
      buffer.put((byte) bytes.length).put(bytes);
    }
    buffer.put((byte) 0).putShort((short) type).putShort((short) INTERNET);
    byte[] question = new byte[buffer.position()];
    buffer.flip().get(question);
    return question;
  }

  /** What {@code message} says to that question; empty where it is no answer to it. */
  static Optional<Answer> answer(byte[] message, int id, String host, int type) {
    try {
      return read(ByteBuffer.wrap(message), id, host, type);
    } catch (BufferUnderflowException | IllegalArgumentException | UnknownHostException e) {
      return Optional.empty();
    }
  }

  private static Optional<Answer> read(ByteBuffer message, int id, String host, int type)
      throws UnknownHostException {
    boolean ours = (message.getShort() & 0xffff) == id;
    int flags = message.getShort() & 0xffff;
    int questions = message.getShort() & 0xffff;
    int answers = message.getShort() & 0xffff;
    message.position(HEADER_BYTES);
    int code = flags & RCODE;
    if (!ours
        || (flags & RESPONSE) == 0
        || (flags & OPCODE) != 0
        || questions != 1
        || !name(message).equals(host)
        || message.getShort() != type
        || message.getShort() != INTERNET) {
      return Optional.empty();
    }
    if (code != 0 && code != NO_SUCH_NAME) {
      return Optional.of(new Answer(false, Set.of(), Duration.ZERO));
    }
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < Math.min(answers, MAX_RECORDS); i++) {
      entry(message).ifPresent(entries::add);
    }
    return Optional.of(resolve(entries, host, type));
  }

  private static Optional<Entry> entry(ByteBuffer message) {
    String owner = name(message);
    int type = message.getShort() & 0xffff;
    int net = message.getShort() & 0xffff;
    long life = message.getInt() & 0xffffffffL;
    byte[] data = new byte[message.getShort() & 0xffff];
    int begin = message.position();
    message.get(data);
    int end = message.position();
    String alias = "";
    if (type == CNAME) {
      message.position(begin);
      alias = name(message);
      message.position(end);
    }
    return net == INTERNET
        ? Optional.of(new Entry(owner, type, life, alias, data))
        : Optional.empty();
  }

  /** Follows aliases from {@code host}: records of other names say nothing of it. */
  private static Answer resolve(List<Entry> entries, String host, int type)
      throws UnknownHostException {
    Set<String> names = new HashSet<>(Set.of(host));
    long life = Integer.MAX_VALUE;
    boolean more = true;
    for (int i = 0; i < MAX_ALIASES && more; i++) {
      more = false;
      for (Entry entry : entries) {
        if (entry.type() == CNAME && names.contains(entry.owner())) {
          more |= names.add(entry.alias());
          life = Math.min(life, entry.life());
        }
      }
    }
    Set<InetAddress> addresses = new HashSet<>();
    for (Entry entry : entries) {
      int length = type == A ? 4 : 16;
      if (entry.type() == type && names.contains(entry.owner()) && entry.data().length == length) {
        addresses.add(InetAddress.getByAddress(entry.data()));
        life = Math.min(life, entry.life());
      }
    }
    return new Answer(
        true, addresses, addresses.isEmpty() ? Duration.ZERO : Duration.ofSeconds(life));
  }

  /** A name in lower case; labels may be elsewhere, as far as a message's own may be long. */
  private static String name(ByteBuffer message) {
    StringBuilder name = new StringBuilder();
    int after = -1;
    int jumps = 0;
    for (int length = message.get() & 0xff; length != 0; length = message.get() & 0xff) {
      if ((length & POINTER) == POINTER) {
        int to = (length & ~POINTER) << 8 | (message.get() & 0xff);
        after = after < 0 ? message.position() : after;
        jumps++;
        if (jumps > MAX_JUMPS) {
          throw new IllegalArgumentException("a name leads round in a circle");
        }
        message.position(to);
      } else {
        byte[] label = new byte[length];
        message.get(label);
        name.append(name.isEmpty() ? "" : ".")
            .append(new String(label, StandardCharsets.ISO_8859_1));
        if (length > 63 || name.length() > MAX_NAME) {
          throw new IllegalArgumentException("a name is too long");
        }
      }
    }
    if (after >= 0) {
      message.position(after);
    }
    return name.toString().toLowerCase(Locale.ROOT);
  }
}
