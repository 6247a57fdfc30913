package io.sluice.kernel.cni;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.sluice.lab.site.Await;
import io.sluice.mesh.IpAddresses;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What a kubelet asks a container runtime, by the runtime's CRI socket. Calls that fail throw
 * gRPC's {@link io.grpc.StatusRuntimeException} with the runtime's words.
 */
final class CriClient implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long CALL_SECONDS = Await.patience(30).toSeconds();
  private static final long EXITED = 2; // of ContainerState
  private static final Bytes BYTES = new Bytes();

  private final EventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final ManagedChannel channel;

  CriClient(Path socket) {
    channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
            .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
            .eventLoopGroup(loop)
            .overrideAuthority("localhost") // else the socket's path
            .usePlaintext()
            .build();
  }

  /** A pod as a kubelet describes it; {@code attempt} counts its sandboxes. */
  record Pod(String namespace, String name, String uid, int attempt, String cgroup) {
    private CriMessage config() {
      CriMessage metadata =
          CriMessage.EMPTY.with(1, name).with(2, uid).with(3, namespace).with(4, attempt);
      CriMessage linux = CriMessage.EMPTY.with(1, cgroup);
      return CriMessage.EMPTY.with(1, metadata).with(2, name).with(8, linux);
    }
  }

  /**
   * What a runtime says of a sandbox.
   *
   * @param pid of its first process; 0 where that has ended
   * @param netns path of its network namespace; empty where it has ended
   */
  record Sandbox(boolean isReady, List<InetAddress> addresses, long pid, String netns) {}

  /** RunPodSandbox; the sandbox's id. */
  String runPodSandbox(Pod pod) {
    return call("RunPodSandbox", CriMessage.EMPTY.with(1, pod.config())).text(1);
  }

  /** CreateContainer and StartContainer in a sandbox; the container's id. */
  String startContainer(String sandbox, Pod pod, String image, String environment) {
    int equals = environment.indexOf('=');
    CriMessage variable =
        CriMessage.EMPTY
            .with(1, environment.substring(0, equals))
            .with(2, environment.substring(equals + 1));
    CriMessage config =
        CriMessage.EMPTY
            .with(1, CriMessage.EMPTY.with(1, "application"))
            .with(2, CriMessage.EMPTY.with(1, image))
            .with(6, variable);
    String id =
        call(
                "CreateContainer",
                CriMessage.EMPTY.with(1, sandbox).with(2, config).with(3, pod.config()))
            .text(1);
    call("StartContainer", CriMessage.EMPTY.with(1, id));
    return id;
  }

  /** ContainerStatus: whether it has ended. */
  boolean hasExited(String container) {
    return call("ContainerStatus", CriMessage.EMPTY.with(1, container)).message(1).number(3)
        == EXITED;
  }

  /** PodSandboxStatus. */
  Sandbox status(String id) {
    CriMessage answer = call("PodSandboxStatus", CriMessage.EMPTY.with(1, id).with(2, 1));
    CriMessage status = answer.message(1);
    CriMessage network = status.message(5);
    List<InetAddress> addresses = new ArrayList<>();
    if (!network.text(1).isEmpty()) {
      addresses.add(IpAddresses.parse(network.text(1)));
      network.messages(2).forEach(more -> addresses.add(IpAddresses.parse(more.text(1))));
    }
    try {
      JsonNode info = JSON.readTree(answer.map(2).getOrDefault("info", "{}"));
      String netns = "";
      for (JsonNode namespace : info.at("/runtimeSpec/linux/namespaces")) {
        if (namespace.path("type").asText().equals("network")) {
          netns = namespace.path("path").asText();
        }
      }
      return new Sandbox(status.number(3) == 0, addresses, info.path("pid").asLong(), netns);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** ListPodSandbox: the ids of all. */
  List<String> sandboxes() {
    return call("ListPodSandbox", CriMessage.EMPTY).messages(1).stream()
        .map(sandbox -> sandbox.text(1))
        .toList();
  }

  /** StopPodSandbox and RemovePodSandbox. */
  void end(String id) {
    call("StopPodSandbox", CriMessage.EMPTY.with(1, id));
    call("RemovePodSandbox", CriMessage.EMPTY.with(1, id));
  }

  /** The runtime's version: it answers. */
  String version() {
    return call("Version", CriMessage.EMPTY).text(3);
  }

  private CriMessage call(String method, CriMessage request) {
    MethodDescriptor<CriMessage, CriMessage> descriptor =
        MethodDescriptor.<CriMessage, CriMessage>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("runtime.v1.RuntimeService/" + method)
            .setRequestMarshaller(BYTES)
            .setResponseMarshaller(BYTES)
            .build();
    return ClientCalls.blockingUnaryCall(
        channel,
        descriptor,
        CallOptions.DEFAULT.withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS),
        request);
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<CriMessage> {
    @Override
    public InputStream stream(CriMessage message) {
      return new ByteArrayInputStream(message.bytes());
    }

    @Override
    public CriMessage parse(InputStream stream) {
      try {
        return CriMessage.read(stream.readAllBytes());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
