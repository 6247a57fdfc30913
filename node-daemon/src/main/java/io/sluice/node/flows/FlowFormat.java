package io.sluice.node.flows;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.flows.RecordedFlow.Asked;
import io.sluice.node.flows.RecordedFlow.Entry;
import io.sluice.node.flows.RecordedFlow.Seen;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Flows as bytes: each with its length and a checksum before it, so that of a file whose writing
 * was cut off all that was whole counts. Pure functions; any thread.
 */
final class FlowFormat {
  /** Of a file; eight bytes, the last is the version of the format. */
  private static final byte[] HEADER = {'s', 'l', 'f', 'l', 'o', 'w', 's', 1};

  private static final int FRAME_BYTES = Integer.BYTES + Integer.BYTES;

  /** Sixteen headers, path and names, each of three bytes a character at most. */
  private static final int LONGEST_RECORD = 64 << 10;

  private FlowFormat() {}

  /** What a file begins with. */
  static byte[] header() {
    return HEADER.clone();
  }

  /** A record of a file. */
  static byte[] bytes(Entry entry) {
    ByteArrayOutputStream content = new ByteArrayOutputStream(256);
    try (DataOutputStream out = new DataOutputStream(content)) {
      write(entry, out);
    } catch (IOException e) {
      throw new UncheckedIOException("memory takes every record", e);
    }
    byte[] bytes = content.toByteArray();
    return ByteBuffer.allocate(FRAME_BYTES + bytes.length)
        .putInt(bytes.length)
        .putInt(checksum(bytes))
        .put(bytes)
        .array();
  }

  private static int checksum(byte[] bytes) {
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    return (int) sum.getValue();
  }

  /**
   * Reads a file's records up to the first that is not whole.
   *
   * @return how many of the bytes were whole
   */
  static int read(byte[] file, Consumer<Entry> to) {
    ByteBuffer in = ByteBuffer.wrap(file);
    if (file.length < HEADER.length
        || !Arrays.equals(file, 0, HEADER.length, HEADER, 0, HEADER.length)) {
      return 0;
    }
    in.position(HEADER.length);
    Names names = new Names(new HashMap<>(), new HashMap<>(), new HashMap<>());
    while (in.remaining() > FRAME_BYTES) {
      int begin = in.position();
      int length = in.getInt();
      int sum = in.getInt();
      if (length <= 0 || length > LONGEST_RECORD || length > in.remaining()) {
        return begin;
      }
      byte[] content = new byte[length];
      in.get(content);
      if (checksum(content) != sum) {
        return begin;
      }
      try (DataInputStream data = new DataInputStream(new ByteArrayInputStream(content))) {
        to.accept(names.read(data));
      } catch (IOException | IllegalArgumentException | DateTimeException e) {
        return begin; // of a release that wrote otherwise
      }
    }
    return in.position();
  }

  private static void write(Entry entry, DataOutputStream out) throws IOException {
    RecordedFlow flow = entry.flow();
    Asked asked = flow.askedOrNull();
    out.writeByte(
        (flow.direction() == Direction.INBOUND ? 1 : 0)
            | (flow.certified() ? 2 : 0)
            | (flow.foreign() ? 4 : 0)
            | (asked != null ? 8 : 0)
            | (asked != null && asked.cut() ? 16 : 0)
            | (flow.verdict().isAllowed() ? 32 : 0));
    out.writeByte(flow.verdict().reason().code());
    out.writeShort(flow.port());
    out.writeLong(entry.seen().count());
    out.writeLong(entry.seen().first().toEpochMilli());
    out.writeLong(entry.seen().last().toEpochMilli());
    out.writeUTF(text(flow.verdict().rule().orElse(null)));
    out.writeUTF(text(flow.sourceOrNull()));
    out.writeUTF(text(flow.sourceIdentityOrNull()));
    out.writeUTF(text(flow.destinationOrNull()));
    out.writeUTF(text(flow.destinationIdentityOrNull()));
    out.writeUTF(flow.address());
    out.writeUTF(flow.service());
    if (asked != null) {
      out.writeUTF(asked.method());
      out.writeUTF(asked.authority());
      out.writeUTF(asked.path());
      out.writeByte(asked.headers().size());
      for (Map.Entry<String, String> header : new TreeMap<>(asked.headers()).entrySet()) {
        out.writeUTF(header.getKey());
        out.writeUTF(header.getValue());
      }
      out.writeByte(asked.absent().size());
      for (String name : new TreeSet<>(asked.absent())) {
        out.writeUTF(name);
      }
    }
  }

  private static String text(@Nullable Object value) {
    return value == null ? "" : value.toString();
  }

  /** Of one file's records, which share what most of them have. */
  private record Names(
      Map<String, NamespacedName> names,
      Map<String, SpiffeId> identities,
      Map<String, String> texts) {
    Entry read(DataInputStream in) throws IOException {
      int flags = in.readUnsignedByte();
      Reason reason =
          Reason.ofCode(in.readUnsignedByte()).orElseThrow(() -> new IOException("unknown reason"));
      int port = in.readUnsignedShort();
      Seen seen =
          new Seen(
              in.readLong(),
              Instant.ofEpochMilli(in.readLong()),
              Instant.ofEpochMilli(in.readLong()));
      NamespacedName rule = name(in.readUTF());
      Verdict verdict =
          new Verdict((flags & 32) != 0 ? Outcome.ALLOWED : Outcome.REFUSED, reason, rule);
      NamespacedName source = name(in.readUTF());
      SpiffeId sourceIdentity = identity(in.readUTF());
      NamespacedName destination = name(in.readUTF());
      SpiffeId destinationIdentity = identity(in.readUTF());
      String address = in.readUTF();
      String service = text(in.readUTF());
      Asked asked = (flags & 8) == 0 ? null : asked(in, (flags & 16) != 0);
      return new Entry(
          new RecordedFlow(
              (flags & 1) != 0 ? Direction.INBOUND : Direction.OUTBOUND,
              source,
              sourceIdentity,
              (flags & 2) != 0,
              (flags & 4) != 0,
              destination,
              destinationIdentity,
              address,
              port,
              service,
              asked,
              verdict),
          seen);
    }

    private Asked asked(DataInputStream in, boolean cut) throws IOException {
      List<String> texts = List.of(text(in.readUTF()), text(in.readUTF()), in.readUTF());
      Map<String, String> headers = new HashMap<>();
      for (int left = in.readUnsignedByte(); left > 0; left--) {
        headers.put(text(in.readUTF()), in.readUTF());
      }
      Set<String> absent = new HashSet<>();
      for (int left = in.readUnsignedByte(); left > 0; left--) {
        absent.add(text(in.readUTF()));
      }
      return new Asked(texts.get(0), texts.get(1), texts.get(2), cut, headers, absent);
    }

    private String text(String text) {
      return texts.computeIfAbsent(text, same -> same);
    }

    private @Nullable NamespacedName name(String text) {
      return text.isEmpty() ? null : names.computeIfAbsent(text, NamespacedName::parse);
    }

    private @Nullable SpiffeId identity(String text) {
      return text.isEmpty() ? null : identities.computeIfAbsent(text, SpiffeId::parse);
    }
  }
}
