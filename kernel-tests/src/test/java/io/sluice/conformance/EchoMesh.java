package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.grpc.CallOptions;
import io.grpc.HandlerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerMethodDefinition;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.sluice.control.compile.CompiledChange;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.accept.TestNode;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import io.sluice.scenario.GrpcInPod;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Two versions of an application that answers with what it was asked, on one node, and clients of
 * two namespaces on another. What manifests say is compiled as a controller does; pods have
 * addresses of loopback, which no manifest may give them.
 */
final class EchoMesh implements AutoCloseable {
  static final String OWN = "mesh";
  static final String CONSUMER = "mesh-consumer";

  private static final int HTTP = 8_080;
  private static final int GRPC = 7_070;

  private static final String SITE =
      """
      apiVersion: config.sluice.io/v1alpha1
      kind: MeshConfig
      metadata: {name: mesh-config, namespace: sluice-system}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: true}}
      """
          + pod(OWN, "echo-v1", "10.77.0.1")
          + pod(OWN, "echo-v2", "10.77.0.2")
          + pod(OWN, "client", "10.77.0.3")
          + pod(CONSUMER, "client", "10.77.0.4")
          + service("echo", "10.96.0.1", "app: echo")
          + service("echo-v1", "10.96.0.2", "version: echo-v1")
          + service("echo-v2", "10.96.0.3", "version: echo-v2");

  private final TestAuthority authority = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
  private final TestNode clients = new TestNode(TlsStack.JDK, ProxySettings.DEFAULTS);
  private final TestNode servers = new TestNode(TlsStack.JDK, ProxySettings.DEFAULTS);
  private final Map<String, InetSocketAddress> entries = new TreeMap<>();
  private final List<HttpServer> http = new ArrayList<>();
  private final List<Server> grpc = new ArrayList<>();

  /** What came back. */
  record Response(int status, Map<String, String> headers, Map<String, String> asked) {
    /** The version that answered; empty where none did. */
    String backend() {
      return asked.getOrDefault("backend", "");
    }

    /** A field of the request as the application has it, its lines joined; empty without. */
    String sent(String name) {
      return asked.getOrDefault(name.toLowerCase(Locale.ROOT), "");
    }
  }

