package io.sluice.benchmarks;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.OpensslCertificate;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * A program that speaks HBONE as both hops: what it is told, and whether it does what it was told.
 * The contract stands in docs/performance.md. For one thread.
 */
final class HbonePeer {
  /** Names a folder of the run, and so what a run that was killed has left. */
  static final String DIRECTORY_VARIABLE = "HBONE_DIRECTORY";

  /** Of one step, on a machine where several such programs start. */
  private static final Duration PATIENCE = Await.patience(20);

  private static final int ALERT_MILLIS = 5_000;
  private static final String IDENTITY = "spiffe://cluster.local/ns/bench/sa/";

  private final Path program;
  private final LoadPath path;
  private final Path directory;
  private final OpensslCertificate root;

  /**
   * @param directory in which certificates and a folder for each side are made
   */
  HbonePeer(Path program, LoadPath path, Path directory) {
    this.program = program;
    this.path = path;
    this.directory = directory;
    this.root = OpensslCertificate.root(directory, "root");
  }

  /** Starts this side: {@code client} or {@code server}. */
  List<String> command(String side) throws IOException {
    OpensslCertificate certificate = root.signs(side, IDENTITY + side);
    Path own = Files.createDirectory(directory.resolve(side));
    String between = path.serverAddress() + ":" + CrossingReadiness.HBONE_PORT;
    List<String> command = new ArrayList<>(List.of("env", "-u", "MALLOC_ARENA_MAX"));
    command.add("HBONE_CERTIFICATE=" + certificate.certificate());
    command.add("HBONE_KEY=" + certificate.key());
    command.add("HBONE_ROOT=" + root.certificate());
    command.add("HBONE_IDENTITY=" + IDENTITY + side);
    command.add("HBONE_PEER_IDENTITY=" + IDENTITY + (side.equals("client") ? "server" : "client"));
    command.add(DIRECTORY_VARIABLE + "=" + own);
    if (side.equals("client")) {
      command.add("HBONE_CONNECT=" + between);
      command.add(
          "HBONE_FORWARDS="
              + PeerHops.PORTS.stream()
                  .map(port ->
                      "%s:%d=%s:%d"
                          .formatted(
                              path.target(), port + path.portOffset(), path.serverAddress(), port))
                  .collect(Collectors.joining(" ")));
    } else {
      command.add("HBONE_LISTEN=" + between);
    }
    command.add(program.toString());
    command.add(side);
    return command;
  }

  /** Returns once bytes go through both by HBONE with mutual TLS; a failure says what does not. */
  void awaitServed(ChildProgram client, ChildProgram server) throws Exception {
    int hbone = CrossingReadiness.HBONE_PORT;
    await(
        server,
        "does not listen on port " + hbone + ", as HBONE_LISTEN asks",
        () -> LoadPath.inside(path.server(), () -> CrossingReadiness.listens(hbone)));
    for (int port : PeerHops.PORTS) {
      int listening = port + path.portOffset();
      await(
          client,
          "does not listen on port " + listening + ", as HBONE_FORWARDS asks",
          () -> LoadPath.inside(path.client(), () -> CrossingReadiness.listens(listening)));
    }
    await(
        client,
        "does not bring a byte to the echo server, port "
            + LoadServer.ECHO_PORT
            + ", and its answer back ("
            + server.told("runs")
            + ")",
        () -> CrossingReadiness.answers(path));
    if (!LoadPath.inside(path.client(), CrossingReadiness::usesHbone)) {
      throw failure(client, "answers without a connection to HBONE_CONNECT");
    }
    requireMutualTls(server);
  }

  private void await(ChildProgram side, String fault, Callable<Boolean> condition)
      throws Exception {
    boolean served =
        Await.until(PATIENCE, () -> !side.isAlive() || condition.call()) && side.isAlive();
    if (!served) {
      throw failure(side, fault + "; waited for " + PATIENCE.toSeconds() + " s");
    }
  }

  /** Whoever has no certificate has to be sent away, or what is measured is something else. */
  private void requireMutualTls(ChildProgram server) throws Exception {
    SSLContext context = trustingRoot();
    String fault =
        LoadPath.inside(
            path.client(),
            () -> {
              try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket()) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setApplicationProtocols(new String[] {"h2"});
                socket.setSSLParameters(parameters);
                socket.setSoTimeout(ALERT_MILLIS);
                socket.connect(
                    new InetSocketAddress(path.serverAddress(), CrossingReadiness.HBONE_PORT),
                    ALERT_MILLIS);
                socket.startHandshake();
                return socket.getInputStream().read() < 0
                    ? ""
                    : "speaks with who shows no certificate: mutual TLS is not on";
              } catch (SocketTimeoutException e) {
                return "keeps a connection whose client shows no certificate: mutual TLS is not on";
              } catch (SSLException e) {
                return e.getCause() instanceof CertificateException
                    ? "shows a certificate that is not of HBONE_ROOT: " + e.getMessage()
                    : "";
              } catch (SocketException e) {
                return ""; // reset instead of an alert
              }
            });
    if (!fault.isEmpty()) {
      throw failure(server, fault);
    }
  }

  private SSLContext trustingRoot() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream file = Files.newInputStream(root.certificate())) {
      store.setCertificateEntry(
          "root", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private static IOException failure(ChildProgram side, String fault) {
    return new IOException(side.told(fault));
  }
}
