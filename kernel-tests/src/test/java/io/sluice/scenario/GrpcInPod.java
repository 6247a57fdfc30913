package io.sluice.scenario;

import io.grpc.BindableService;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.sluice.lab.site.SitePod;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A server in a pod by gRPC's own library, of one thread; away until it is started. */
public final class GrpcInPod implements AutoCloseable {
  /** Of messages that are text. */
  public static final MethodDescriptor.Marshaller<String> TEXT =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(String value) {
          return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
          try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  private final SitePod pod;
  private final int port;
  private final BindableService service;
  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private @Nullable Server server;

  /** Not listening yet. */
  public GrpcInPod(SitePod pod, int port, BindableService service) {
    this.pod = pod;
    this.port = port;
    this.service = service;
  }

  /** Answers from now on. */
  public void start() {
    try {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress(port))
              .bossEventLoopGroup(group)
              .workerEventLoopGroup(group)
              .channelFactory(() -> pod.call(NioServerSocketChannel::new))
              .directExecutor()
              .addService(service)
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void stop() {
    Server running = server;
    server = null;
    if (running != null) {
      try {
        running.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    stop();
    group.shutdownGracefully(0, 1_000, TimeUnit.MILLISECONDS);
  }
}
