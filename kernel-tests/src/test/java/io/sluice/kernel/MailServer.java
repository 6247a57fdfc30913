package io.sluice.kernel;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.stream.Collectors;

/** A real exim in a pod, which takes no mail: it greets, and answers QUIT. For one thread. */
final class MailServer implements AutoCloseable {
  static final int PORT = 25;

  /** What it begins its greeting with. */
  static final String GREETING = "220 store.example ESMTP Exim";

  private final Process process;

  /** Listens on the addresses of {@code pod}, with its spool below {@code directory}. */
  MailServer(SitePod pod, Path directory) {
    String addresses =
        Arrays.stream(Family.values())
            .map(family -> IpAddresses.text(pod.address(family)))
            .collect(Collectors.joining(" ; "));
    Path configuration = directory.resolve("exim.conf");
    try {
      Path spool = Files.createDirectory(directory.resolve("exim"));
      // It writes its log as a user of its own.
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
      Files.setPosixFilePermissions(spool, PosixFilePermissions.fromString("rwxrwxrwx"));
      Files.writeString(
          configuration,
          """
          primary_hostname = store.example
          keep_environment =
          tls_advertise_hosts =
          host_lookup =
          smtp_accept_max = 0
          local_interfaces = <; %s
          daemon_smtp_ports = %s
          spool_directory = %3$s
          log_file_path = %3$s/%%slog
          pid_file_path = %3$s/pid
          """
              .formatted(addresses, PORT, spool));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + configuration, e);
    }
    process = pod.start("exim4", "-bdf", "-C", configuration.toString());
    for (Family family : Family.values()) {
      Await.until(
          "exim greets by " + family,
          () -> Attempt.from(pod, pod.at(family, PORT), "QUIT\r\n").answer().startsWith(GREETING));
    }
  }

  @Override
  public void close() {
    process.destroy();
    Await.until("exim has ended", () -> !process.isAlive());
  }
}
