package io.sluice.proxy;

import io.netty.util.internal.PlatformDependent;
import io.sluice.proxy.hbone.HboneSettings;
import io.sluice.proxy.relay.KeepAlive;
import io.sluice.proxy.relay.ReadSizes;
import java.time.Duration;

/**
 * Limits and times of the data path.
 *
 * @param eventLoops threads that move bytes; 1 to the number of cores
 * @param connectTimeout longest wait for one upstream's answer; 1 ms to 5 min
 * @param keepAlive how dead peers of idle connections are found
 * @param identityTimeout longest wait for the sending side's record of a connection between two
 *     pods of this node; up to 30 s
 * @param maxConnections live connections of all pods above which new ones are reset, those of the
 *     pods with the most of them first; 1 or more
 * @param maxConnectionsPerPod the same from one pod, and once more to it; 1 or more
 * @param maxBufferedBytesPerPod buffer memory waiting for slow readers above which a pod's
 *     connections read only {@link ReadSizes#BYTES_WHEN_FULL} at a time; 64 KiB or more
 * @param maxBufferedBytes the same for all pods together
 * @param maxReadBytes largest single read, 1 KiB to 1 MiB; also what one direction of one
 *     connection can buffer at most
 * @param reportInterval longest time between two byte reports of one connection; 100 ms or more
 * @param listenerDrainTime a replaced listener is closed once it accepted nothing for so long
 * @param leftTime how long a connection to an application that a pod's client leaves waits for the
 *     pod's next one, ADR 48; up to 30 s, zero where it ends with its client
 * @param hbone limits and times of what crosses between nodes
 */
public record ProxySettings(
    int eventLoops,
    Duration connectTimeout,
    KeepAlive keepAlive,
    Duration identityTimeout,
    int maxConnections,
    int maxConnectionsPerPod,
    long maxBufferedBytesPerPod,
    long maxBufferedBytes,
    int maxReadBytes,
    Duration reportInterval,
    Duration listenerDrainTime,
    Duration leftTime,
    HboneSettings hbone) {

  // Parts of the direct memory. What may wait takes three eighths; as much again is what the pool
  // of buffers loses to pieces, or holds on the way through TLS; and where everything is full,
  // ReadSizes.BYTES_WHEN_FULL of each connection fit in the rest.
  private static final int BYTES_PER_CONNECTION = 4 * ReadSizes.BYTES_WHEN_FULL;
  private static final int POD_BUFFER_PARTS = 8;
  private static final int NODE_BUFFER_PODS = 3;
  private static final int READ_PARTS = 512;
  private static final int MIN_USUAL_READ_BYTES = 16 * 1_024;
  private static final int MAX_USUAL_READ_BYTES = 64 * 1_024;

  private static final int MIN_READ_BYTES = 1_024;
  private static final int MAX_READ_BYTES = 1 << 20;
  private static final long MIN_BUFFERED_BYTES = 64 * 1_024;

  private static final long LEAST_MEMORY = 8L << 20;
  private static final long MOST_MEMORY = 256L << 20;

  /** For 32 MiB of direct memory, which a node daemon has unless it is given another size. */
  public static final ProxySettings DEFAULTS = forMemory(HboneSettings.USUAL_MEMORY);

  /** One loop per core up to 4, and limits for what this process has been given. */
  public static ProxySettings ofThisProcess() {
    return forMemory(PlatformDependent.estimateMaxDirectMemory());
  }

  /**
   * One loop per core up to 4, and limits that hold within so much direct memory.
   *
   * @param directBytes what {@code -XX:MaxDirectMemorySize} says; limits are those of 8 MiB where
   *     it is less, and of 256 MiB where it is more
   */
  public static ProxySettings forMemory(long directBytes) {
    long memory = Math.clamp(directBytes, LEAST_MEMORY, MOST_MEMORY);
    int connections = (int) (memory / BYTES_PER_CONNECTION);
    return new ProxySettings(
        Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4),
        Duration.ofSeconds(5),
        KeepAlive.DEFAULT,
        Duration.ofSeconds(2),
        connections,
        connections / 2,
        memory / POD_BUFFER_PARTS,
        NODE_BUFFER_PODS * memory / POD_BUFFER_PARTS,
        Math.clamp(memory / READ_PARTS, MIN_USUAL_READ_BYTES, MAX_USUAL_READ_BYTES),
        Duration.ofSeconds(10),
        Duration.ofSeconds(1),
        Duration.ofSeconds(1), // less than any application's own patience
        HboneSettings.forMemory(memory));
  }

  public ProxySettings {
    int cores = Runtime.getRuntime().availableProcessors();
    require(eventLoops >= 1 && eventLoops <= cores, "eventLoops", eventLoops, "1.." + cores);
    requireWithin(connectTimeout, "connectTimeout", Duration.ofMillis(1), Duration.ofMinutes(5));
    requireWithin(identityTimeout, "identityTimeout", Duration.ZERO, Duration.ofSeconds(30));
    require(maxConnections >= 1, "maxConnections", maxConnections, "1 or more");
    require(maxConnectionsPerPod >= 1, "maxConnectionsPerPod", maxConnectionsPerPod, "1 or more");
    require(
        maxBufferedBytesPerPod >= MIN_BUFFERED_BYTES,
        "maxBufferedBytesPerPod",
        maxBufferedBytesPerPod,
        MIN_BUFFERED_BYTES + " or more");
    require(
        maxBufferedBytes >= MIN_BUFFERED_BYTES,
        "maxBufferedBytes",
        maxBufferedBytes,
        MIN_BUFFERED_BYTES + " or more");
    require(
        maxReadBytes >= MIN_READ_BYTES && maxReadBytes <= MAX_READ_BYTES,
        "maxReadBytes",
        maxReadBytes,
        MIN_READ_BYTES + ".." + MAX_READ_BYTES);
    requireWithin(reportInterval, "reportInterval", Duration.ofMillis(100), Duration.ofHours(1));
    requireWithin(listenerDrainTime, "listenerDrainTime", Duration.ZERO, Duration.ofMinutes(1));
    requireWithin(leftTime, "leftTime", Duration.ZERO, Duration.ofSeconds(30));
  }

  private static void requireWithin(Duration value, String name, Duration from, Duration to) {
    require(value.compareTo(from) >= 0 && value.compareTo(to) <= 0, name, value, from + ".." + to);
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + value + "; allowed: " + allowed);
    }
  }
}
