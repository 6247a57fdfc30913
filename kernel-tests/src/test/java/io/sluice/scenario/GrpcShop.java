package io.sluice.scenario;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** A service of gRPC in a pod, by gRPC's own library: a method of each kind, and bad ones. */
final class GrpcShop implements AutoCloseable {
  static final int PORT = 8092;

  /** The same by the application's own TLS. */
  static final int TLS_PORT = 8093;

  static final String SERVICE = "shop.Store";
  static final Metadata.Key<String> TRAILER =
      Metadata.Key.of("x-trailer", Metadata.ASCII_STRING_MARSHALLER);

  /** Answers with the pod's name and what came. */
  static final MethodDescriptor<String, String> BUY = method("Buy", MethodType.UNARY);

  /** Answers with all that came, at the end. */
  static final MethodDescriptor<String, String> COLLECT =
      method("Collect", MethodType.CLIENT_STREAMING);

  /** Answers with each character by itself. */
  static final MethodDescriptor<String, String> SPELL =
      method("Spell", MethodType.SERVER_STREAMING);

  /** Answers each message as it comes. */
  static final MethodDescriptor<String, String> ECHO = method("Echo", MethodType.BIDI_STREAMING);

  /** Fails with a status, a text and a trailer. */
  static final MethodDescriptor<String, String> FAIL = method("Fail", MethodType.UNARY);

  /** Never answers. */
  static final MethodDescriptor<String, String> WAIT = method("Wait", MethodType.UNARY);

  /** Is not granted to anybody. */
  static final MethodDescriptor<String, String> STEAL = method("Steal", MethodType.UNARY);

  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicInteger cancelled = new AtomicInteger();
  private final List<Server> servers;

  /** With {@code app.crt} and {@code app.key} of {@code directory}. */
  GrpcShop(EventLoopGroup group, SitePod pod, Path directory) throws IOException {
    servers =
        List.of(
            server(group, pod, PORT).build().start(),
            server(group, pod, TLS_PORT)
                .useTransportSecurity(
                    directory.resolve("app.crt").toFile(), directory.resolve("app.key").toFile())
                .build()
                .start());
  }

  private NettyServerBuilder server(EventLoopGroup group, SitePod pod, int port) {
    return NettyServerBuilder.forAddress(new InetSocketAddress(port))
        .bossEventLoopGroup(group)
        .workerEventLoopGroup(group)
        .channelFactory(() -> pod.call(NioServerSocketChannel::new))
        .directExecutor()
        .addService(
            ServerServiceDefinition.builder(SERVICE)
                .addMethod(
                    BUY,
                    ServerCalls.asyncUnaryCall(
                        (text, answer) -> reply(answer, pod.name() + " " + text)))
                .addMethod(STEAL, ServerCalls.asyncUnaryCall((_, to) -> reply(to, "stolen")))
                .addMethod(COLLECT, ServerCalls.asyncClientStreamingCall(Collecting::new))
                .addMethod(SPELL, ServerCalls.asyncServerStreamingCall(GrpcShop::spell))
                .addMethod(ECHO, ServerCalls.asyncBidiStreamingCall(answer -> answer))
                .addMethod(FAIL, ServerCalls.asyncUnaryCall(GrpcShop::fail))
                .addMethod(WAIT, ServerCalls.asyncUnaryCall(this::await))
                .build());
  }

  private static MethodDescriptor<String, String> method(String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
        .setRequestMarshaller(GrpcInPod.TEXT)
        .setResponseMarshaller(GrpcInPod.TEXT)
        .build();
  }

  /**
   * A channel from inside a pod; the caller shuts it down.
   *
   * @param rootOrNull whom to trust, where the application speaks TLS
   */
  static ManagedChannel channel(
      EventLoopGroup group, SitePod from, InetSocketAddress to, @Nullable Path rootOrNull)
      throws SSLException {
    NettyChannelBuilder channel =
        NettyChannelBuilder.forAddress(to)
            .eventLoopGroup(group)
            .channelFactory(() -> from.call(NioSocketChannel::new))
            .disableRetry();
    return rootOrNull == null
        ? channel.overrideAuthority("books").usePlaintext().build()
        : channel
            .overrideAuthority("bookstore")
            .sslContext(GrpcSslContexts.forClient().trustManager(rootOrNull.toFile()).build())
            .build();
  }

  private static void reply(StreamObserver<String> answer, String text) {
    answer.onNext(text);
    answer.onCompleted();
  }

  private static void spell(String word, StreamObserver<String> answer) {
    word.chars().forEach(letter -> answer.onNext(Character.toString(letter)));
    answer.onCompleted();
  }

  private static void fail(String text, StreamObserver<String> answer) {
    Metadata trailers = new Metadata();
    trailers.put(TRAILER, text);
    answer.onError(
        Status.FAILED_PRECONDITION.withDescription("no " + text).asRuntimeException(trailers));
  }

  private void await(String text, StreamObserver<String> answer) {
    ((ServerCallStreamObserver<String>) answer).setOnCancelHandler(cancelled::incrementAndGet);
    waiting.incrementAndGet();
  }

  /** How many calls have been left without an answer. */
  int waiting() {
    return waiting.get();
  }

  /** How many calls were given up by who made them. */
  int cancelled() {
    return cancelled.get();
  }

  private static final class Collecting implements StreamObserver<String> {
    private final StreamObserver<String> answer;
    private final StringBuilder all = new StringBuilder();

    Collecting(StreamObserver<String> answer) {
      this.answer = answer;
    }

    @Override
    public void onNext(String text) {
      all.append(text);
    }

    @Override
    public void onError(Throwable cause) {
      // The client gave it up.
    }

    @Override
    public void onCompleted() {
      reply(answer, all.toString());
    }
  }

  @Override
  public void close() {
    try {
      for (Server server : servers) {
        server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
