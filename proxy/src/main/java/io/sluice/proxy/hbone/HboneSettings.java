package io.sluice.proxy.hbone;

import io.sluice.mesh.UpstreamSetting;
import java.time.Duration;

/**
 * Limits and times of HBONE; {@code docs/hbone.md} says why each default is what it is.
 *
 * @param flow windows and buffers
 * @param limits what one peer may ask of us
 * @param times when something has taken too long
 * @param pool how the client shares connections
 * @param server what the server of one pod holds
 */
public record HboneSettings(Flow flow, Limits limits, Times times, Pool pool, Server server) {

  /**
   * Windows and buffers, in bytes.
   *
   * @param streamWindow unread bytes a peer may have sent on one stream; 64 KiB to 16 MiB
   * @param connectionWindow the same for all streams of a connection; at least the stream's
   * @param writeBuffer unsent bytes of one stream above which its source is not read; 16 KiB or
   *     more
   */
  public record Flow(int streamWindow, int connectionWindow, int writeBuffer) {
    private static final int MIN_WINDOW = 65_535; // what HTTP/2 begins with, RFC 9113 §6.9.2
    private static final int MAX_WINDOW = 16 << 20;
    private static final int MIN_WRITE_BUFFER = 16 * 1_024;

    public Flow {
      require(
          streamWindow >= MIN_WINDOW && streamWindow <= MAX_WINDOW, "streamWindow", streamWindow);
      require(
          connectionWindow >= streamWindow && connectionWindow <= 4 * MAX_WINDOW,
          "connectionWindow",
          connectionWindow);
      require(
          writeBuffer >= MIN_WRITE_BUFFER && writeBuffer <= MAX_WINDOW, "writeBuffer", writeBuffer);
    }
  }

  /**
   * What one connection's peer may do.
   *
   * @param maxStreams open at once
   * @param maxHeaderListBytes of one request or response, uncompressed, as RFC 9113 §6.5.2 counts
   * @param maxHeaders fields of one request
   * @param maxResetsPerSecond RST_STREAM frames, in either direction
   * @param maxControlFramesPerSecond PING, SETTINGS, PRIORITY, CONTINUATION, GOAWAY, unknown and
   *     empty DATA frames together
   */
  public record Limits(
      int maxStreams,
      int maxHeaderListBytes,
      int maxHeaders,
      int maxResetsPerSecond,
      int maxControlFramesPerSecond) {
    public Limits {
      require(maxStreams >= 1 && maxStreams <= 65_536, "maxStreams", maxStreams);
      require(
          maxHeaderListBytes >= 1_024 && maxHeaderListBytes <= 1 << 20,
          "maxHeaderListBytes",
          maxHeaderListBytes);
      require(maxHeaders >= 8, "maxHeaders", maxHeaders);
      require(maxResetsPerSecond >= 1, "maxResetsPerSecond", maxResetsPerSecond);
      require(
          maxControlFramesPerSecond >= 1, "maxControlFramesPerSecond", maxControlFramesPerSecond);
    }
  }

  /**
   * When something has taken too long; all positive.
   *
   * @param connect from the wish for a connection to the peer's SETTINGS; and from a request to its
   *     status, at the client, unless it is to wait for longer
   * @param answer from a request to its status, at the server: as long as any client is to wait
   * @param pingAfter silence after which the peer is asked for a sign of life
   * @param pingTimeout silence after that, before the connection is given up
   * @param idle without streams before a connection is closed
   * @param age after which a connection takes no new streams
   */
  public record Times(
      Duration connect,
      Duration answer,
      Duration pingAfter,
      Duration pingTimeout,
      Duration idle,
      Duration age) {
    public Times {
      requirePositive(connect, "connect");
      requirePositive(answer, "answer");
      requirePositive(pingAfter, "pingAfter");
      requirePositive(pingTimeout, "pingTimeout");
      requirePositive(idle, "idle");
      requirePositive(age, "age");
    }
  }

