package io.sluice.lab.capture;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Every frame that any interface of a namespace sends or receives (packet(7)), from the opening on.
 * One that is forwarded is seen on each interface. The frames wait in the socket until they are
 * asked for. For one thread.
 */
public final class FrameCapture implements AutoCloseable {
  private static final int AF_PACKET = 17;
  private static final int SOCK_RAW = 3;
  private static final int SOL_PACKET = 263;
  private static final int PACKET_STATISTICS = 6;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int BUFFER_BYTES = 32 << 20;
  private static final int MAX_FRAME_BYTES = 70_000;

  /** More than any report about a wire needs; what comes after it is an error of the caller. */
  private static final long MOST_BYTES = 256L << 20;

  /** {@code htons(ETH_P_ALL)} on a little-endian machine. */
  private static final int ALL_PROTOCOLS_BE = 0x0300;

  private final int fd;
  private final List<byte[]> frames = new ArrayList<>();
  private final ByteBuffer frame = ByteBuffer.allocateDirect(MAX_FRAME_BYTES);
  private long bytes;
  private long arrived;

  private FrameCapture(int fd) {
    this.fd = fd;
  }

  /** Begins at once. Needs CAP_NET_RAW and CAP_NET_ADMIN in the namespace. */
  public static FrameCapture in(NetnsHandle namespace) {
    return new LinuxNetworkNamespaces()
        .callIn(
            namespace,
            () -> {
              int fd =
                  Sockets.socket(AF_PACKET, SOCK_RAW | Sockets.SOCK_NONBLOCK, ALL_PROTOCOLS_BE);
              Sockets.setsockopt(fd, Sockets.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
              return new FrameCapture(fd);
            });
  }

  /** The frames so far, in the order of their arrival; not copied, and not to be changed. */
  public List<byte[]> frames() {
    read();
    return List.copyOf(frames);
  }

  /** Whether any frame so far carries {@code text}, which is ASCII. */
  public boolean hasSeen(String text) {
    read();
    byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
    return frames.stream().anyMatch(seen -> contains(seen, wanted));
  }

  private void read() {
    while (true) {
      frame.clear();
      if (Sockets.read(fd, frame) <= 0) {
        return;
      }
      byte[] seen = new byte[frame.flip().remaining()];
      frame.get(seen);
      bytes += seen.length;
      if (bytes > MOST_BYTES) {
        throw new IllegalStateException(
            "the capture holds " + MOST_BYTES + " bytes already; end it sooner");
      }
      frames.add(seen);
    }
  }

  private static boolean contains(byte[] bytes, byte[] wanted) {
    for (int start = 0; start + wanted.length <= bytes.length; start++) {
      int matched = 0;
      while (matched < wanted.length && bytes[start + matched] == wanted[matched]) {
        matched++;
      }
      if (matched == wanted.length) {
        return true;
      }
    }
    return false;
  }

  /** Frames that found the buffer full; the witness must not have missed any. */
  public long dropped() {
    // The first member of struct tpacket_stats: all frames since it was last read, dropped or not.
    arrived += Sockets.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS);
    read();
    return Math.max(0, arrived - frames.size());
  }

  @Override
  public void close() {
    Sockets.close(fd);
  }
}
