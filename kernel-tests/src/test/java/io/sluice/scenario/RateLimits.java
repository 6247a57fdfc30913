package io.sluice.scenario;

import io.grpc.stub.StreamObserver;
import io.sluice.api.envoy.ratelimit.RateLimitDescriptor;
import io.sluice.api.envoy.ratelimit.RateLimitRequest;
import io.sluice.api.envoy.ratelimit.RateLimitResponse;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.Code;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.DescriptorStatus;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.RateLimit;
import io.sluice.api.envoy.ratelimit.RateLimitServiceGrpc.RateLimitServiceImplBase;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A rate-limit service in a pod, by gRPC's own library, which keeps its counts in a real Redis: so
 * many of each descriptor in a minute from its first one on.
 */
final class RateLimits extends RateLimitServiceImplBase implements AutoCloseable {
  static final int PORT = 9192;
  static final int A_MINUTE = 10;

  private static final int MINUTE_SECONDS = 60;

  private final GrpcInPod server;
  private final SitePod pod;
  private final Path socket;
  private @Nullable Process redis;
  private @Nullable SocketChannel counts;

  /** Of that pod, with its files below {@code directory}; away until it is started. */
  RateLimits(SitePod pod, Path directory) {
    this.pod = pod;
    this.socket = directory.resolve("redis");
    this.server = new GrpcInPod(pod, PORT, this);
  }

  void start() {
    redis =
        pod.start("redis-server", "--port", "0", "--save", "", "--unixsocket", socket.toString());
    Process started = redis;
    // its socket is there a moment before it listens on it
    Await.until(
        "redis listens, or has ended",
        () -> {
          try {
            counts = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            return true;
          } catch (IOException e) {
            return !started.isAlive();
          }
        });
    if (counts == null) {
      throw new IllegalStateException(
          "redis-server has ended by itself: is Debian's package redis-server installed, as ./sluice"
              + " test does? Counts are kept in nothing else");
    }
    server.start();
  }

  /** Its counts are lost. */
  void stop() {
    server.stop();
    try {
      if (counts != null) {
        counts.close();
        counts = null;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Process running = redis;
    redis = null;
    if (running != null) {
      running.destroy();
      Await.until("redis has ended", () -> !running.isAlive());
    }
  }

  @Override
  public void shouldRateLimit(RateLimitRequest asked, StreamObserver<RateLimitResponse> answer) {
    RateLimitResponse.Builder response = RateLimitResponse.newBuilder().setOverallCode(Code.OK);
    for (RateLimitDescriptor descriptor : asked.getDescriptorsList()) {
      StringBuilder key = new StringBuilder(asked.getDomain());
      descriptor
          .getEntriesList()
          .forEach(entry -> key.append('|').append(entry.getKey()).append(entry.getValue()));
      long count = command("INCR", key.toString());
      if (count == 1) {
        command("EXPIRE", key.toString(), Integer.toString(MINUTE_SECONDS));
      }
      Code code = count > A_MINUTE ? Code.OVER_LIMIT : Code.OK;
      if (code == Code.OVER_LIMIT) {
        response.setOverallCode(code);
      }
      response.addStatuses(
          DescriptorStatus.newBuilder()
              .setCode(code)
              .setCurrentLimit(
                  RateLimit.newBuilder()
                      .setRequestsPerUnit(A_MINUTE)
                      .setUnit(RateLimit.Unit.MINUTE))
              .setLimitRemaining((int) Math.max(0, A_MINUTE - count)));
    }
    answer.onNext(response.build());
    answer.onCompleted();
  }

  /** The number that Redis answers (RESP2). */
  private long command(String... words) {
    StringBuilder text = new StringBuilder("*" + words.length + "\r\n");
    for (String word : words) {
      text.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
    }
    SocketChannel channel = counts;
    if (channel == null) {
      throw new IllegalStateException("it is away");
    }
    try {
      channel.write(ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.US_ASCII)));
      ByteBuffer answer = ByteBuffer.allocate(64);
      while (answer.position() == 0 || answer.get(answer.position() - 1) != '\n') {
        if (channel.read(answer) < 0) {
          throw new IOException("Redis has gone");
        }
      }
      return Long.parseLong(
          new String(answer.array(), 1, answer.position() - 3, StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    stop();
    server.close();
  }
}
