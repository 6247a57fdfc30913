package io.sluice.lab.capture;

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One direction of a TCP connection, put in order from captured frames. */
public final class TcpStream {
  private final InetSocketAddress from;
  private final InetSocketAddress to;
  private final int firstSequence;
  private final boolean opened;
  private final Map<Integer, byte[]> segments = new TreeMap<>(); // by offset from the first byte

  private TcpStream(TcpSegment first) {
    this.from = first.from();
    this.to = first.to();
    this.opened = first.opens();
    this.firstSequence = first.sequence() + (first.opens() ? 1 : 0);
  }

  private record Ends(InetSocketAddress from, InetSocketAddress to) {}

  /** Those that send to or from {@code port}, in the order of their first frames. */
  public static List<TcpStream> ofPort(int port, List<byte[]> frames) {
    List<TcpStream> all = new ArrayList<>();
    Map<Ends, TcpStream> newest = new HashMap<>();
    for (byte[] frame : frames) {
      TcpSegment segment = TcpSegment.in(frame).orElse(null);
      if (segment == null || (segment.from().getPort() != port && segment.to().getPort() != port)) {
        continue;
      }
      Ends ends = new Ends(segment.from(), segment.to());
      @Nullable TcpStream stream = newest.get(ends);
      if (stream == null || stream.isFollowedBy(segment)) {
        stream = new TcpStream(segment);
        newest.put(ends, stream);
        all.add(stream);
      }
      stream.add(segment);
    }
    return all;
  }

  /** Whether the segment opens another connection between the same ends. */
  private boolean isFollowedBy(TcpSegment segment) {
    return segment.opens() && segment.sequence() + 1 != firstSequence;
  }

  private void add(TcpSegment segment) {
    if (!segment.opens() && segment.payload().length > 0) {
      // Repeated whole or in longer pieces: the longest from one place on holds the others.
      segments.merge(
          segment.sequence() - firstSequence,
          segment.payload(),
          (old, repeated) -> repeated.length > old.length ? repeated : old);
    }
  }

  /** Its sender. */
  public InetSocketAddress from() {
    return from;
  }

  /** Its receiver. */
  public InetSocketAddress to() {
    return to;
  }

  /** Whether its beginning was captured. */
  public boolean isFromItsBeginning() {
    return opened;
  }

  /**
   * Its bytes in order, up to the first that was not captured; a segment from before the beginning
   * (a keep-alive) carries none of them.
   */
  public byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (Map.Entry<Integer, byte[]> segment : segments.entrySet()) {
      int known = bytes.size() - segment.getKey();
      if (known < 0) {
        break;
      } else if (segment.getKey() >= 0 && known < segment.getValue().length) {
        bytes.write(segment.getValue(), known, segment.getValue().length - known);
      }
    }
    return bytes.toByteArray();
  }

  /** Bytes that were captured behind a gap; 0 when nothing is missing. */
  public int bytesBehindGap() {
    int end = bytes().length;
    return segments.entrySet().stream()
        .filter(segment -> segment.getKey() > end)
        .mapToInt(segment -> segment.getValue().length)
        .sum();
  }

  @Override
  public String toString() {
    return from + " to " + to;
  }
}
