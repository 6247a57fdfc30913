package io.sluice.benchmarks;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Waits, as an application inside the mesh, until a daemon serves it: what is forbidden is refused
 * and what is allowed is answered. Either alone proves nothing, for a pod that is not enrolled gets
 * every answer, and one whose daemon is dead gets none.
 */
final class Enforcement {
  private static final Duration LONGEST = Duration.ofSeconds(60);
  private static final int ANSWER_MILLIS = 250;

  private enum Answer {
    ECHO,
    REFUSED,
    SILENCE
  }

  private Enforcement() {}

  /** Returns after the first allowed answer. */
  static void await(Testbed testbed, DaemonProcess daemon) throws Exception {
    await(testbed, daemon, "the daemon does not serve", () -> isEnforced(testbed));
  }

  /** Returns after the first answer of what is forbidden otherwise, or the first refusal of it. */
  static void awaitForbidden(Testbed testbed, DaemonProcess daemon, boolean allowed)
      throws Exception {
    Answer wanted = allowed ? Answer.ECHO : Answer.REFUSED;
    await(
        testbed,
        daemon,
        allowed ? "a given permission is not in force" : "a taken permission is in force still",
        () -> ask(testbed, LoadServer.FORBIDDEN_PORT) == wanted);
  }

  private static void await(
      Testbed testbed, DaemonProcess daemon, String failure, BooleanSupplier serving)
      throws Exception {
    LoadPath.inside(
        testbed.path(Route.MESHED).client(),
        () -> {
          boolean serves = Await.until(LONGEST, () -> serving.getAsBoolean() || !daemon.isAlive());
          if (!serves || !daemon.isAlive()) {
            throw new IOException(
                (daemon.isAlive()
                        ? failure + " after " + LONGEST.toSeconds() + " s"
                        : "the daemon has ended")
                    + ":\n"
                    + daemon.logTail());
          }
          return true;
        });
  }

  private static boolean isEnforced(Testbed testbed) {
    return ask(testbed, LoadServer.FORBIDDEN_PORT) == Answer.REFUSED
        && ask(testbed, LoadServer.ECHO_PORT) == Answer.ECHO;
  }

  private static Answer ask(Testbed testbed, int port) {
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(testbed.path(Route.MESHED).serverAddress(), port), ANSWER_MILLIS);
      socket.setSoTimeout(ANSWER_MILLIS);
      socket.getOutputStream().write('?');
      return socket.getInputStream().read() < 0 ? Answer.REFUSED : Answer.ECHO;
    } catch (SocketTimeoutException e) {
      return Answer.SILENCE;
    } catch (IOException e) {
      return Answer.REFUSED;
    }
  }
}
