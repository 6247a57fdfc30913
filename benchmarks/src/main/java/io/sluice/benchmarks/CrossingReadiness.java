package io.sluice.benchmarks;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Waits until daemons serve both ends of a crossing. That they do shows at a port on which nobody
 * listens: a connection to it succeeds only where a proxy takes it, from our own client at the
 * client's side, from a stranger at the server's.
 */
final class CrossingReadiness {
  private static final Duration LONGEST = Duration.ofSeconds(60); // five JVMs start at once
  private static final int NOBODY_LISTENS = 7_010;
  static final int HBONE_PORT = 15_008;
  private static final int ANSWER_MILLIS = 1_000;

  /** Words of a line of proc_net_tcp(5). */
  private static final int LOCAL_ADDRESS = 1;

  private static final int REMOTE_ADDRESS = 2;
  private static final int STATE = 3;
  private static final String LISTENING = "0A";

  private CrossingReadiness() {}

  static void await(NodesTestbed testbed, Crossing crossing, List<DaemonProcess> daemons)
      throws Exception {
    LoadPath path = testbed.path(crossing);
    LoadPath stranger = testbed.path(Crossing.DIRECT);
    boolean serve =
        Await.until(
            LONGEST,
            () ->
                isProxied(stranger, path) && isProxied(path, path) && answers(path)
                    || !daemons.stream().allMatch(DaemonProcess::isAlive));
    if (!serve || !daemons.stream().allMatch(DaemonProcess::isAlive)) {
      throw new IOException(
          "no way "
              + crossing.heading()
              + " between the nodes:\n"
              + daemons.stream().map(DaemonProcess::logTail).collect(Collectors.joining("\n")));
    }
    if (crossing == Crossing.MUTUAL_TLS && !LoadPath.inside(path.client(), () -> usesHbone())) {
      throw new IOException("nothing goes to port " + HBONE_PORT + " while mutual TLS is on");
    }
  }

  /** Whether a proxy takes what {@code from} sends to {@code to}. */
  private static boolean isProxied(LoadPath from, LoadPath to) throws Exception {
    return LoadPath.inside(
        from.client(),
        () -> {
          try (Socket socket = new Socket()) {
            socket.connect(
                new InetSocketAddress(to.serverAddress(), NOBODY_LISTENS), ANSWER_MILLIS);
            return true;
          } catch (ConnectException | NoRouteToHostException | SocketTimeoutException e) {
            return false;
          } catch (SocketException e) {
            return true; // accepted and reset before this side had looked
          }
        });
  }

  /** Whether the echo server at the end of the path gives an answer. */
  static boolean answers(LoadPath path) throws Exception {
    return LoadPath.inside(
        path.client(),
        () -> {
          try (Socket socket = new Socket()) {
            socket.connect(
                new InetSocketAddress(path.target(), LoadServer.ECHO_PORT + path.portOffset()),
                ANSWER_MILLIS);
            socket.setSoTimeout(ANSWER_MILLIS);
            socket.getOutputStream().write('?');
            return socket.getInputStream().read() == '?';
          } catch (IOException e) {
            return false;
          }
        });
  }

  /** Whether the calling thread's namespace has a connection to that port. */
  static boolean usesHbone() throws IOException {
    return hasSocket(REMOTE_ADDRESS, HBONE_PORT, "");
  }

  /** Whether somebody listens there, in the calling thread's namespace. */
  static boolean listens(int port) throws IOException {
    return hasSocket(LOCAL_ADDRESS, port, LISTENING);
  }

  private static boolean hasSocket(int address, int port, String state) throws IOException {
    String end = String.format(Locale.ROOT, ":%04X", port);
    for (String table : List.of("tcp", "tcp6")) {
      try (var lines = Files.lines(Path.of("/proc/thread-self/net", table))) {
        if (lines
            .map(line -> line.strip().split("\\s+", -1))
            .anyMatch(words ->
                words.length > STATE
                    && words[address].endsWith(end)
                    && words[STATE].startsWith(state))) {
          return true;
        }
      }
    }
    return false;
  }
}