  EchoMesh() throws IOException {
    MeshSnapshot site = compiled();
    for (String version : List.of("echo-v1", "echo-v2")) {
      NamespacedName pod = new NamespacedName(OWN, version);
      InetAddress address = site.workload(pod).orElseThrow().addresses().getFirst();
      servers.has(
          site.identityOf(pod).orElseThrow(), authority.issue(site.identityOf(pod).orElseThrow()));
      InetSocketAddress hbone = new InetSocketAddress(address, MeshPorts.HBONE);
      servers.serve(pod, Direction.INBOUND, hbone, hbone);
      http.add(echo(version, address));
      grpc.add(calls(version, address));
    }
    for (String namespace : List.of(OWN, CONSUMER)) {
      NamespacedName pod = new NamespacedName(namespace, "client");
      clients.has(
          site.identityOf(pod).orElseThrow(), authority.issue(site.identityOf(pod).orElseThrow()));
      entries.put(
          namespace,
          clients.serve(
              pod,
              Direction.OUTBOUND,
              new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0)));
    }
    apply();
  }

  private static String pod(String namespace, String name, String address) {
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: %s
      namespace: %s
      labels: {app: %s, version: %s, sluice.io/mesh: enabled}
    spec: {serviceAccountName: %s, nodeName: node}
    status:
      phase: Running
      podIPs: [{ip: %s}]
      conditions: [{type: Ready, status: "True"}]
    """
        .formatted(name, namespace, name.replaceFirst("-v.", ""), name, name, address);
  }

  private static String service(String name, String address, String selector) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: %s}
    spec:
      clusterIP: %s
      clusterIPs: [%s]
      selector: {%s}
      ports:
      - {name: http, port: 80, targetPort: %d, appProtocol: http}
      - {name: http-alt, port: 8080, targetPort: %d, appProtocol: http}
      - {name: grpc, port: 7070, targetPort: %d, appProtocol: kubernetes.io/h2c}
    """
        .formatted(name, OWN, address, address, selector, HTTP, HTTP, GRPC);
  }

  /** Puts these manifests into force, in the place of those before; what is said of them. */
  List<ObjectStatus> apply(String... manifests) {
    CompiledChange change = change(manifests);
    MeshSnapshot snapshot = onLoopback(change.snapshot());
    clients.publish(snapshot);
    servers.publish(snapshot);
    return change.statuses();
  }

  private static MeshSnapshot compiled() {
    return onLoopback(change().snapshot());
  }

  private static CompiledChange change(String... manifests) {
    String all =
        SITE + String.join("", List.of(manifests).stream().map(one -> "---\n" + one).toList());
    ReadObjects read = ObjectReader.read("mesh.yaml", all.getBytes(StandardCharsets.UTF_8));
    assertThat(read.problems()).isEmpty();
    return new IncrementalCompiler(CompilerSettings.USUAL, 0)
        .apply(Map.of("mesh.yaml", read.objects()));
  }

  private static MeshSnapshot onLoopback(MeshSnapshot compiled) {
    SnapshotEditor editor = compiled.edit();
    for (Workload pod : compiled.workloads()) {
      editor.put(
          new Workload(
              pod.name(),
              pod.identity(),
              pod.addresses().stream().map(EchoMesh::onLoopback).toList(),
              pod.labels(),
              pod.enrolled(),
              null,
              null,
              null,
              false,
              pod.interception(),
              pod.probePorts(),
              pod.mtlsMode(),
              pod.connections(),
              List.of(),
              null));
    }
    for (Service service : compiled.services()) {
      editor.put(
          new Service(
              service.name(),
              service.virtualAddresses(),
              service.ports().stream().map(EchoMesh::onLoopback).toList(),
              service.affinity(),
              Nearness.ANYWHERE));
    }
    return editor.snapshot(compiled.revision());
  }

  private static ServicePort onLoopback(ServicePort port) {
    return new ServicePort(
        port.name(),
        port.port(),
        port.protocol(),
        port.endpoints().stream()
            .map(one ->
                new Endpoint(
                    new InetSocketAddress(
                        onLoopback(one.address().getAddress()), one.address().getPort()),
                    one.ready()))
            .toList());
  }

  /** One of 127/8 that no other process uses. */
  private static InetAddress onLoopback(InetAddress pod) {
    long pid = ProcessHandle.current().pid();
    return InetAddress.ofLiteral(
        "127.%d.%d.%d".formatted(1 + pid / 256 % 250, 1 + pid % 256 % 250, pod.getAddress()[3]));
  }

  // --- the applications ----------------------------------------------------------------------

  private static HttpServer echo(String version, InetAddress address) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(address, HTTP), 0);
    server.createContext(
        "/",
        exchange -> {
          StringBuilder told = new StringBuilder();
          told.append("backend: ").append(version).append('\n');
          told.append("path: ").append(exchange.getRequestURI()).append('\n');
          exchange
              .getRequestHeaders()
              .forEach((name, values) ->
                  told.append(name.toLowerCase(Locale.ROOT))
                      .append(": ")
                      .append(String.join(",", values))
                      .append('\n'));
          byte[] body = told.toString().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    return server;
  }

  private static MethodDescriptor<String, String> method(String name) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(name)
        .setRequestMarshaller(GrpcInPod.TEXT)
        .setResponseMarshaller(GrpcInPod.TEXT)
        .build();
  }

  private static Server calls(String version, InetAddress address) throws IOException {
    return NettyServerBuilder.forAddress(new InetSocketAddress(address, GRPC))
        .fallbackHandlerRegistry(
            new HandlerRegistry() {
              @Override
              public ServerMethodDefinition<?, ?> lookupMethod(String name, String authority) {
                return ServerMethodDefinition.create(
                    method(name),
                    ServerCalls.asyncUnaryCall((_, answer) -> {
                      answer.onNext(version);
                      answer.onCompleted();
                    }));
              }
            })
        .build()
        .start();
  }

  // --- the clients ---------------------------------------------------------------------------

  private InetSocketAddress entry(String namespace, String service, int port) {
    InetAddress address =
        compiled()
            .service(new NamespacedName(OWN, service))
            .orElseThrow()
            .virtualAddresses()
            .getFirst();
    clients.sockets.redirect(
        new NamespacedName(namespace, "client"),
        Direction.OUTBOUND,
        new InetSocketAddress(address, port));
    return Objects.requireNonNull(entries.get(namespace));
  }

  /** Asks {@code service} for {@code target}, with these fields as lines. */
  Response get(String namespace, String service, int port, String target, String... fields)
      throws IOException {
    InetSocketAddress entry = entry(namespace, service, port);
    try (Socket socket = new Socket(entry.getAddress(), entry.getPort())) {
      socket.setSoTimeout(10_000);
      String head =
          "GET "
              + target
              + " HTTP/1.1\r\nHost: "
              + service
              + "\r\nConnection: close\r\n"
              + String.join("", List.of(fields).stream().map(line -> line + "\r\n").toList())
              + "\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
      return response(
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1));
    }
  }

  private static Response response(String text) {
    String[] parts = text.split("\r\n\r\n", 2);
    return new Response(
        Integer.parseInt(parts[0].substring(9, 12)),
        lines(parts[0].substring(parts[0].indexOf("\r\n") + 2)),
        lines(parts.length > 1 ? parts[1] : ""));
  }

  private static Map<String, String> lines(String text) {
    Map<String, String> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    text.lines()
        .map(line -> line.split(": ", 2))
        .filter(pair -> pair.length == 2)
        .forEach(pair -> fields.put(pair[0], pair[1]));
    return fields;
  }

  /** The versions that answered so many calls of a method, each on a stream of one connection. */
  Map<String, Integer> call(String service, String method, int count) throws InterruptedException {
    InetSocketAddress entry = entry(OWN, service, GRPC);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(entry).overrideAuthority(service).usePlaintext().build();
    try {
      Map<String, Integer> answers = new TreeMap<>();
      for (int i = 0; i < count; i++) {
        answers.merge(
            ClientCalls.blockingUnaryCall(channel, method(method), CallOptions.DEFAULT, ""),
            1,
            Integer::sum);
      }
      return answers;
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  @Override
  public void close() {
    try (servers;
        clients) {
      http.forEach(one -> one.stop(0));
      grpc.forEach(Server::shutdownNow);
    }
  }
}