  /**
   * The client's sharing, per event loop.
   *
   * @param maxStreamsPerConnection above which another connection is opened
   * @param maxConnections per pair of source and destination
   * @param maxWaiting streams that wait for a connection of one pair
   */
  public record Pool(int maxStreamsPerConnection, int maxConnections, int maxWaiting) {
    public Pool {
      require(maxStreamsPerConnection >= 1, "maxStreamsPerConnection", maxStreamsPerConnection);
      require(maxConnections >= 1, "maxConnections", maxConnections);
      require(maxWaiting >= 1, "maxWaiting", maxWaiting);
    }
  }

  /**
   * The server of one pod; those of a node together may hold {@link ServerRoom#PODS} times as much.
   *
   * @param maxConnections above which further ones are refused
   * @param maxHandshakes from the ClientHello on, above which the oldest gives way
   * @param maxSilent connections without a ClientHello, above which the oldest gives way
   * @param hello longest wait for the ClientHello while places are short; else five times as long
   */
  public record Server(int maxConnections, int maxHandshakes, int maxSilent, Duration hello) {
    public Server {
      require(maxConnections >= 1, "maxConnections", maxConnections);
      require(maxHandshakes >= 1, "maxHandshakes", maxHandshakes);
      require(maxSilent >= 1, "maxSilent", maxSilent);
      requirePositive(hello, "hello");
    }
  }

  /** Direct memory of a node daemon, in bytes, unless it is given another size. */
  public static final long USUAL_MEMORY = 32L << 20;

  // Windows are a part of the direct memory, up to what a link of 1 Gbit/s needs; a connection's
  // holds those of several stalled streams, and what waits to be sent is a part of a stream's.
  private static final int WINDOW_PARTS = 64;
  private static final int MAX_USUAL_WINDOW = 512 * 1_024;
  private static final int STREAM_WINDOWS_PER_CONNECTION = 8;
  private static final int WRITE_BUFFER_PARTS = 8;

  // A pod's server: connections by the memory, and how many of them may be in their handshake.
  private static final int BYTES_PER_SERVER_CONNECTION = 128 * 1_024;
  private static final int MIN_SERVER_CONNECTIONS = 16;
  private static final int HANDSHAKE_PARTS = 4;

  /** For 32 MiB of direct memory, on links of up to 1 Gbit/s. */
  public static final HboneSettings DEFAULTS = forMemory(USUAL_MEMORY);

  /** Windows, buffers and numbers in proportion to the direct memory; windows up to the usual. */
  public static HboneSettings forMemory(long directBytes) {
    int window = Math.clamp(directBytes / WINDOW_PARTS, Flow.MIN_WINDOW, MAX_USUAL_WINDOW);
    int server = (int) Math.max(MIN_SERVER_CONNECTIONS, directBytes / BYTES_PER_SERVER_CONNECTION);
    return new HboneSettings(
        new Flow(
            window,
            STREAM_WINDOWS_PER_CONNECTION * window,
            Math.max(Flow.MIN_WRITE_BUFFER, window / WRITE_BUFFER_PARTS)),
        new Limits(256, 16 * 1_024, 64, 1_000, 1_000),
        new Times(
            Duration.ofSeconds(10),
            UpstreamSetting.Pool.LONGEST_CONNECT,
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            Duration.ofMinutes(5),
            Duration.ofHours(1)),
        new Pool(100, 8, 1_024),
        new Server(server, server / HANDSHAKE_PARTS, server, Duration.ofSeconds(1)));
  }

  /** The same with other limits. */
  public HboneSettings with(Limits other) {
    return new HboneSettings(flow, other, times, pool, server);
  }

  /** The same with other times. */
  public HboneSettings with(Times other) {
    return new HboneSettings(flow, limits, other, pool, server);
  }

  /** The same with another way to share connections. */
  public HboneSettings with(Pool other) {
    return new HboneSettings(flow, limits, times, other, server);
  }

  /** The same with other windows. */
  public HboneSettings with(Flow other) {
    return new HboneSettings(other, limits, times, pool, server);
  }

  /** The same with other limits of a pod's server. */
  public HboneSettings with(Server other) {
    return new HboneSettings(flow, limits, times, pool, other);
  }

  private static void require(boolean holds, String name, int value) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + value + ", which is out of its range");
    }
  }

  private static void requirePositive(Duration value, String name) {
    if (!value.isPositive()) {
      throw new IllegalArgumentException(name + " is " + value + "; it has to be positive");
    }
  }
}
