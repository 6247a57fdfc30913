package io.sluice.control.server;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.InsecureServerCredentials;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** A gRPC server on a loopback address, which answers with its own name. */
final class NamedServer implements AutoCloseable {
  private static final int ENOUGH_CALLS = 20;
  private static final MethodDescriptor<String, String> WHO =
      MethodDescriptor.<String, String>newBuilder()
          .setType(MethodType.UNARY)
          .setFullMethodName("test.Named/Who")
          .setRequestMarshaller(new Text())
          .setResponseMarshaller(new Text())
          .build();

  private final Server server;

  private NamedServer(InetAddress address, String name, ServerCredentials credentials)
      throws IOException {
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(address, 0), credentials)
            .addService(
                ServerServiceDefinition.builder("test.Named")
                    .addMethod(
                        WHO,
                        ServerCalls.asyncUnaryCall((request, out) -> {
                          out.onNext(name);
                          out.onCompleted();
                        }))
                    .build())
            .build()
            .start();
  }

  static NamedServer start(InetAddress address, String name) throws IOException {
    return new NamedServer(address, name, InsecureServerCredentials.create());
  }

  static NamedServer start(InetAddress address, String name, ServerCredentials credentials)
      throws IOException {
    return new NamedServer(address, name, credentials);
  }

  int port() {
    return server.getPort();
  }

  /** The name of whoever answers a call by {@code channel}. */
  static String ask(Channel channel) {
    return ClientCalls.blockingUnaryCall(
        channel, WHO, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), "");
  }

  /** The names of all who answer calls by {@code channel}. */
  static Set<String> askAll(Channel channel) {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < ENOUGH_CALLS; i++) {
      names.add(ask(channel));
    }
    return names;
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private static final class Text implements MethodDescriptor.Marshaller<String> {
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
  }
}
