package io.sluice.control.server;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.NameResolverRegistry;
import io.grpc.xds.XdsNameResolverProvider;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Pem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** gRPC's own xDS client as an application has it, with a workload's certificate in files. */
final class ProxylessClient implements AutoCloseable {
  /** Clients are shared by target inside of one process: each test has a scheme of its own. */
  private static final AtomicInteger SCHEMES = new AtomicInteger();

  private final String scheme = "xds-test-" + SCHEMES.incrementAndGet();
  private final XdsNameResolverProvider resolvers;
  private final List<ManagedChannel> channels = new CopyOnWriteArrayList<>();

  private ProxylessClient(Map<String, Object> bootstrap) {
    this.resolvers = XdsNameResolverProvider.createForTest(scheme, bootstrap);
    NameResolverRegistry.getDefaultRegistry().register(resolvers);
  }

  /**
   * Files of one certificate.
   *
   * @param chain leaf first, PEM
   * @param key PKCS#8, PEM
   * @param roots of the mesh, PEM
   */
  record CertificateFiles(Path chain, Path key, Path roots) {}

  /** A certificate of {@code account} from {@code node}, on whose behalf the pod's is issued. */
  static CertificateFiles certificate(Path directory, NodeClient node, String account)
      throws Exception {
    KeyPair own = Requests.keyPair("secp256r1");
    List<X509Certificate> chain = node.issue(ControlSite.id(account), NodeClient.request(own));
    return new CertificateFiles(
        write(directory, account + ".pem", new Pem(chain, List.of())),
        write(directory, account + ".key", new Pem(List.of(), List.of(own.getPrivate()))),
        write(
            directory,
            account + ".roots",
            new Pem(List.of(node.controllerChain().getLast()), List.of())));
  }

  private static Path write(Path directory, String name, Pem pem) throws IOException {
    return Files.writeString(directory.resolve(name), pem.text());
  }

  /**
   * A client that shows the certificate in {@code files}.
   *
   * @param metadata what it says of itself besides its name
   */
  static ProxylessClient start(
      ControlSite site, CertificateFiles files, Map<String, Object> metadata) {
    Map<String, Object> provider =
        Map.of(
            "plugin_name",
            "file_watcher",
            "config",
            Map.of(
                "certificate_file", files.chain().toString(),
                "private_key_file", files.key().toString(),
                "ca_certificate_file", files.roots().toString(),
                "refresh_interval", "60s"));
    return new ProxylessClient(
        Map.of(
            "xds_servers",
            List.of(
                Map.of(
                    "server_uri",
                    "127.0.0.1:" + site.controller().port(),
                    "channel_creds",
                    List.of(
                        Map.of(
                            "type",
                            MeshCredentials.NAME,
                            "config",
                            Map.of(
                                MeshCredentials.CERTIFICATE, files.chain().toString(),
                                MeshCredentials.KEY, files.key().toString(),
                                MeshCredentials.ROOT_HASH, site.state().rootHash()))),
                    "server_features",
                    List.of("xds_v3", "fail_on_data_errors"))),
            "node",
            Map.of("id", "buyer-0", "metadata", metadata),
            "certificate_providers",
            Map.of("mesh", provider)));
  }

  /** A channel to a name of the mesh, without TLS of its own. */
  ManagedChannel channel(String name) {
    return channel(name, InsecureChannelCredentials.create());
  }

  ManagedChannel channel(String name, ChannelCredentials credentials) {
    ManagedChannel channel = Grpc.newChannelBuilder(scheme + ":///" + name, credentials).build();
    channels.add(channel);
    return channel;
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
    NameResolverRegistry.getDefaultRegistry().deregister(resolvers);
  }
}
